/** What crosses between an engine and its worker: plain data, through one comlink endpoint. Types only. */
import type {
  Accuracy,
  Build,
  Command,
  CoreMemory,
  OpName,
  Outcome,
  RunReport,
  RunRequest,
  TensorId,
} from "../command.ts";

/** What the worker exposes. Errors are values: comlink would keep only their name, message and stack. */
export interface WorkerApi {
  /** The first call. The worker takes the Web Lock of this name, if any, and holds it for life. */
  hello(lock: string | undefined): Promise<Hello>;
  /** Makes the worker's core, once. */
  open(module: WebAssembly.Module, accuracy: Accuracy): Promise<Outcome<Opened>>;
  /** Runs a batch in its order, behind those before it. */
  run(batch: Batch): Promise<Reply>;
  /** Ends the run that was given this number, if it goes slice by slice and is not over. */
  abort(run: number): void;
}

/** The answer to `hello`. */
export interface Hello {
  readonly version: string;
  readonly holdsLock: boolean;
}

/** The answer to `open`. */
export interface Opened {
  readonly build: Build;
  readonly training: boolean;
  readonly memory: CoreMemory;
}

/** Asks for a copy of a tensor's bytes. */
export interface ReadQuestion {
  readonly kind: "read";
  readonly id: TensorId;
}

/** Asks for the first failure since the last such question. */
export interface IdleQuestion {
  readonly kind: "idle";
}

/** Asks for the strategy of an operator. */
export interface ExplainQuestion {
  readonly kind: "explain";
  readonly op: OpName;
  readonly words: readonly number[];
  readonly alone: boolean;
}

/** Asks for a run of a program. */
export interface RunQuestion {
  readonly kind: "run";
  readonly request: RunRequest;
  /** What `abort` and {@link Progress} call it; none if it can go in one piece. */
  readonly run: number | undefined;
  /** Whether to tell of every slice. */
  readonly watched: boolean;
  readonly timed: boolean;
}

/** What has an answer, as opposed to commands. */
export type Question = ReadQuestion | IdleQuestion | ExplainQuestion | RunQuestion;

/** Commands and questions in the order in which the engine's user gave them. */
export type Batch = readonly (Command | Question)[];

/** One answer a question, in their order: the bytes of a read, a strategy, a run's report, nothing for an idle. */
export type Answer = Outcome<ArrayBuffer | string | RunReport | undefined>;

/** The answer to a batch. */
export interface Reply {
  readonly answers: readonly Answer[];
  readonly memory: CoreMemory;
}

/** What the worker posts when it begins to listen, for an engine whose first message came too early. */
export interface Ready {
  readonly type: "lenslet-ready";
}

/** What the worker posts after every slice of a run that is watched. */
export interface Progress {
  readonly type: "lenslet-progress";
  readonly run: number;
  /** Steps that have run, and all. */
  readonly done: number;
  readonly total: number;
}

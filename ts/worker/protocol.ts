/** What crosses between an engine and its worker: plain data, through one comlink endpoint. Types only. */
import type { Accuracy, Build, Command, CoreMemory, Outcome, TensorId } from "../command.ts";

/** What the worker exposes. Errors are values: comlink would keep only their name, message and stack. */
export interface WorkerApi {
  /** The first call. The worker takes the Web Lock of this name, if any, and holds it for life. */
  hello(lock: string | undefined): Promise<Hello>;
  /** Makes the worker's core, once. */
  open(module: WebAssembly.Module, accuracy: Accuracy): Promise<Outcome<Opened>>;
  /** Runs a batch in its order. */
  run(batch: Batch): Reply;
}

/** The answer to `hello`. */
export interface Hello {
  readonly version: string;
  readonly holdsLock: boolean;
}

/** The answer to `open`. */
export interface Opened {
  readonly build: Build;
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

/** What has an answer, as opposed to commands. */
export type Question = ReadQuestion | IdleQuestion;

/** Commands and questions in the order in which the engine's user gave them. */
export type Batch = readonly (Command | Question)[];

/** One answer a question, in their order: the bytes of a read, nothing for an idle. */
export type Answer = Outcome<ArrayBuffer | undefined>;

/** The answer to a batch. */
export interface Reply {
  readonly answers: readonly Answer[];
  readonly memory: CoreMemory;
}

/** What the worker posts when it begins to listen, for an engine whose first message came too early. */
export interface Ready {
  readonly type: "lenslet-ready";
}

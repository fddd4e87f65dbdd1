/** The engine's side: an executor whose core runs in a worker. */
import { transfer } from "comlink";
import { abortable, abortError } from "../abort.ts";
import type {
  Accuracy,
  Build,
  Command,
  CoreMemory,
  Executor,
  OpName,
  RunOptions,
  RunReport,
  RunRequest,
  TensorId,
} from "../command.ts";
import { LensletError } from "../errors.ts";
import type { WorkerLike } from "../platform/platform.ts";
import type { Channel } from "./channel.ts";
import { adoptWorker, type Connection, startWorker } from "./connect.ts";
import type { Answer, Batch, Opened, Progress, Question } from "./protocol.ts";

/** Options of {@link workerExecutor}. */
export interface WorkerExecutorOptions {
  /** The package's own worker, or one that the caller makes. */
  readonly worker: true | (() => WorkerLike);
  /** The compiled core, awaited while the worker starts. */
  readonly module: Promise<WebAssembly.Module>;
  readonly accuracy: Accuracy;
  readonly signal: AbortSignal;
  /** How long each try to start a worker may take, milliseconds. */
  readonly patience?: number;
}

/** An executor in a worker of its own, which it ends when it is disposed. */
export async function workerExecutor(options: WorkerExecutorOptions): Promise<Executor> {
  const { worker, module, accuracy, signal, patience } = options;
  const connecting = worker === true ? startWorker(signal, patience) : adoptWorker(worker, signal, patience);
  // Its failure is seen below, but may come before.
  module.catch(() => undefined);
  const connection = await connecting;
  const { channel } = connection;
  const abort = (): void => channel.end(abortError(signal));
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  try {
    const core = await abortable(module, signal);
    const outcome = await channel.call((to) => to.open(core, accuracy));
    if (!outcome.ok) throw LensletError.fromValue(outcome.error);
    return new WorkerExecutor(connection, outcome.value);
  } catch (error) {
    channel.end(error instanceof LensletError ? error : disposedError());
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What the worker answers to a question, if it has an answer. */
type Value = (Answer & { readonly ok: true })["value"];

/** Settles one question. */
interface Asker {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** Gathers commands and questions and posts them once a microtask. */
class WorkerExecutor implements Executor {
  readonly build: Build;
  readonly training: boolean;
  readonly host: Connection["host"];
  readonly #channel: Channel;
  #memory: CoreMemory;
  #batch: (Command | Question)[] = [];
  #buffers = new Set<ArrayBuffer>();
  #askers: Asker[] = [];
  #runs = 0;
  readonly #watchers = new Map<number, (progress: Progress) => void>();

  constructor({ channel, host }: Connection, { build, training, memory }: Opened) {
    this.#channel = channel;
    this.host = host;
    this.build = build;
    this.training = training;
    this.#memory = memory;
    channel.onMessage((data) => {
      if (isProgress(data)) this.#watchers.get(data.run)?.(data);
    });
  }

  submit(command: Command): void {
    if (this.#channel.ended !== undefined) return;
    if (command.kind === "write") this.#buffers.add(command.bytes.buffer);
    this.#queue(command);
  }

  async read(id: TensorId): Promise<ArrayBuffer> {
    const bytes = await this.#ask({ kind: "read", id });
    if (bytes instanceof ArrayBuffer) return bytes;
    throw new LensletError("worker-lost", "data: the engine's worker gave none");
  }

  async readInto(id: TensorId, into: Uint8Array): Promise<void> {
    into.set(new Uint8Array(await this.read(id)));
  }

  async explain(op: OpName, words: readonly number[], alone: boolean): Promise<string> {
    return String(await this.#ask({ kind: "explain", op, words, alone }));
  }

  async run(request: RunRequest, options: RunOptions = {}): Promise<RunReport> {
    const { signal, onStep, timed = false } = options;
    if (signal === undefined && onStep === undefined && !timed)
      return this.#askForRun({ kind: "run", request, run: undefined, watched: false, timed });
    throwIfAborted(signal);
    const run = ++this.#runs;
    let thrown: { readonly error: unknown } | undefined;
    const abort = (): void => {
      this.#flush();
      // If the worker is gone, so is the run.
      this.#channel.call((to) => to.abort(run)).catch(() => undefined);
    };
    if (onStep !== undefined)
      this.#watchers.set(run, ({ done, total }) => {
        try {
          if (thrown === undefined) onStep(done, total);
        } catch (error) {
          thrown = { error };
          abort();
        }
      });
    signal?.addEventListener("abort", abort);
    try {
      // A message of its own: the answers to one come together, and neither should this wait for others nor they for it.
      this.#flush();
      const running = this.#askForRun({ kind: "run", request, run, watched: onStep !== undefined, timed });
      this.#flush();
      const report = await running;
      // The last step may have been done when the worker heard of it.
      throwIfAborted(signal);
      return report;
    } catch (error) {
      throw thrown === undefined ? error : thrown.error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#watchers.delete(run);
    }
  }

  async idle(): Promise<void> {
    await this.#ask({ kind: "idle" });
  }

  memory(): CoreMemory {
    return this.#memory;
  }

  dispose(): void {
    this.#channel.end(disposedError());
    // The batch that was not posted yet is not part of a call: its flush would reject it, a microtask later.
    this.#flush();
  }

  async #askForRun(question: Question): Promise<RunReport> {
    const report = await this.#ask(question);
    if (typeof report === "object" && !(report instanceof ArrayBuffer)) return report;
    throw new LensletError("worker-lost", "run: the engine's worker gave no answer");
  }

  #ask(question: Question): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#askers.push({ resolve, reject });
      this.#queue(question);
    });
  }

  #queue(entry: Command | Question): void {
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(entry);
  }

  #flush(): void {
    const batch: Batch = this.#batch;
    if (batch.length === 0) return;
    const buffers = [...this.#buffers];
    const askers = this.#askers;
    this.#batch = [];
    this.#buffers = new Set();
    this.#askers = [];
    this.#channel
      .call((to) => to.run(transfer(batch, buffers)))
      .then(
        ({ answers, memory }) => {
          this.#memory = memory;
          askers.forEach((asker, index) => {
            settle(asker, answers[index]);
          });
        },
        (error: unknown) => {
          for (const { reject } of askers) reject(error);
        },
      );
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal, "run");
}

function isProgress(data: unknown): data is Progress {
  return typeof data === "object" && data !== null && "type" in data && data.type === "lenslet-progress";
}

function settle({ resolve, reject }: Asker, answer: Answer | undefined): void {
  if (answer === undefined) reject(new LensletError("worker-lost", "the engine's worker left a question open"));
  else if (answer.ok) resolve(answer.value);
  else reject(LensletError.fromValue(answer.error));
}

function disposedError(): LensletError {
  return new LensletError("engine-disposed", "the engine was disposed; create another with createEngine()");
}

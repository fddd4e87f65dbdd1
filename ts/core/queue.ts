import type { Build, Command, CoreMemory, OpName, RunOptions, RunReport, RunRequest, TensorId } from "../command.ts";
import { abortError } from "../abort.ts";
import { LensletError } from "../errors.ts";

/** A run that goes on step by step. */
export interface StepwiseRun {
  readonly total: number;
  readonly done: number;
  /** Runs the steps that are left before `end`. */
  advance(end: number): void;
  /** Hands the outputs over. */
  finish(): void;
  /** Frees the outputs; gives the error that whoever asks for them gets. */
  abandon(error: unknown): LensletError;
}

/** What does the work: `CommandRunner`, or a test's substitute. */
export interface Runner {
  readonly build: Build;
  readonly training: boolean;
  run(commands: readonly Command[]): void;
  start(request: RunRequest): StepwiseRun;
  read(id: TensorId): ArrayBuffer;
  readInto(id: TensorId, into: Uint8Array): void;
  explain(op: OpName, words: readonly number[], alone: boolean): string;
  takeFailure(): LensletError | undefined;
  memory(): CoreMemory;
}

/** How long a run may keep its thread to itself, milliseconds, if anyone wants to hear of it meanwhile. */
const SLICE_MS = 4;

/** Something that waits for its turn. */
interface Waiting {
  /** Does it; a promise is waited for before the next one's turn. */
  begin(): Promise<unknown> | undefined;
  /** Tells that its turn will not come. */
  refuse(error: LensletError): void;
}

/**
 * Commands, runs and questions in the order in which they come: at once, unless a run that goes slice by slice is under
 * way. Both engines have one, in the thread of their core.
 */
export class CommandQueue {
  /** Nothing once it has ended: whoever holds the queue holds no core. */
  #runner: Runner | undefined;
  /** What waits for the run that is under way, if one is. */
  #line: Waiting[] | undefined;
  #ended: LensletError | undefined;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Whether what comes now has to wait. */
  get busy(): boolean {
    return this.#line !== undefined;
  }

  /** Runs a command; what goes wrong marks what it would have made. */
  submit(command: Command): void {
    const begin = (): undefined => {
      this.#runner?.run([command]);
    };
    if (this.#line === undefined) begin();
    else this.#line.push({ begin, refuse: () => undefined });
  }

  /** A copy of a tensor's bytes. */
  read(id: TensorId): Promise<ArrayBuffer> {
    return this.#inTurn((runner) => runner.read(id));
  }

  /** Writes a tensor's bytes to where the caller wants them. */
  readInto(id: TensorId, into: Uint8Array): Promise<void> {
    return this.#inTurn((runner) => runner.readInto(id, into));
  }

  /** Throws the first failure since it was last called. */
  idle(): Promise<void> {
    return this.#inTurn((runner) => {
      const failure = runner.takeFailure();
      if (failure !== undefined) throw failure;
    });
  }

  /** The name of an operator's strategy. */
  explain(op: OpName, words: readonly number[], alone: boolean): Promise<string> {
    return this.#inTurn((runner) => runner.explain(op, words, alone));
  }

  /** Runs a program. */
  run(request: RunRequest, options: RunOptions = {}): Promise<RunReport> {
    const { signal, onStep, timed = false } = options;
    if (signal === undefined && onStep === undefined && !timed)
      return this.#inTurn((runner) => runAtOnce(runner, request));
    return this.#inTurn((runner) => this.#runInSlices(runner, request, options));
  }

  /** Refuses all that waits, and what will come. */
  end(error: LensletError): void {
    this.#ended = error;
    this.#runner = undefined;
    for (const { refuse } of this.#line?.splice(0) ?? []) refuse(error);
  }

  async #runInSlices(
    runner: Runner,
    request: RunRequest,
    { signal, onStep, timed = false }: RunOptions,
  ): Promise<RunReport> {
    const run = runner.start(request);
    const milliseconds = timed ? new Float32Array(run.total) : undefined;
    try {
      while (run.done < run.total) {
        const end = performance.now() + SLICE_MS;
        for (let before = 0; before < end && run.done < run.total; ) {
          if (this.#ended !== undefined) throw this.#ended;
          if (signal?.aborted === true) throw abortError(signal, "run");
          before = performance.now();
          run.advance(run.done + 1);
          if (milliseconds !== undefined) milliseconds[run.done - 1] = performance.now() - before;
        }
        onStep?.(run.done, run.total);
        if (run.done < run.total) await breathe();
      }
      run.finish();
      return milliseconds === undefined ? {} : { milliseconds };
    } catch (error) {
      // What the caller's own function throws ends the run too, and comes back to the caller as it is.
      const text = "run: onStep threw an error, which ended the run";
      run.abandon(error instanceof LensletError ? error : new LensletError("aborted", text, { cause: error }));
      throw error;
    }
  }

  /** Does something when it is its turn: now, if nothing is under way. */
  #inTurn<T>(work: (runner: Runner) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const begin = (): Promise<unknown> | undefined => {
        try {
          if (this.#runner === undefined) throw this.#ended;
          const result = work(this.#runner);
          resolve(result);
          return result instanceof Promise ? result : undefined;
        } catch (error) {
          reject(error);
          return undefined;
        }
      };
      if (this.#line !== undefined) {
        this.#line.push({ begin, refuse: reject });
        return;
      }
      const pending = begin();
      if (pending === undefined) return;
      this.#line = [];
      this.#after(pending);
    });
  }

  /** Lets what waits have its turn when `pending` is over. */
  #after(pending: Promise<unknown>): void {
    const next = (): void => {
      for (let first = this.#line?.shift(); first !== undefined; first = this.#line?.shift()) {
        const another = first.begin();
        if (another !== undefined) {
          this.#after(another);
          return;
        }
      }
      this.#line = undefined;
    };
    // Whoever waited for it hears of it before the next one may hold up the thread.
    pending.then(breathe, breathe).then(next, next);
  }
}

function runAtOnce(runner: Runner, request: RunRequest): RunReport {
  const run = runner.start(request);
  run.advance(run.total);
  run.finish();
  return {};
}

/** Lets the thread look after other events. A timer would do as well, but in a page it waits for 4 ms; a channel takes 20 µs in Node. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

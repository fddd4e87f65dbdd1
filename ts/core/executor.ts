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
import { CommandQueue } from "./queue.ts";
import { CommandRunner } from "./runner.ts";

/** Runs every command in this thread, before `submit` returns unless a run is under way. */
class ThreadExecutor implements Executor {
  readonly host = "thread";
  readonly build: Build;
  readonly training: boolean;
  #runner: CommandRunner | undefined;
  readonly #queue: CommandQueue;
  #memory: CoreMemory;

  constructor(runner: CommandRunner) {
    this.#runner = runner;
    this.#queue = new CommandQueue(runner);
    this.build = runner.build;
    this.training = runner.training;
    this.#memory = runner.memory();
  }

  submit(command: Command): void {
    // Bytes that must wait are the caller's, who may change them meanwhile.
    const waits = this.#queue.busy && command.kind === "write";
    this.#queue.submit(waits ? { ...command, bytes: command.bytes.slice() } : command);
  }

  read(id: TensorId): Promise<ArrayBuffer> {
    return this.#queue.read(id);
  }

  readInto(id: TensorId, into: Uint8Array): Promise<void> {
    return this.#queue.readInto(id, into);
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  run(request: RunRequest, options?: RunOptions): Promise<RunReport> {
    return this.#queue.run(request, options);
  }

  explain(op: OpName, words: readonly number[], alone: boolean): Promise<string> {
    return this.#queue.explain(op, words, alone);
  }

  memory(): CoreMemory {
    if (this.#runner !== undefined) this.#memory = this.#runner.memory();
    return this.#memory;
  }

  dispose(): void {
    this.#queue.end(new LensletError("engine-disposed", "the engine was disposed; create another with createEngine()"));
    this.#runner = undefined;
  }
}

/** An executor in this thread, on a new instance of the core. */
export async function threadExecutor(module: WebAssembly.Module, accuracy: Accuracy): Promise<Executor> {
  return new ThreadExecutor(await CommandRunner.create(module, accuracy));
}

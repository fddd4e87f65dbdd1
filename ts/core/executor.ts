import type { Accuracy, Build, Command, CoreMemory, Executor, TensorId } from "../command.ts";
import { LensletError } from "../errors.ts";
import { CommandRunner } from "./runner.ts";

/** Runs every command in this thread, before `submit` returns. */
class ThreadExecutor implements Executor {
  readonly host = "thread";
  readonly build: Build;
  #runner: CommandRunner | undefined;
  #memory: CoreMemory;

  constructor(runner: CommandRunner) {
    this.#runner = runner;
    this.build = runner.build;
    this.#memory = runner.memory();
  }

  submit(command: Command): void {
    this.#runner?.run([command]);
  }

  // Both are async so that what they throw is a rejection.
  async read(id: TensorId): Promise<ArrayBuffer> {
    return this.#live().read(id);
  }

  async idle(): Promise<void> {
    const failure = this.#live().takeFailure();
    if (failure !== undefined) throw failure;
  }

  memory(): CoreMemory {
    if (this.#runner !== undefined) this.#memory = this.#runner.memory();
    return this.#memory;
  }

  dispose(): void {
    // The instance and its memory go with the last reference to them.
    this.#runner = undefined;
  }

  #live(): CommandRunner {
    if (this.#runner === undefined)
      throw new LensletError("engine-disposed", "the engine was disposed; create another with createEngine()");
    return this.#runner;
  }
}

/** An executor in this thread, on a new instance of the core. */
export async function threadExecutor(module: WebAssembly.Module, accuracy: Accuracy): Promise<Executor> {
  return new ThreadExecutor(await CommandRunner.create(module, accuracy));
}

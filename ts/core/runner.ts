import type {
  Accuracy,
  AliasCommand,
  Build,
  Command,
  CoreMemory,
  OpCommand,
  TensorId,
  WriteCommand,
} from "../command.ts";
import { LensletError } from "../errors.ts";
import { CoreInstance } from "./instance.ts";

/** Elements in linear memory, shared by all ids that a reshape gave them. */
interface Storage {
  readonly offset: number;
  readonly length: number;
  ids: number;
}

/** Runs commands on a core of its own, in this thread, at once. Both engines end here. */
export class CommandRunner {
  readonly #core: CoreInstance;
  /** Live tensors; a failed one holds the error that everything computed from it inherits. */
  readonly #tensors = new Map<TensorId, Storage | LensletError>();
  #failure: LensletError | undefined;
  #memory: CoreMemory;

  private constructor(core: CoreInstance) {
    this.#core = core;
    this.#memory = core.memory();
  }

  /** A runner on a new instance of `module`; `wasm-load-failed` if that is not lenslet's core. */
  static async create(module: WebAssembly.Module, accuracy: Accuracy): Promise<CommandRunner> {
    return new CommandRunner(await CoreInstance.create(module, accuracy));
  }

  /** The build that runs, as the core itself says. */
  get build(): Build {
    return this.#core.build;
  }

  /** Runs commands in order. Never throws: a failure marks the tensors that it leaves unmade. */
  run(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind === "op") this.#op(command);
      else if (command.kind === "write") this.#write(command);
      else if (command.kind === "alias") this.#alias(command);
      else this.#free(command.id);
    }
  }

  /** A copy of a tensor's bytes; throws what kept it from being made. */
  read(id: TensorId): ArrayBuffer {
    const { offset, length } = this.#storage(id);
    try {
      return this.#core.view(offset, length * 4).slice().buffer;
    } catch (cause) {
      throw new LensletError("out-of-memory", `data: no ${length * 4} bytes left for a copy of the tensor`, { cause });
    }
  }

  /** The first failure since the last call of this method. */
  takeFailure(): LensletError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** What the core holds; after a trap, what it held when it was last asked. */
  memory(): CoreMemory {
    try {
      this.#memory = this.#core.memory();
    } catch (error) {
      this.#note(error);
    }
    return this.#memory;
  }

  #op({ op, inputs, outputs, words }: OpCommand): void {
    const made: Storage[] = [];
    try {
      const offsets = inputs.map((id) => (id === 0 ? 0 : this.#storage(id).offset));
      for (const { length } of outputs) made.push({ offset: this.#core.alloc(op, length), length, ids: 1 });
      this.#core.call(
        op,
        offsets,
        made.map(({ offset }) => offset),
        words,
      );
    } catch (error) {
      const failure = this.#note(error);
      for (const { id } of outputs) this.#tensors.set(id, failure);
      for (const { offset } of made) this.#release(offset);
      return;
    }
    made.forEach((storage, index) => {
      this.#tensors.set(outputs[index]?.id ?? 0, storage);
    });
  }

  #write({ id, bytes }: WriteCommand): void {
    try {
      const length = bytes.byteLength / 4;
      const offset = this.#core.alloc("tensor", length);
      this.#core.view(offset, bytes.byteLength).set(bytes);
      this.#tensors.set(id, { offset, length, ids: 1 });
    } catch (error) {
      this.#tensors.set(id, this.#note(error));
    }
  }

  #alias({ id, of }: AliasCommand): void {
    try {
      const storage = this.#storage(of);
      storage.ids += 1;
      this.#tensors.set(id, storage);
    } catch (error) {
      this.#tensors.set(id, this.#note(error));
    }
  }

  #free(id: TensorId): void {
    const tensor = this.#tensors.get(id);
    this.#tensors.delete(id);
    if (tensor === undefined || tensor instanceof LensletError) return;
    tensor.ids -= 1;
    if (tensor.ids === 0) this.#release(tensor.offset);
  }

  #release(offset: number): void {
    try {
      this.#core.free(offset);
    } catch (error) {
      this.#note(error);
    }
  }

  #storage(id: TensorId): Storage {
    const tensor = this.#tensors.get(id);
    if (tensor === undefined) throw new LensletError("tensor-disposed", `tensor ${id} was disposed before this use`);
    if (tensor instanceof LensletError) throw tensor;
    return tensor;
  }

  /** Remembers a failure for `idle`, if it is the first. */
  #note(error: unknown): LensletError {
    const failure =
      error instanceof LensletError ? error : new LensletError("core-trapped", String(error), { cause: error });
    this.#failure ??= failure;
    return failure;
  }
}

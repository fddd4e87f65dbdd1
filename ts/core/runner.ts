import type {
  Accuracy,
  AliasCommand,
  Build,
  Command,
  CoreMemory,
  OpCommand,
  OpName,
  ProgramCommand,
  ProgramId,
  RunRequest,
  TensorId,
  WriteCommand,
} from "../command.ts";
import { LensletError } from "../errors.ts";
import { CoreInstance } from "./instance.ts";
import { type CoreProgram, errorOf, loadProgram, ProgramRun, type Storage, type Tensors } from "./program.ts";

/** Runs commands on a core of its own, in this thread, at once. Both engines end here. */
export class CommandRunner implements Tensors {
  readonly #core: CoreInstance;
  /** Live tensors; a failed one holds the error that everything computed from it inherits. */
  readonly #tensors = new Map<TensorId, Storage | LensletError>();
  /** A program that could not be loaded is the error of its runs. */
  readonly #programs = new Map<ProgramId, CoreProgram | LensletError>();
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

  /** Whether the core has the operators of training. */
  get training(): boolean {
    return this.#core.training;
  }

  /** Runs commands in order. Never throws: a failure marks the tensors that it leaves unmade. */
  run(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind === "op") this.#op(command);
      else if (command.kind === "write") this.#write(command);
      else if (command.kind === "alias") this.#alias(command);
      else if (command.kind === "program") this.#program(command);
      else if (command.kind === "freeProgram") this.#freeProgram(command.id);
      else this.#free(command.id);
    }
  }

  /** Begins a run, in which no step has run yet; throws what is in the way. */
  start(request: RunRequest): ProgramRun {
    const program = this.#programs.get(request.program);
    if (program !== undefined && !(program instanceof LensletError))
      return new ProgramRun(this.#core, this, program, request);
    const failure = program ?? new LensletError("invalid-argument", `run: there is no program ${request.program}`);
    for (const { id } of request.outputs) this.#tensors.set(id, failure);
    throw failure;
  }

  /** The strategy that would compute an operator; empty where it has but one. */
  explain(op: OpName, words: readonly number[], alone: boolean): string {
    const program = this.#core.createProgram(0);
    try {
      this.#core.addStep(program, op, [], [], words);
      return this.#core.explainStep(program, 0, alone);
    } finally {
      this.#core.freeProgram(program);
    }
  }

  /** A copy of a tensor's bytes; throws what kept it from being made. */
  read(id: TensorId): ArrayBuffer {
    const view = this.#view(id);
    try {
      return view.slice().buffer;
    } catch (cause) {
      throw new LensletError("out-of-memory", `data: no ${view.length} bytes left for a copy of the tensor`, { cause });
    }
  }

  /** Writes a tensor's bytes to `into`, which has as many; throws what kept it from being made. */
  readInto(id: TensorId, into: Uint8Array): void {
    into.set(this.#view(id));
  }

  #view(id: TensorId): Uint8Array<ArrayBuffer> {
    const { handle, length } = this.storage(id);
    const view = this.#core.view(handle, length * 4);
    if (view !== undefined) return view;
    throw new LensletError("tensor-disposed", `data: tensor ${id} is kept in packed form only`);
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

  /** A live tensor; throws what kept it from being made. */
  storage(id: TensorId): Storage {
    const tensor = this.#tensors.get(id);
    if (tensor === undefined) throw new LensletError("tensor-disposed", `tensor ${id} was disposed before this use`);
    if (tensor instanceof LensletError) throw tensor;
    return tensor;
  }

  /** Gives a tensor its elements, or the error that it inherits. */
  set(id: TensorId, tensor: Storage | LensletError): void {
    this.#tensors.set(id, tensor);
  }

  /** Frees a buffer. */
  release(handle: number): void {
    try {
      this.#core.free(handle);
    } catch (error) {
      this.#note(error);
    }
  }

  #op({ op, inputs, outputs, words }: OpCommand): void {
    const made: Storage[] = [];
    try {
      const handles = inputs.map((id) => (id === 0 ? 0 : this.storage(id).handle));
      for (const { length } of outputs) made.push({ handle: this.#core.alloc(op, length), length, owners: 1 });
      this.#core.call(
        op,
        handles,
        made.map(({ handle }) => handle),
        words,
      );
    } catch (error) {
      const failure = this.#note(error);
      for (const { id } of outputs) this.#tensors.set(id, failure);
      for (const { handle } of made) this.release(handle);
      return;
    }
    made.forEach((storage, index) => {
      this.#tensors.set(outputs[index]?.id ?? 0, storage);
    });
  }

  #write({ id, bytes }: WriteCommand): void {
    try {
      const length = bytes.byteLength / 4;
      const handle = this.#core.alloc("tensor", length);
      this.#core.view(handle, bytes.byteLength)?.set(bytes);
      this.#tensors.set(id, { handle, length, owners: 1 });
    } catch (error) {
      this.#tensors.set(id, this.#note(error));
    }
  }

  #alias({ id, of }: AliasCommand): void {
    try {
      const storage = this.storage(of);
      storage.owners += 1;
      this.#tensors.set(id, storage);
    } catch (error) {
      this.#tensors.set(id, this.#note(error));
    }
  }

  #free(id: TensorId): void {
    const tensor = this.#tensors.get(id);
    this.#tensors.delete(id);
    if (tensor !== undefined && !(tensor instanceof LensletError)) this.#disown(tensor);
  }

  #disown(tensor: Storage): void {
    tensor.owners -= 1;
    if (tensor.owners === 0) this.release(tensor.handle);
  }

  #program(command: ProgramCommand): void {
    try {
      this.#programs.set(command.id, loadProgram(this.#core, this, command));
    } catch (error) {
      this.#programs.set(command.id, this.#note(error));
    }
  }

  #freeProgram(id: ProgramId): void {
    const program = this.#programs.get(id);
    this.#programs.delete(id);
    if (program === undefined || program instanceof LensletError) return;
    try {
      this.#core.freeProgram(program.number);
    } catch (error) {
      this.#note(error);
    }
    for (const weight of program.weights) this.#disown(weight);
  }

  /** Remembers a failure for `idle`, if it is the first. */
  #note(error: unknown): LensletError {
    const failure = errorOf(error);
    this.#failure ??= failure;
    return failure;
  }
}

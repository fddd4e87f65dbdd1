/** Programs in the core, and their runs. */
import type { Place, ProgramCommand, RunRequest, TensorId } from "../command.ts";
import { LensletError } from "../errors.ts";
import type { CoreInstance } from "./instance.ts";

/** Elements in linear memory, shared by all ids that a reshape gave them and by the programs that name one of those. */
export interface Storage {
  /** The core's name of the buffer. */
  readonly handle: number;
  readonly length: number;
  owners: number;
}

/** What runs look their tensors up in. */
export interface Tensors {
  /** A live tensor; throws what kept it from being made. */
  storage(id: TensorId): Storage;
  /** Gives a tensor its elements, or the error that it inherits. */
  set(id: TensorId, tensor: Storage | LensletError): void;
  /** Frees a buffer. */
  release(handle: number): void;
}

/** A program that the core keeps. */
export interface CoreProgram {
  /** The core's name of it. */
  readonly number: number;
  /** The operator of each step. */
  readonly steps: number;
  /** The tensors that it names. */
  readonly weights: readonly Storage[];
}

/** Hands a program to the core. */
export function loadProgram(core: CoreInstance, tensors: Tensors, command: ProgramCommand): CoreProgram {
  const { arena, steps, weightsOnlyPacked = [] } = command;
  const weights = new Map<TensorId, Storage>();
  const places = (list: readonly Place[]): number[] =>
    list.flatMap((place) => {
      if (place.kind === "tensor" && !weights.has(place.id)) weights.set(place.id, tensors.storage(place.id));
      return placeWords(place, weights);
    });
  const number = core.createProgram(arena);
  try {
    for (const { op, inputs, outputs, words } of steps)
      core.addStep(number, op, places(inputs), places(outputs), words);
    core.packProgram(
      number,
      weightsOnlyPacked.map((id) => tensors.storage(id).handle),
    );
  } catch (error) {
    core.freeProgram(number);
    throw error;
  }
  for (const weight of weights.values()) weight.owners++;
  return { number, steps: steps.length, weights: [...weights.values()] };
}

/** A place as the core's three numbers. */
function placeWords(place: Place, weights: ReadonlyMap<TensorId, Storage>): readonly number[] {
  if (place.kind === "none") return [0, 0, 0];
  if (place.kind === "arena") return [1, place.offset, place.length];
  if (place.kind === "tensor") return [2, weights.get(place.id)?.handle ?? 0, 0];
  return [place.kind === "input" ? 3 : 4, place.index, 0];
}

/** One run of a program, as far as it has come. */
export class ProgramRun {
  /** Steps of the program. */
  readonly total: number;
  readonly #core: CoreInstance;
  readonly #tensors: Tensors;
  readonly #program: number;
  readonly #request: RunRequest;
  readonly #inputs: readonly number[];
  readonly #made: Storage[] = [];
  #done = 0;

  /** Looks up the inputs and allocates the outputs; throws what is in the way. */
  constructor(core: CoreInstance, tensors: Tensors, program: CoreProgram, request: RunRequest) {
    this.#core = core;
    this.#tensors = tensors;
    this.#program = program.number;
    this.total = program.steps;
    this.#request = request;
    try {
      this.#inputs = request.inputs.map((id) => tensors.storage(id).handle);
      for (const { length } of request.outputs)
        this.#made.push({ handle: core.alloc("run", length), length, owners: 1 });
    } catch (error) {
      throw this.abandon(error);
    }
  }

  /** Steps that have run. */
  get done(): number {
    return this.#done;
  }

  /** Runs the steps that are left before `end`; those of a run that is over are none. */
  advance(end: number): void {
    const outputs = this.#made.map(({ handle }) => handle);
    try {
      if (end > this.#done) this.#core.runProgram(this.#program, this.#done, end, this.#inputs, outputs);
      this.#done = end;
    } catch (error) {
      throw this.abandon(error);
    }
  }

  /** Hands the outputs over. */
  finish(): void {
    this.#made.forEach((storage, index) => {
      this.#tensors.set(this.#request.outputs[index]?.id ?? 0, storage);
    });
  }

  /** Frees the outputs, and gives the error that whoever asks for them gets. */
  abandon(error: unknown): LensletError {
    const failure = errorOf(error);
    for (const { handle } of this.#made.splice(0)) this.#tensors.release(handle);
    for (const { id } of this.#request.outputs) this.#tensors.set(id, failure);
    return failure;
  }
}

/** What was thrown as one of ours. */
export function errorOf(error: unknown): LensletError {
  return error instanceof LensletError ? error : new LensletError("core-trapped", String(error), { cause: error });
}

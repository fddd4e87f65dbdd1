/** The weights of a model in the core: written once, however often the network is planned. */
import type { ProgramId, TensorId } from "../command.ts";
import { bytesOf } from "../ops/plan.ts";
import { elementCount } from "../shape.ts";
import type { Store } from "../store.ts";
import { handleOf, type Tensor } from "../tensor.ts";
import type { Constant } from "./constant.ts";
import { isComputed } from "./derived.ts";
import type { LoweredStep } from "./lower/lowering.ts";
import { type Program, stepOf } from "./program.ts";

/** Operators that read their second input in packed form alone, and how many of their words tell which. */
const PACKING: ReadonlyMap<string, number> = new Map([
  ["conv2d", 18],
  ["convTranspose2d", 18],
  ["dense", 4],
]);

/** Tensors of constants. */
export class Weights {
  readonly #store: Store;
  /**
   * Which inputs' sizes came first. For those the core may forget what a filter was packed from; others might want it
   * packed in another way, and most networks never see others.
   */
  #first: string | undefined;
  readonly #tensors = new Map<Constant, Tensor>();
  /** Filters that the core has in packed form alone, by how they are packed. */
  readonly #packed = new Map<Constant, Map<string, Tensor>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Writes what a program needs and is not there, and gives the tensors' ids; `sizes` tells the inputs' sizes. Filters that nobody reads once they are packed
   * are packed one by one, each by a program of its step alone, so that the core never holds all of them twice.
   */
  write(program: Program, sizes: string): WrittenWeights {
    const { steps, arena, place } = program;
    this.#first ??= sizes;
    const onlyPacked = this.#first === sizes ? packedAlone(steps) : new Map<Constant, string>();
    const ids = new Map<Constant, TensorId>();
    const passing: TensorId[] = [];
    const packing: ProgramId[] = [];
    const weight = (constant: Constant): TensorId => ids.get(constant) ?? 0;
    for (const step of largestFirst(steps, onlyPacked)) {
      const fresh: TensorId[] = [];
      for (const buffer of step.inputs) {
        if (buffer.kind !== "weight" || ids.has(buffer.constant)) continue;
        const { constant } = buffer;
        const way = onlyPacked.get(constant);
        const { tensor, isNew } = way === undefined ? this.#plain(constant) : this.#filter(constant, way);
        const { id } = handleOf(tensor);
        ids.set(constant, id);
        if (way === undefined) continue;
        passing.push(id);
        if (isNew) fresh.push(id);
      }
      if (fresh.length === 0) continue;
      const only = stepOf(step, (buffer) => place(buffer, weight));
      packing.push(this.#store.loadProgram({ arena, steps: [only], weightsOnlyPacked: fresh }));
    }
    return { ids, passing, packing };
  }

  #plain(constant: Constant): Written {
    return this.#tensor(this.#tensors, constant, constant);
  }

  #filter(constant: Constant, way: string): Written {
    const ways = this.#packed.get(constant) ?? new Map<string, Tensor>();
    this.#packed.set(constant, ways);
    return this.#tensor(ways, way, constant);
  }

  #tensor<K>(tensors: Map<K, Tensor>, key: K, constant: Constant): Written {
    const known = tensors.get(key);
    if (known !== undefined) return { tensor: known, isNew: false };
    const tensor = write(this.#store, constant);
    tensors.set(key, tensor);
    return { tensor, isNew: true };
  }

  /** Frees all. */
  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    for (const ways of this.#packed.values()) for (const tensor of ways.values()) tensor.dispose();
    this.#tensors.clear();
    this.#packed.clear();
  }
}

/** Weights of one program. */
export interface WrittenWeights {
  readonly ids: ReadonlyMap<Constant, TensorId>;
  /** Those that nobody reads once they are packed. */
  readonly passing: readonly TensorId[];
  /** Programs that have packed them: to be freed once the program itself is there. */
  readonly packing: readonly ProgramId[];
}

interface Written {
  readonly tensor: Tensor;
  readonly isNew: boolean;
}

function write(store: Store, constant: Constant): Tensor {
  const { data, shape, type } = constant;
  const isOwn = type !== "float32" || isComputed(constant);
  const floats = type === "float32" ? data : Float32Array.from(data);
  const tensor = store.write(bytesOf(floats), shape, isOwn);
  // A scope in which the model happens to be planned must not free it.
  store.keep(tensor);
  return tensor;
}

/**
 * Steps whose filters are packed alone before the others, the largest filter first: what one leaves behind in memory then
 * has room for the next. In their own order, filters growing, EfficientNet-lite0 took 39 MB of linear memory instead of 25.
 */
function largestFirst(steps: readonly LoweredStep[], onlyPacked: ReadonlyMap<Constant, string>): LoweredStep[] {
  // By shape: folded weights are computed whenever their numbers are read.
  const size = ({ inputs: [, filter] }: LoweredStep): number =>
    filter?.kind === "weight" && onlyPacked.has(filter.constant) ? elementCount(filter.constant.shape) : 0;
  return [...steps].sort((a, b) => size(b) - size(a));
}

/** Constants that steps use as filters and in no other way, all packed in one way; and what tells that way from others. */
function packedAlone(steps: readonly LoweredStep[]): Map<Constant, string> {
  const ways = new Map<Constant, string | undefined>();
  for (const { op, inputs, words } of steps) {
    for (const [index, buffer] of inputs.entries()) {
      if (buffer.kind !== "weight") continue;
      const count = PACKING.get(op);
      const way = index === 1 && count !== undefined ? `${op} ${words.slice(0, count).join()}` : undefined;
      const known = ways.has(buffer.constant) ? ways.get(buffer.constant) : way;
      ways.set(buffer.constant, known === way ? way : undefined);
    }
  }
  return new Map([...ways].flatMap(([constant, way]) => (way === undefined ? [] : [[constant, way]])));
}

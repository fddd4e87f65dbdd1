/** Plans of one network, for the sizes of inputs that it sees; and what of them is in the core. */
import type { ProgramId } from "../command.ts";
import type { Shape } from "../shape.ts";
import type { Store } from "../store.ts";
import { completeShapes } from "./arguments.ts";
import type { Graph, KnownGraph, ValueName } from "./graph.ts";
import { optimise } from "./passes/optimise.ts";
import { type Program, planProgram, stepsOf } from "./program.ts";
import { specialise } from "./specialise/specialise.ts";
import { Weights } from "./weights.ts";

/** A network planned for inputs of some shapes, and what of it is in the core. */
export interface Planned {
  /** Tells the shapes from others. */
  readonly sizes: string;
  /** As specialised, before any pass. */
  readonly known: KnownGraph;
  readonly optimised: KnownGraph;
  readonly program: Program;
  /** Undefined until it is to run. */
  id: ProgramId | undefined;
}

/** Plans that are kept: those that were used last. */
const MAX_PLANS = 4;

/** Programs of plans that nobody holds any more. Their weights are tensors, which see to themselves. */
const collected = new FinalizationRegistry<{ readonly store: Store; readonly programs: ReadonlySet<ProgramId> }>(
  ({ store, programs }) => {
    for (const id of programs) store.freeProgram(id);
  },
);

/** The plans of one model. */
export class Plans {
  readonly #store: Store;
  #weights: Weights;
  /** By shapes and outputs; those used last at the end. */
  readonly #plans = new Map<string, Planned>();
  readonly #programs = new Set<ProgramId>();

  constructor(store: Store) {
    this.#store = store;
    this.#weights = new Weights(store);
    collected.register(this, { store, programs: this.#programs }, this);
  }

  /** The plan that computes values of `graph`, always the same but for its weights, for inputs of these shapes. */
  plan(graph: Graph, given: ReadonlyMap<ValueName, Shape>, outputs: readonly ValueName[]): Planned {
    const shapes = completeShapes(graph, given);
    const sizes = JSON.stringify([...shapes].sort(([a], [b]) => (a < b ? -1 : 1)));
    const key = JSON.stringify([sizes, outputs]);
    let planned = this.#plans.get(key);
    this.#plans.delete(key);
    if (planned === undefined) {
      const known = withRows(specialise({ ...graph, outputs }, shapes));
      const optimised = optimise(known);
      planned = { sizes, known, optimised, program: planProgram(optimised), id: undefined };
    }
    this.#plans.set(key, planned);
    for (const [old, plan] of this.#plans) {
      if (this.#plans.size <= MAX_PLANS) break;
      this.#plans.delete(old);
      if (plan.id === undefined) continue;
      this.#programs.delete(plan.id);
      this.#store.freeProgram(plan.id);
      // Whoever still has the plan brings it back.
      plan.id = undefined;
    }
    return planned;
  }

  /** Brings a plan into the core, if it is not there. */
  load(planned: Planned): ProgramId {
    if (planned.id === undefined) {
      const { program } = planned;
      const { ids, passing, packing } = this.#weights.write(program, planned.sizes);
      const steps = stepsOf(program, (constant) => ids.get(constant) ?? 0);
      planned.id = this.#store.loadProgram({ arena: program.arena, steps, weightsOnlyPacked: passing });
      this.#programs.add(planned.id);
      for (const id of packing) this.#store.freeProgram(id);
    }
    return planned.id;
  }

  /** Frees all, for the network has other weights from now on. Runs that have begun go on. */
  forget(): void {
    for (const planned of this.#plans.values()) planned.id = undefined;
    this.#plans.clear();
    for (const id of this.#programs) this.#store.freeProgram(id);
    this.#programs.clear();
    this.#weights.dispose();
    this.#weights = new Weights(this.#store);
  }

  /** Frees all, for good. */
  dispose(): void {
    this.forget();
    collected.unregister(this);
  }
}

/** The graph with outputs that tell how many rows of the others count. */
function withRows(graph: KnownGraph): KnownGraph {
  const rows = graph.outputs.flatMap((name) => graph.infos.get(name)?.rows ?? []);
  return rows.length === 0 ? graph : { ...graph, outputs: [...new Set([...graph.outputs, ...rows])] };
}

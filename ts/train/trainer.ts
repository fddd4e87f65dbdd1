/** Training steps of a network in an engine: each is one run of one program, which changes the weights where they lie. */
import type { ProgramId } from "../command.ts";
import { type Engine, storeOf } from "../engine.ts";
import { LensletError } from "../errors.ts";
import { invalid, show } from "../options.ts";
import { bytesOf, type Input, output as outputOf } from "../ops/plan.ts";
import { elementCount, formatShape, type Shape } from "../shape.ts";
import type { ProgramCall, ProgramResult, Store } from "../store.ts";
import { handleOf, type Tensor } from "../tensor.ts";
import { type Constant, floats } from "../model/constant.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import type { Variable } from "../model/lower/lowering.ts";
import { openBatch } from "../model/open-batch.ts";
import { stepsOf, withNode } from "../model/program.ts";
import { Weights } from "../model/weights.ts";
import type { KernelTime } from "./history.ts";
import type { Loss } from "./loss.ts";
import { memoryOfPlan, type TrainingMemory } from "./memory.ts";
import type { Optimizer } from "./optimiser.ts";
import { type Freeze, findTrained } from "./parameters.ts";
import { type BatchPlan, planEvaluation, planStep, type Task, variablesOf } from "./plan.ts";

/** How a network is trained. */
export interface TrainerOptions {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Gradients that are longer than this, all together, are shortened to it. Default: none are. */
  readonly clipNorm?: number | undefined;
  /** What is not trained. Default: everything is. */
  readonly freeze?: Freeze | undefined;
  /** Whether some of what the forward pass computes is computed again, instead of kept, for the backward pass. Default false. */
  readonly recompute?: boolean | undefined;
  /** Of what Dropout drops: a whole number of 0 or more. */
  readonly seed: number;
  /** The output that the loss is of. Default: the network's first. */
  readonly output?: ValueName | undefined;
  /** Shapes of samples, without the batch, of inputs whose sizes the network leaves open. */
  readonly samples?: ReadonlyMap<ValueName, Shape> | undefined;
}

/** Samples and what is right for them. */
export interface Batch {
  /** By the names of the network's inputs, in the graph's order of axes. */
  readonly inputs: ReadonlyMap<ValueName, Float32Array<ArrayBuffer>>;
  /** Class numbers for cross-entropy; else as many numbers as outputs. */
  readonly targets: Float32Array<ArrayBuffer>;
  /** Samples. */
  readonly size: number;
}

/** What a training step tells. */
export interface StepResult {
  /** The mean loss of the batch, before the step. If it is not finite, nothing was changed. */
  readonly loss: number;
  /** Lengths of the gradient before clipping: of all, then of each of the trainer's parameters. */
  readonly norms: Float32Array;
  /** What the network gave: of one that ends in softmax (or sigmoid) and has its loss computed with it, what went into that. */
  readonly outputs: Float32Array;
  /** What its kernels took, if they were timed. */
  readonly kernels: readonly KernelTime[] | undefined;
}

/** All that training changes. */
export interface TrainingState {
  /** Whole steps. */
  readonly steps: number;
  readonly parameters: ReadonlyMap<ValueName, Constant<"float32">>;
  readonly statistics: ReadonlyMap<ValueName, Constant<"float32">>;
  /** What the optimiser remembers, by parameter and slot: `"conv2d_1.filter/momentum"`. */
  readonly slots: ReadonlyMap<string, Constant<"float32">>;
}

/** A plan, and what of it is in the core. */
interface Loaded {
  readonly plan: BatchPlan;
  id: ProgramId | undefined;
}

/** Programs of trainers that nobody holds any more: they would keep the tensors that they name. */
const collected = new FinalizationRegistry<{ readonly store: Store; readonly programs: ReadonlySet<ProgramId> }>(
  ({ store, programs }) => {
    for (const id of programs) store.freeProgram(id);
  },
);

/** Sizes of batches of which a trainer keeps the plans: whole ones, and what is left at an epoch's end; for steps and for evaluations. */
const MAX_PLANS = 3;

/**
 * Trains one network. Weights, statistics and the optimiser's memory are tensors of the engine, from the graph's constants on;
 * the graph stays as it is. Calls of `step`, `evaluate` and `read` must not overlap.
 */
export class Trainer {
  /** What is trained, in the order of {@link StepResult.norms}. */
  readonly parameters: readonly { readonly name: ValueName; readonly shape: Shape }[];
  readonly #store: Store;
  readonly #task: Task;
  readonly #statistics: ReadonlySet<ValueName>;
  /** Constants that are not trained. */
  readonly #frozen: Weights;
  readonly #tensors = new Map<Variable, Tensor>();
  readonly #programs = new Set<ProgramId>();
  readonly #plans = { step: new Map<number, Loaded>(), evaluation: new Map<number, Loaded>() };
  #steps = 0;
  #disposed = false;

  private constructor(store: Store, task: Task) {
    this.#store = store;
    this.#task = task;
    // A batch of two, the least that has statistics: what cannot be trained is told before anything is allocated.
    const { parameters } = planStep(task, 2, () => 0);
    this.parameters = parameters.map(({ name, shape }) => ({ name, shape }));
    this.#statistics = new Set(task.trained.statistics.keys());
    this.#frozen = new Weights(store);
    collected.register(this, { store, programs: this.#programs }, this);
    this.#write(this.#initial());
  }

  /**
   * Prepares a network for training.
   *
   * Throws `model-unsupported` with all nodes that have no gradient; `invalid-argument` where options do not fit the network;
   * and what `specialise` throws.
   */
  static create(engine: Engine, network: Graph, options: TrainerOptions): Trainer {
    const call = "fit";
    const store = storeOf(engine);
    store.checkOpen(call);
    const graph = openBatch(network);
    const trained = findTrained(call, graph, options.freeze);
    const [first] = graph.outputs;
    const output = options.output ?? first;
    if (output === undefined || !graph.outputs.includes(output)) {
      throw invalid(call, "output", output, `an output of the network: ${graph.outputs.map(show).join(", ")}`);
    }
    const { loss, optimizer, clipNorm = 0, recompute = false, seed, samples = new Map() } = options;
    const variables = variablesOf(trained, optimizer);
    return new Trainer(store, {
      ...{ call, graph, trained, variables, samples, output, loss, optimizer, clipNorm, seed, recompute },
    });
  }

  /** Whole steps so far. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One step of the optimiser along the gradient of a batch's mean loss. A step of which the loss or the gradient is not finite
   * changes nothing, and does not count. `timed` has its kernels timed.
   */
  async step(batch: Batch, learningRate: number, timed = false): Promise<StepResult> {
    const clock = Float32Array.of(this.#steps + 1, learningRate);
    const planned = this.#planned("step", batch.size);
    const { values, kernels } = await this.#run(planned, batch, clock, timed);
    const [loss, norms = new Float32Array(), outputs = new Float32Array()] = values;
    const [value = Number.NaN] = loss ?? [];
    const result = { loss: value, norms, outputs, kernels };
    if (Number.isFinite(value) && Number.isFinite(result.norms[0])) this.#steps++;
    return result;
  }

  /** The mean loss of a batch and what the network gives for it, in inference: by the running statistics, nothing dropped. */
  async evaluate(batch: Batch): Promise<{ readonly loss: number; readonly outputs: Float32Array }> {
    const { values } = await this.#run(this.#planned("evaluation", batch.size), batch);
    const [loss, outputs = new Float32Array()] = values;
    return { loss: loss?.[0] ?? Number.NaN, outputs };
  }

  /** Bytes that training with batches of this size takes, known before the first step. */
  memory(batchSize: number): TrainingMemory {
    this.#checkOpen();
    return memoryOfPlan(this.#plan("step", batchSize).plan, this.#task.variables);
  }

  /** A copy of all that training changes. */
  async read(): Promise<TrainingState> {
    this.#checkOpen();
    const values = await Promise.all(
      Array.from(
        this.#tensors,
        async ([{ name, shape }, tensor]) => [name, floats(await tensor.data(), shape)] as const,
      ),
    );
    const byName = new Map(values);
    const { byName: own, slots } = this.#task.variables;
    const pick = (names: Iterable<string>): ReadonlyMap<string, Constant<"float32">> =>
      new Map(Array.from(names).flatMap((name) => (byName.has(name) ? [[name, byName.get(name)] as never] : [])));
    return {
      steps: this.#steps,
      parameters: pick([...own.keys()].filter((name) => !this.#statistics.has(name))),
      statistics: pick(this.#statistics),
      slots: pick([...slots.values()].flat().map(({ name }) => name)),
    };
  }

  /** Goes on from a state: one that {@link Trainer.read} gave, of a trainer of the same network and options. */
  write(state: TrainingState): void {
    this.#checkOpen();
    this.#write(new Map([...state.parameters, ...state.statistics, ...state.slots]));
    this.#steps = state.steps;
  }

  /** Frees all that it holds in the engine. May be called again. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    collected.unregister(this);
    this.#forgetPrograms();
    this.#frozen.dispose();
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }

  /** For `using`: {@link Trainer.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkOpen(): void {
    this.#store.checkOpen(this.#task.call);
    if (this.#disposed) throw new Error("a trainer is used after it was disposed of");
  }

  /** What training begins with. */
  #initial(): ReadonlyMap<string, Constant<"float32">> {
    const { trained, variables } = this.#task;
    const slots = [...variables.slots.values()].flat();
    const zeros = slots.map(({ name, shape }) => [name, floats(new Float32Array(elementCount(shape)), shape)] as const);
    return new Map([...trained.parameters, ...trained.statistics, ...zeros]);
  }

  /** Gives all variables their numbers: in new tensors, since the old ones have packed forms and programs. */
  #write(values: ReadonlyMap<string, Constant<"float32">>): void {
    const { call, variables } = this.#task;
    const all = [...variables.byName.values(), ...[...variables.slots.values()].flat()];
    checkValues(call, all, values);
    this.#forgetPrograms();
    for (const tensor of this.#tensors.values()) tensor.dispose();
    for (const variable of all) {
      const data = values.get(variable.name)?.data ?? new Float32Array();
      const tensor = this.#store.write(bytesOf(data), variable.shape, false);
      // A scope in which training happens to begin must not free it.
      this.#store.keep(tensor);
      this.#tensors.set(variable, tensor);
    }
  }

  #forgetPrograms(): void {
    for (const plans of Object.values(this.#plans)) for (const loaded of plans.values()) this.#forget(loaded);
  }

  #forget(loaded: Loaded): void {
    if (loaded.id === undefined) return;
    this.#store.freeProgram(loaded.id);
    this.#programs.delete(loaded.id);
    loaded.id = undefined;
  }

  #plan(kind: "step" | "evaluation", batchSize: number): Loaded {
    const plans = this.#plans[kind];
    let loaded = plans.get(batchSize);
    plans.delete(batchSize);
    if (loaded === undefined) {
      const idOf = (variable: Variable): number => {
        const tensor = this.#tensors.get(variable);
        if (tensor === undefined) throw new Error(`${variable.name} has no tensor`);
        return handleOf(tensor).id;
      };
      const make = kind === "step" ? planStep : planEvaluation;
      loaded = { plan: make(this.#task, batchSize, idOf), id: undefined };
    }
    plans.set(batchSize, loaded);
    for (const [size, old] of plans) {
      if (plans.size <= MAX_PLANS) break;
      plans.delete(size);
      this.#forget(old);
    }
    return loaded;
  }

  /** The program for batches of a size, in the core. */
  #planned(kind: "step" | "evaluation", batchSize: number): { readonly plan: BatchPlan; readonly id: ProgramId } {
    this.#checkOpen();
    const loaded = this.#plan(kind, batchSize);
    if (loaded.id === undefined) {
      const { program } = loaded.plan;
      const { ids, passing, packing } = this.#frozen.write(program, "training");
      const steps = stepsOf(program, (constant) => ids.get(constant) ?? 0);
      loaded.id = this.#store.loadProgram({ arena: program.arena, steps, weightsOnlyPacked: passing });
      this.#programs.add(loaded.id);
      for (const id of packing) this.#store.freeProgram(id);
    }
    return { plan: loaded.plan, id: loaded.id };
  }

  /** Runs a program and reads what it made. */
  async #run(
    { plan, id }: { readonly plan: BatchPlan; readonly id: ProgramId },
    batch: Batch,
    clock?: Float32Array<ArrayBuffer>,
    timed = false,
  ): Promise<{ readonly values: readonly Float32Array[]; readonly kernels: readonly KernelTime[] | undefined }> {
    const { call } = this.#task;
    const given = new Map([...batch.inputs, ["targets", batch.targets] as const]);
    const inputs = plan.inputs.map(({ name, shape }): Input => {
      const data = name === "clock" && clock !== undefined ? clock : given.get(name);
      if (data?.length === elementCount(shape)) return { argument: name, shape, value: bytesOf(data) };
      const text = `${call}: ${name} of a batch has ${data?.length ?? 0} elements; expected ${formatShape(shape)}`;
      throw new LensletError("shape-mismatch", text, { argument: name });
    });
    const outputs = plan.program.outputs.map(({ shape }) => outputOf(call, shape));
    const { tensors, milliseconds } = await this.#made({ call, program: id, inputs, outputs }, plan, timed);
    try {
      const values = await Promise.all(tensors.map((tensor) => (tensor as Tensor).data()));
      return { values, kernels: milliseconds && kernelTimes(plan, milliseconds) };
    } finally {
      for (const tensor of tensors) tensor.dispose();
    }
  }

  async #made(run: ProgramCall, { program }: BatchPlan, timed: boolean): Promise<ProgramResult> {
    // In this thread, a run that someone listens to lets other events have their turn every few milliseconds.
    const onStep = this.#store.executor.host === "thread" ? (): void => undefined : undefined;
    try {
      return await this.#store.runProgram(run, { onStep, timed });
    } catch (error) {
      throw withNode(error, run.call, program);
    }
  }
}

/** The times of a run's steps, as those of the kernels that they are. */
function kernelTimes({ program }: BatchPlan, milliseconds: Float32Array): readonly KernelTime[] {
  return program.steps.map(({ node, op }, i) => ({
    name: node.name,
    kernel: op,
    milliseconds: milliseconds[i] ?? Number.NaN,
  }));
}

/** Throws unless `values` has all variables, nothing else, and all of their shapes. */
function checkValues(
  call: string,
  variables: readonly Variable[],
  values: ReadonlyMap<string, Constant<"float32">>,
): void {
  const wrong = (text: string): LensletError =>
    new LensletError("shape-mismatch", `${call}: the state to go on from ${text}`, { argument: "resume" });
  for (const { name, shape } of variables) {
    const value = values.get(name);
    if (value === undefined) throw wrong(`has no ${show(name)}, which is trained or belongs to the optimiser`);
    if (formatShape(value.shape) !== formatShape(shape))
      throw wrong(`has ${show(name)} of shape ${formatShape(value.shape)}; expected ${formatShape(shape)}`);
  }
  const names = new Set(variables.map(({ name }) => name));
  for (const name of values.keys()) if (!names.has(name)) throw wrong(`has ${show(name)}, which is not trained`);
}

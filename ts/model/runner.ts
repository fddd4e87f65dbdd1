/** Runs a network that lies in an engine, as often as it is asked to: what a model, and what trains one, have in common. */
import { type Engine, storeOf } from "../engine.ts";
import { LensletError } from "../errors.ts";
import { checkOptions } from "../options.ts";
import { type Input, output } from "../ops/plan.ts";
import type { Shape } from "../shape.ts";
import type { Store } from "../store.ts";
import type { DType, NdArray, Operand, Tensor } from "../tensor.ts";
import { namedInputs, operandsOf, randomInputs } from "./arguments.ts";
import type { Constant } from "./constant.ts";
import type { Graph, ValueName } from "./graph.ts";
import type { LoweredOutput } from "./lower/lower.ts";
import { type Planned, Plans } from "./plans.ts";
import { type Profile, profileOf } from "./profile.ts";
import { withNode } from "./program.ts";
import { trimRows } from "./trim.ts";

/** Operands by the names of the inputs; of a model with one input, the operand itself. */
export type ModelInputs = Operand | Readonly<Record<string, Operand>>;

/** Tensors by the names of the outputs. Those of integers and truths are `"int32"`. */
export type ModelOutputs<D extends DType = "float32"> = Record<string, Tensor<D>>;

/** Options of `model.run`. */
export interface ModelRunOptions {
  /** Ends the run within the time of one node: the promise rejects with code `"aborted"`. The model can be run again. */
  readonly signal?: AbortSignal | undefined;
  /** Told every few milliseconds how many steps of all are done. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/** A network, the plans that there are of it, and its runs. */
export class Runner {
  readonly engine: Engine;
  readonly #store: Store;
  readonly #plans: Plans;
  #graph: Graph;
  #disposed = false;

  constructor(engine: Engine, graph: Graph) {
    this.engine = engine;
    this.#store = storeOf(engine);
    this.#plans = new Plans(this.#store);
    this.#graph = graph;
  }

  /** The network, with the weights that it has now. */
  get graph(): Graph {
    return this.#graph;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Throws once this or its engine was disposed of. */
  checkOpen(call: string): void {
    this.#store.checkOpen(call);
    if (!this.#disposed) return;
    throw new LensletError("tensor-disposed", `${call}: the model was disposed; engine.load() makes a new one`);
  }

  /** The plan of the network's outputs for inputs of these shapes. */
  plan(shapes: ReadonlyMap<ValueName, Shape>): Planned {
    return this.#plans.plan(this.#graph, shapes, this.#graph.outputs);
  }

  /** The same, brought into the core with its weights. */
  prepare(shapes: ReadonlyMap<ValueName, Shape>): Planned {
    const planned = this.plan(shapes);
    this.#plans.load(planned);
    return planned;
  }

  /** Computes values of the network, by their names. */
  async run<D extends DType>(
    call: string,
    inputs: ModelInputs,
    outputs: readonly ValueName[],
    options: ModelRunOptions,
  ): Promise<ModelOutputs<D>> {
    checkOptions(call, options, ["signal", "onProgress"]);
    const { signal, onProgress } = options;
    this.checkOpen(call);
    const operands = operandsOf(call, this.#graph, namedInputs(call, this.#graph, inputs));
    const planned = this.#plans.plan(this.#graph, shapesOf(operands), outputs);
    const onStep = onProgress && ((done: number, total: number): void => onProgress({ done, total }));
    const { tensors } = await this.#start(call, planned, operands, { signal, onStep });
    const named = new Map(planned.program.outputs.map(({ name }, i) => [name, tensors[i] as Tensor<D>]));
    await trimRows(this.#store, planned.optimised, named);
    for (const [name, tensor] of named) {
      if (outputs.includes(name)) continue;
      tensor.dispose();
      named.delete(name);
    }
    return Object.fromEntries(named);
  }

  /** Computes the numbers of one value; other events of this thread have their turn meanwhile. */
  async compute(
    call: string,
    inputs: Readonly<Record<ValueName, NdArray>>,
    value: ValueName,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array<ArrayBuffer>> {
    // In this thread, a run that someone listens to lets other events have their turn.
    const onProgress = this.#store.executor.host === "thread" ? (): void => undefined : undefined;
    const { [value]: tensor } = await this.run<"float32">(call, inputs, [value], { signal, onProgress });
    if (tensor === undefined) throw new Error(`${value} was not computed`);
    try {
      return await tensor.data();
    } finally {
      tensor.dispose();
    }
  }

  /** Times of `rounds` runs, node by node, after one more; without inputs, on random numbers. */
  async profile(call: string, inputs: ModelInputs | undefined, rounds: number): Promise<Profile> {
    this.checkOpen(call);
    const given = inputs === undefined ? randomInputs(call, this.#graph) : namedInputs(call, this.#graph, inputs);
    const operands = operandsOf(call, this.#graph, given);
    const planned = this.plan(shapesOf(operands));
    const { steps } = planned.program;
    const times: Float32Array[] = [];
    for (let round = 0; round <= rounds; round++) {
      const { milliseconds, tensors } = await this.#start(call, planned, operands, { timed: true });
      for (const tensor of tensors) tensor.dispose();
      if (milliseconds !== undefined && round > 0) times.push(milliseconds);
    }
    const strategies = await Promise.all(steps.map(({ op, words }) => this.#store.executor.explain(op, words, false)));
    return profileOf(
      planned.optimised,
      steps.map((step, i) => ({
        step,
        strategy: strategies[i] ?? "",
        milliseconds: times.map((time) => time[i] ?? 0),
      })),
    );
  }

  /** Gives the network other weights, by the names of its constants: plans hold the old ones. */
  setWeights(weights: ReadonlyMap<ValueName, Constant>): void {
    this.#graph = { ...this.#graph, constants: new Map([...this.#graph.constants, ...weights]) };
    this.#plans.forget();
  }

  /** Frees weights and plans. Runs that have begun go on. May be called again. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#plans.dispose();
  }

  async #start(
    call: string,
    planned: Planned,
    inputs: readonly Input[],
    options: Parameters<Store["runProgram"]>[1],
  ): ReturnType<Store["runProgram"]> {
    this.checkOpen(call);
    const program = this.#plans.load(planned);
    const outputs = planned.program.outputs.map((each) => output(call, each.shape, dtypeOf(each)));
    try {
      return await this.#store.runProgram({ call, program, inputs, outputs }, options);
    } catch (error) {
      throw withNode(error, call, planned.program);
    }
  }
}

function shapesOf(inputs: readonly Input[]): ReadonlyMap<ValueName, Shape> {
  return new Map(inputs.map(({ argument, shape }) => [argument, shape]));
}

function dtypeOf({ type }: LoweredOutput): DType {
  return type === "float32" ? "float32" : "int32";
}

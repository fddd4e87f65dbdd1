/** A network that runs and learns: planned for the sizes of its inputs, its weights in an engine. */
import { type Engine, storeOf } from "../engine.ts";
import { checkOptions, count, flag, invalid } from "../options.ts";
import type { Shape } from "../shape.ts";
import type { DType } from "../tensor.ts";
import type { Dataset, MultiInputDataset } from "../train/data/dataset.ts";
import type { Prediction } from "../train/evaluate.ts";
import type { History, Scores, StepReport } from "../train/history.ts";
import type { TrainingHost } from "../train/host.ts";
import type { TrainingMemory } from "../train/memory.ts";
import type {
  EvaluateOptions,
  FitOptions,
  PredictOptions,
  SampleInputs,
  TrainingMemoryOptions,
} from "../train/options.ts";
import type { SaveWeightsOptions, Trainable } from "../train/trainable.ts";
import { inputShapes, valueNamed } from "./arguments.ts";
import type { NumberType } from "./constant.ts";
import type { Dim, Graph, ValueInfo } from "./graph.ts";
import type { Profile } from "./profile.ts";
import { memoryOf, type ProgramMemory } from "./program.ts";
import { type ModelInputs, type ModelOutputs, type ModelRunOptions, Runner } from "./runner.ts";
import { specialise } from "./specialise/specialise.ts";
import { summarise, type Summary } from "./summary.ts";

/** An input or output of a model. */
export interface ValueDescription {
  readonly name: string;
  /** Null where a size is not known before the model runs, or a symbol that stands for one; null if not even the rank is. */
  readonly shape: readonly (number | string | null)[] | null;
  /** What its numbers are. A model computes in float32; outputs of other types come as int32 tensors. */
  readonly type: NumberType;
}

/** Shapes by the names of the inputs; of a model with one input, the shape itself. */
export type InputShapes = Shape | Readonly<Record<string, Shape>>;

/** Options of {@link Model.profile}. */
export interface ProfileOptions {
  /** How often the model runs; times are medians. One more run comes before. Default 5. */
  readonly rounds?: number | undefined;
}

/** Options of {@link Model.save}. */
export interface SaveOptions {
  /** Whether batch normalisations become part of the convolutions before them, as in a network that only runs. Default false. */
  readonly foldBatchNorm?: boolean | undefined;
}

/** What a model has done by others, who are fetched when they are needed. */
export interface ModelServices {
  /** Makes a file of a network: a model knows no format. */
  write(graph: Graph, options: SaveOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Makes what trains a model. */
  trainable(host: TrainingHost): Promise<Trainable>;
}

/**
 * A network in an engine; `engine.load` makes one.
 *
 * It is planned when it first sees inputs of a size: shapes are computed, constants folded, layers merged, memory laid
 * out. The last four sizes are kept. Runs of one engine never overlap: what is asked for meanwhile waits its turn.
 */
export class Model {
  /** What `run` wants, in the network's order. */
  readonly inputs: readonly ValueDescription[];
  /** What `run` gives. Shapes are those of the network's own sizes, and null where these are not all known. */
  readonly outputs: readonly ValueDescription[];
  readonly #services: ModelServices;
  readonly #runner: Runner;
  /** Once something is asked of training. */
  #trainable: Promise<Trainable> | undefined;

  private constructor(engine: Engine, graph: Graph, services: ModelServices) {
    this.#services = services;
    this.#runner = new Runner(engine, graph);
    this.inputs = Array.from(graph.inputs, ([name, info]) => describe(name, info));
    const isFixed = [...graph.inputs.values()].every(({ shape }) => shape?.every((size) => typeof size === "number"));
    const fixed = isFixed ? this.#runner.prepare(new Map()) : undefined;
    this.outputs = graph.outputs.map((name) =>
      describe(name, fixed?.known.infos.get(name) ?? { type: "float32", shape: undefined }),
    );
  }

  /**
   * A model of a graph, which is whole, as `validateGraph` has it. Planned at once if all sizes of its inputs are known.
   *
   * Throws what `specialise` throws, and `model-unsupported`.
   */
  static async create(engine: Engine, graph: Graph, services: ModelServices): Promise<Model> {
    storeOf(engine).checkOpen("load");
    return new Model(engine, graph, services);
  }

  /** The network as it was loaded or written, with the weights that it has learnt since. */
  get graph(): Graph {
    return this.#runner.graph;
  }

  /** The engine that it runs on. */
  get engine(): Engine {
    return this.#runner.engine;
  }

  /** Whether {@link Model.dispose} was called. */
  get disposed(): boolean {
    return this.#runner.disposed;
  }

  /**
   * Computes the outputs. Inputs are tensors of the model's engine, or numbers with their shape, in the order of axes that
   * the network has: an ONNX model takes and gives NCHW. They are read before `run` returns, and stay the caller's; so do
   * the outputs, who disposes of them.
   *
   * Rejects with `invalid-argument` and `shape-mismatch` for inputs that do not fit, `aborted`, and what `data()` of a
   * tensor rejects with.
   *
   * @example
   * const { logits } = await model.run({ input: pixels });
   * const outputs = await model.run(pixels); // the only input
   */
  async run<D extends DType = "float32">(inputs: ModelInputs, options: ModelRunOptions = {}): Promise<ModelOutputs<D>> {
    return this.#runner.run("run", inputs, this.graph.outputs, options);
  }

  /**
   * Computes any values of the network: what a CNN sees inside. `names` are names of values or of nodes, whose first output
   * is meant; the network is planned so that they are there, even where a run would merge them into other layers.
   *
   * Rejects as {@link Model.run} does.
   */
  async activations<D extends DType = "float32">(
    names: readonly string[],
    inputs: ModelInputs,
    options: ModelRunOptions = {},
  ): Promise<ModelOutputs<D>> {
    const call = "activations";
    if (!Array.isArray(names) || names.length === 0) throw invalid(call, "names", names, "an array of names");
    const values = new Map(
      [...new Set(names)].map((name: unknown) => [String(name), valueNamed(call, this.graph, name)]),
    );
    const outputs = await this.#runner.run<D>(call, inputs, [...new Set(values.values())], options);
    return Object.fromEntries(
      [...values].flatMap(([name, value]) => {
        const tensor = outputs[value];
        return tensor === undefined ? [] : [[name, tensor]];
      }),
    );
  }

  /**
   * Runs the model and tells where its time goes, node by node. Without inputs: on random numbers, of the shapes that
   * {@link Model.summary} takes where none are given.
   */
  async profile(inputs?: ModelInputs, options: ProfileOptions = {}): Promise<Profile> {
    const call = "profile";
    checkOptions(call, options, ["rounds"]);
    const rounds = count(call, "rounds", options.rounds ?? 5);
    return this.#runner.profile(call, inputs, rounds);
  }

  /**
   * The layers of the network, their output shapes, parameters, multiply-adds and receptive fields; `String()` of it is a
   * table. `shapes` of the inputs are needed where the network leaves more open than the size of the batch, which is 1 unless
   * given.
   */
  summary(shapes: InputShapes = {}): Summary {
    this.#runner.checkOpen("summary");
    return summarise(specialise(this.graph, inputShapes("summary", this.graph, shapes)));
  }

  /** Bytes that the model needs for inputs of these shapes, known before it runs; `shapes` as for {@link Model.summary}. */
  memory(shapes: InputShapes = {}): ProgramMemory {
    this.#runner.checkOpen("memory");
    const { optimised, program } = this.#runner.plan(inputShapes("memory", this.graph, shapes));
    return memoryOf(optimised, program);
  }

  /**
   * Plans the model for inputs of these shapes, and brings its weights into the core, before it first runs; `shapes` as for
   * {@link Model.summary}. A model of which all sizes are known has been prepared when it was loaded.
   */
  prepare(shapes: InputShapes = {}): void {
    this.#runner.checkOpen("prepare");
    this.#runner.prepare(inputShapes("prepare", this.graph, shapes));
  }

  /**
   * The network as an ONNX file (opset 21), for `engine.load` and every other runtime, with the weights that it has now:
   * while it is being trained, those after the last epoch.
   */
  async save(options: SaveOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const call = "save";
    checkOptions(call, options, ["foldBatchNorm"]);
    flag(call, "foldBatchNorm", options.foldBatchNorm ?? false);
    this.#runner.checkOpen(call);
    return this.#services.write(this.graph, options);
  }

  /**
   * Trains the model on samples, in the engine where it is: one made with `{ training: true }`. After each epoch, and when the
   * promise settles, however it does, the model runs and saves with what it has learnt. The same options and seed give the
   * same bits in Node and in a page, in a thread and in a worker, on one build.
   *
   * Rejects with `training-unavailable` on an engine that cannot; `training-busy` while it is being trained;
   * `training-diverged` when the loss or a gradient is no finite number: the message names the step, the layer with the
   * largest gradient and what helps, and the model is as before that step; `aborted`, the model being as after the last whole
   * step; `model-unsupported` with all nodes that have no gradient; `invalid-argument`, `shape-mismatch`.
   *
   * @example
   * const history = await model.fit({
   *   x: { data: pixels, shape: [60000, 28, 28, 1] },
   *   y: labels,
   *   epochs: 5,
   *   batchSize: 64,
   *   optimizer: adam({ learningRate: 1e-3 }),
   *   loss: "crossEntropy",
   *   metrics: ["accuracy"],
   *   validation: 0.1,
   * });
   * await model.fit({ x: { left, right }, y: same, loss: "binaryCrossEntropy" }); // a network with two inputs
   */
  async fit(options: FitOptions): Promise<History> {
    this.#runner.checkOpen("fit");
    return (await this.#training()).fit(options);
  }

  /**
   * Trains as {@link Model.fit} does, with the loop in the caller's hands: each turn is one step. When the loop is left, by
   * `break` or by an error, the model has the weights of the last whole step.
   *
   * @example
   * for await (const { step, loss } of model.train({ dataset, loss: "crossEntropy", epochs: 10 })) {
   *   if (loss < 0.01) break;
   * }
   */
  async *train(options: FitOptions): AsyncGenerator<StepReport, History, undefined> {
    this.#runner.checkOpen("train");
    return yield* (await this.#training()).train(options);
  }

  /**
   * Loss and metrics over samples, computed as {@link Model.run} computes; needs no engine that trains.
   *
   * Rejects with `invalid-argument`, `shape-mismatch`, `aborted`, and what `run` rejects with.
   *
   * @example
   * const { metrics } = await model.evaluate({ x, y, loss: "crossEntropy", metrics: ["accuracy"] });
   */
  async evaluate(options: EvaluateOptions): Promise<Scores> {
    this.#runner.checkOpen("evaluate");
    return (await this.#training()).evaluate(options);
  }

  /**
   * What the network gives for many samples, batch by batch: `x` as {@link Model.fit} takes it, by name where there are several
   * inputs, so that bytes become numbers from 0 to 1, or a dataset. Rejects as {@link Model.evaluate} does.
   *
   * @example
   * const { data, shape } = await model.predict({ data: pixels, shape: [10000, 28, 28, 1] });
   */
  async predict(x: SampleInputs | Dataset | MultiInputDataset, options: PredictOptions = {}): Promise<Prediction> {
    this.#runner.checkOpen("predict");
    return (await this.#training()).predict(x, options);
  }

  /** Bytes that training with such options needs, known before it begins; rejects as {@link Model.fit} does. */
  async trainingMemory(options: TrainingMemoryOptions): Promise<TrainingMemory> {
    this.#runner.checkOpen("trainingMemory");
    return (await this.#training()).memory(options);
  }

  /**
   * The weights as a safetensors file, by the names of the network's constants: for `engine.load(network, { weights })` and
   * {@link Model.loadWeights}. With `{ optimizer: true }` also where the training stands, for `fit({ resume })`. While the
   * model is being trained, the weights are those after the last whole step.
   */
  async saveWeights(options: SaveWeightsOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    this.#runner.checkOpen("saveWeights");
    return (await this.#training()).saveWeights(options);
  }

  /**
   * Gives the model the weights of a safetensors file, which has all of its weights and no others.
   *
   * Rejects with `model-invalid` for a file that is malformed, `shape-mismatch` for weights of another network,
   * `training-busy`.
   */
  async loadWeights(weights: Uint8Array | ArrayBuffer): Promise<void> {
    this.#runner.checkOpen("loadWeights");
    (await this.#training()).loadWeights(weights);
  }

  /** Frees weights and plans. Runs that have begun go on; later ones reject. May be called again. */
  dispose(): void {
    this.#runner.dispose();
  }

  /** For `using`: {@link Model.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What trains it; fetched when it is first asked for. */
  #training(): Promise<Trainable> {
    this.#trainable ??= this.#services.trainable(this.#runner);
    return this.#trainable;
  }
}

function describe(name: string, { type, shape }: ValueInfo): ValueDescription {
  return { name, type, shape: shape?.map((size: Dim) => size ?? null) ?? null };
}

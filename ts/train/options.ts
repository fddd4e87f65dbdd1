/** Options of training, and their checks. */
import type { Graph, ValueName } from "../model/graph.ts";
import { checkOptions, count, flag, invalid, list, numeric, show } from "../options.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { SampleArray, TargetArray } from "./data/arrays.ts";
import type { Dataset, MultiInputDataset } from "./data/dataset.ts";
import { type EarlyStopping, type EarlyStoppingOptions, parseEarlyStopping } from "./early-stopping.ts";
import type { EpochReport, StepReport } from "./history.ts";
import { type Loss, type LossName, parseLoss } from "./loss.ts";
import { type Metric, type MetricName, parseMetrics } from "./metric.ts";
import { adam, type Optimizer, parseOptimizer } from "./optimiser.ts";
import type { Freeze } from "./parameters.ts";
import { constant, type Schedule } from "./schedule.ts";

/** Inputs `[n, ...]`: of a network with one input, or by the names of its inputs, as many samples of each. */
export type SampleInputs = SampleArray | Tensor | Readonly<Record<string, SampleArray | Tensor>>;

/** Samples to learn from or to be measured by: a dataset, or arrays. */
export interface SampleOptions {
  /** Samples by number: `data.arrays`, `data.idx`, `data.folder`, or one's own. */
  readonly dataset?: Dataset | MultiInputDataset | undefined;
  /**
   * Inputs `[n, ...]`, in the order of axes that the network has: an ONNX model takes NCHW. Of a network with several inputs
   * a record of them, by name. Bytes (Uint8Array) become numbers from 0 to 1; float32s are taken as they are.
   */
  readonly x?: SampleInputs | undefined;
  /**
   * What is right for each. For `"crossEntropy"` class numbers, from 0: `[n]`, or, for classes of every pixel, `[n, h, w]`.
   * Else `[n, ...]` as the network's outputs are.
   */
  readonly y?: TargetArray | Tensor | undefined;
}

/** Options of `model.fit` and `model.train`. */
export interface FitOptions extends SampleOptions {
  /** What is to become small: a name, or what a function of `losses` made. */
  readonly loss: LossName | Loss;
  /** Times that all samples are gone through; with `resume` those before included. Default 1. */
  readonly epochs?: number | undefined;
  /** Samples of a step; the last step of an epoch has what is left. Default 32. */
  readonly batchSize?: number | undefined;
  /** {@link sgd}, {@link adam}, {@link adamW} or {@link rmsprop}. Default `adam()`. */
  readonly optimizer?: Optimizer | undefined;
  /** What the learning rate is multiplied with, step by step: one of `schedules`, or a function. Default: 1. */
  readonly schedule?: Schedule | undefined;
  /** What is to be known beside the loss: names, what a function of `metrics` made, or one's own. Default: nothing. */
  readonly metrics?: readonly (MetricName | Metric)[] | undefined;
  /** What each epoch is validated by: samples of their own, or a share of those to train on, above 0 and below 1, drawn by the seed. */
  readonly validation?: SampleOptions | Dataset | MultiInputDataset | number | undefined;
  /** Of all that chance decides: dropout, what is held out, the order of samples. Default 0. */
  readonly seed?: number | undefined;
  /** Whether each epoch has an order of its own, drawn by `seed`; or a number, the seed of the order alone. Default true. */
  readonly shuffle?: boolean | number | undefined;
  /** Gradients that are longer than this, all together, are shortened to it. Default: none are. */
  readonly clipNorm?: number | undefined;
  /** What keeps its weights: names of nodes or of weights, or a function that is asked for each. Default: nothing. */
  readonly freeze?: Freeze | undefined;
  /** Whether results are computed again for the backward pass instead of kept: less memory, more time, the same bits. Default false. */
  readonly recompute?: boolean | undefined;
  /** The output that the loss is of. Default: the network's only or first one. */
  readonly output?: string | undefined;
  /** Ends the training when it gets no better, and keeps the best weights. Default: never. */
  readonly earlyStopping?: EarlyStoppingOptions | undefined;
  /** Ends it within one batch: the promise rejects with `aborted`, and the model is as after the last whole step. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every step; a promise that it returns is waited for. What it throws ends the training. */
  readonly onBatch?: ((report: StepReport) => unknown) | undefined;
  /** Told of every epoch, once the model has its weights; a promise that it returns is waited for. What it throws ends the training. */
  readonly onEpoch?: ((report: EpochReport) => unknown) | undefined;
  /**
   * Draws a bar in Node's terminal, or where its output goes to a file a line an epoch. A page has no terminal: `onBatch`
   * tells it the same. Default false.
   */
  readonly progress?: boolean | undefined;
  /** Whether every step tells where its time went: {@link StepReport.kernels}. Default false. */
  readonly profile?: boolean | undefined;
  /**
   * Goes on from where a training of the same network with the same options stood: a file of
   * `model.saveWeights({ optimizer: true })`, made at any time. The bits are those that it would have come to otherwise.
   */
  readonly resume?: Uint8Array | ArrayBuffer | undefined;
}

/** Options of `model.trainingMemory`. */
export interface TrainingMemoryOptions
  extends Pick<FitOptions, "loss" | "batchSize" | "optimizer" | "freeze" | "recompute" | "output"> {
  /**
   * Shape of a sample, without the batch; of several inputs by name. Default: what the network says; 1 for each size that
   * it leaves open.
   */
  readonly inputShape?: Shape | Readonly<Record<string, Shape>> | undefined;
}

/** {@link FitOptions}, checked and whole, but for the samples. */
export interface FitPlan {
  readonly loss: Loss;
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly metrics: readonly Metric[];
  readonly seed: number;
  readonly shuffle: number | false;
  readonly clipNorm: number | undefined;
  readonly recompute: boolean;
  readonly output: ValueName;
  readonly earlyStopping: EarlyStopping | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onBatch: FitOptions["onBatch"];
  readonly onEpoch: FitOptions["onEpoch"];
  readonly progress: boolean;
  readonly profile: boolean;
  readonly resume: Uint8Array | undefined;
}

const SAMPLE_KEYS = ["dataset", "x", "y"] as const;

const FIT_KEYS: readonly (keyof FitOptions)[] = [
  ...SAMPLE_KEYS,
  "loss",
  "epochs",
  "batchSize",
  "optimizer",
  "schedule",
  "metrics",
  "validation",
  "seed",
  "shuffle",
  "clipNorm",
  "freeze",
  "recompute",
  "output",
  "earlyStopping",
  "signal",
  "onBatch",
  "onEpoch",
  "progress",
  "profile",
  "resume",
];

/** Most that a seed may be. */
const MAX_SEED = 2 ** 32 - 1;

/** Checks the options of a training; `freeze` and the samples are checked where the network is known. */
export function parseFitOptions(call: string, options: FitOptions, graph: Graph): FitPlan {
  checkOptions(call, options, FIT_KEYS);
  const metrics = parseMetrics(call, options.metrics ?? []);
  const seed = count(call, "seed", options.seed ?? 0, 0, MAX_SEED);
  const { schedule = constant(), clipNorm, earlyStopping, resume } = options;
  if (typeof schedule !== "function")
    throw invalid(
      call,
      "schedule",
      schedule,
      "one of schedules, such as schedules.cosine(), or a function of the step",
    );
  if (clipNorm !== undefined && !(numeric(call, "clipNorm", clipNorm, "a positive number", true) > 0))
    throw invalid(call, "clipNorm", clipNorm, "a positive number");
  const { onBatch, onEpoch } = options;
  for (const [name, value] of Object.entries({ onBatch, onEpoch }))
    if (value !== undefined && typeof value !== "function") throw invalid(call, name, value, "a function");
  return {
    loss: parseLoss(call, options.loss),
    epochs: count(call, "epochs", options.epochs ?? 1),
    batchSize: parseBatchSize(call, options.batchSize),
    optimizer: options.optimizer === undefined ? adam() : parseOptimizer(call, options.optimizer),
    schedule,
    metrics,
    seed,
    shuffle: parseShuffle(call, options.shuffle ?? true, seed),
    clipNorm,
    recompute: flag(call, "recompute", options.recompute ?? false),
    output: parseOutput(call, options.output, graph),
    earlyStopping: earlyStopping === undefined ? undefined : parseEarlyStopping(call, earlyStopping, metrics),
    signal: parseSignal(call, options.signal),
    onBatch,
    onEpoch,
    progress: flag(call, "progress", options.progress ?? false),
    profile: flag(call, "profile", options.profile ?? false),
    resume: resume === undefined ? undefined : parseBytes(call, "resume", resume),
  };
}

/** Options of `model.evaluate`. */
export interface EvaluateOptions extends SampleOptions {
  /** The loss to be computed; decides also what metrics look at. */
  readonly loss: LossName | Loss;
  /** As of {@link FitOptions}. */
  readonly metrics?: FitOptions["metrics"];
  /** Samples that are computed at once. Default 32. */
  readonly batchSize?: number | undefined;
  /** The output that is measured. Default: the network's only or first one. */
  readonly output?: string | undefined;
  /** Ends it within one batch: the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** {@link EvaluateOptions}, checked and whole, but for the samples. */
export type EvaluatePlan = Pick<FitPlan, "loss" | "metrics" | "batchSize" | "output" | "signal">;

/** Checks the options of an evaluation. */
export function parseEvaluateOptions(call: string, options: EvaluateOptions, graph: Graph): EvaluatePlan {
  checkOptions(call, options, [...SAMPLE_KEYS, "loss", "metrics", "batchSize", "output", "signal"]);
  return {
    loss: parseLoss(call, options.loss),
    metrics: parseMetrics(call, options.metrics ?? []),
    batchSize: parseBatchSize(call, options.batchSize),
    output: parseOutput(call, options.output, graph),
    signal: parseSignal(call, options.signal),
  };
}

/** Options of `model.predict`. */
export interface PredictOptions {
  /** Samples that are computed at once. Default 32. */
  readonly batchSize?: number | undefined;
  /** The output that is wanted. Default: the network's only or first one. */
  readonly output?: string | undefined;
  /** Ends it within one batch: the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Checks the options of a prediction. */
export function parsePredictOptions(
  call: string,
  options: PredictOptions,
  graph: Graph,
): Pick<FitPlan, "batchSize" | "output" | "signal"> {
  checkOptions(call, options, ["batchSize", "output", "signal"]);
  return {
    batchSize: parseBatchSize(call, options.batchSize),
    output: parseOutput(call, options.output, graph),
    signal: parseSignal(call, options.signal),
  };
}

function parseBatchSize(call: string, batchSize: unknown = 32): number {
  return count(call, "batchSize", batchSize);
}

function parseShuffle(call: string, shuffle: unknown, seed: number): number | false {
  if (shuffle === false) return false;
  if (shuffle === true) return seed;
  if (typeof shuffle === "number") return count(call, "shuffle", shuffle, 0, MAX_SEED);
  throw invalid(call, "shuffle", shuffle, "true, false or a number, the seed of the order");
}

function parseOutput(call: string, output: unknown, { outputs }: Graph): ValueName {
  const [first] = outputs;
  const found = outputs.find((name) => name === (output ?? first));
  if (found !== undefined) return found;
  throw invalid(call, "output", output, `an output of the network: ${list(outputs.map(show))}`);
}

function parseSignal(call: string, signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalid(call, "signal", signal, "an AbortSignal");
}

/** Bytes of a file. */
export function parseBytes(call: string, argument: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw invalid(call, argument, value, "bytes (a Uint8Array or an ArrayBuffer) that model.saveWeights() made");
}

/** Metrics: what people want to know of predictions, beside the loss. They guide nothing. */
import { LensletError } from "../errors.ts";
import { checkOptions, count, invalid, list, numeric } from "../options.ts";
import type { Shape } from "../shape.ts";
import { classesAlong } from "./head.ts";
import type { Loss } from "./loss.ts";

/** Predictions and what they should have been. */
export interface Predictions {
  /** `[size, ...]`, row-major: logits where the loss takes logits, otherwise the network's outputs. */
  readonly outputs: Float32Array;
  /** The shape of the outputs: `[size, ...]`. */
  readonly shape: Shape;
  /**
   * The axis of the outputs along which classes lie, where they are of classes: 1 of `[size, classes]` and of `[size, classes,
   * h, w]`, 3 of `[size, h, w, classes]`.
   */
  readonly classAxis: number;
  /** `[size, ...]`, row-major. */
  readonly targets: Float32Array;
  /** Samples. */
  readonly size: number;
  /** The loss that the network is trained by. */
  readonly loss: Loss;
}

/** A number that tells how good predictions are. `metrics` makes the usual ones; a function of one's own does as well. */
export interface Metric {
  /** The key of its value in reports. */
  readonly name: string;
  /** Its mean over the samples of one batch; over several batches it is the mean of these, each counted by its samples. */
  measure(predictions: Predictions): number;
}

/** The names of the metrics that need no options. */
export type MetricName = "accuracy" | "binaryAccuracy" | "meanAbsoluteError" | "meanSquaredError";

/** Options of {@link topK}. */
export interface TopKMetricOptions {
  /** How many classes count. Default 5. */
  readonly k?: number | undefined;
}

/** Options of {@link binaryAccuracy}. */
export interface BinaryAccuracyOptions {
  /** The probability from which on a prediction says yes, between 0 and 1. Default 0.5. */
  readonly threshold?: number | undefined;
}

/**
 * The share of samples whose largest output is that of the right class: outputs `[n, classes]`, targets `[n]`, or, as in
 * one-hot targets, the place of the largest of each `[n, classes]`. Of images the share of pixels: outputs `[n, h, w,
 * classes]` or `[n, classes, h, w]`, targets `[n, h, w]`, or of the outputs' shape.
 */
export function accuracy(): Metric {
  return { name: "accuracy", measure: (predictions) => shareWithin(predictions, 1) };
}

/** The share of samples, or of pixels as of {@link accuracy}, whose right class is among the `k` largest outputs; called `"top5"` where `k` is 5. */
export function topK(options: TopKMetricOptions = {}): Metric {
  checkOptions("topK", options, ["k"]);
  const k = count("topK", "k", options.k ?? 5);
  return { name: `top${k}`, measure: (predictions) => shareWithin(predictions, k) };
}

/** The share of outputs on the right side of a threshold: outputs and targets of one shape, targets 0 or 1. */
export function binaryAccuracy(options: BinaryAccuracyOptions = {}): Metric {
  const call = "binaryAccuracy";
  checkOptions(call, options, ["threshold"]);
  const expected = "a number between 0 and 1";
  const threshold = numeric(call, "threshold", options.threshold ?? 0.5, expected);
  if (threshold <= 0 || threshold >= 1) throw invalid(call, "threshold", threshold, expected);
  const logit = Math.log(threshold / (1 - threshold));
  return {
    name: call,
    measure({ outputs, targets, loss }): number {
      const bar = loss.kind === "binaryCrossEntropy" ? logit : threshold;
      return meanOf(outputs, targets, (output, target) => Number(output > bar === target > 0.5));
    },
  };
}

/** The mean of `|x - t|`. */
export function meanAbsoluteError(): Metric {
  return {
    name: "meanAbsoluteError",
    measure: ({ outputs, targets }) => meanOf(outputs, targets, (output, target) => Math.abs(output - target)),
  };
}

/** The mean of `(x - t)²`. */
export function meanSquaredError(): Metric {
  return {
    name: "meanSquaredError",
    measure: ({ outputs, targets }) => meanOf(outputs, targets, (output, target) => (output - target) ** 2),
  };
}

const BY_NAME: { readonly [K in MetricName]: () => Metric } = {
  accuracy,
  binaryAccuracy,
  meanAbsoluteError,
  meanSquaredError,
};

/** The `metrics` option: names, what a function of `metrics` made, or metrics of one's own. */
export function parseMetrics(call: string, value: unknown): readonly Metric[] {
  const names = Object.keys(BY_NAME) as MetricName[];
  const expected = `an array of ${list(names.map((name) => JSON.stringify(name)))}, or of { name, measure }, such as metrics.topK({ k: 3 })`;
  if (!Array.isArray(value)) throw invalid(call, "metrics", value, expected);
  const metrics = value.map((item: unknown, index): Metric => {
    const name = names.find((known) => known === item);
    if (name !== undefined) return BY_NAME[name]();
    if (isMetric(item)) return item;
    throw invalid(call, `metrics[${index}]`, item, expected);
  });
  const twice = metrics.find(({ name }, index) => metrics.findIndex((other) => other.name === name) < index);
  if (twice === undefined) return metrics;
  throw invalid(call, "metrics", value, `no two metrics of one name, ${JSON.stringify(twice.name)}`);
}

function isMetric(value: unknown): value is Metric {
  if (typeof value !== "object" || value === null || !("name" in value) || !("measure" in value)) return false;
  return (
    typeof value.name === "string" && value.name !== "" && value.name !== "loss" && typeof value.measure === "function"
  );
}

/** The share of rows in which fewer than `k` outputs are above the right class's, or equal to it and before it. */
function shareWithin({ outputs, targets, size, shape, classAxis }: Predictions, k: number): number {
  const { count, rows, first, stride } = classesAlong(shape, classAxis);
  // The right class is told by a number or by a row of numbers.
  if (targets.length !== rows && targets.length !== outputs.length) {
    const name = k === 1 ? "accuracy" : `top${k}`;
    const text = `metrics: ${name} is for one class a sample, or a pixel, but ${size} samples have ${targets.length} targets; leave it out, or measure by { name, measure } of your own`;
    throw new LensletError("invalid-argument", text, { argument: "metrics" });
  }
  let right = 0;
  for (let row = 0; row < rows; row++) {
    const start = first(row);
    const label = targets.length === rows ? (targets[row] ?? 0) : largest(targets, start, count, stride);
    const own = outputs[start + label * stride] ?? Number.NaN;
    let above = 0;
    for (let i = 0; i < count; i++) {
      const output = outputs[start + i * stride] ?? 0;
      // What is not a number is not right.
      if (!(output < own || (output === own && i >= label))) above++;
    }
    if (above < k) right++;
  }
  return right / rows;
}

/** Which of `count` values, `stride` apart, is the largest, the first of equal ones. */
function largest(values: Float32Array, start: number, count: number, stride: number): number {
  let place = 0;
  for (let i = 1; i < count; i++)
    if ((values[start + i * stride] ?? 0) > (values[start + place * stride] ?? 0)) place = i;
  return place;
}

function meanOf(outputs: Float32Array, targets: Float32Array, of: (output: number, target: number) => number): number {
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) sum += of(outputs[i] ?? 0, targets[i] ?? 0);
  return sum / outputs.length;
}

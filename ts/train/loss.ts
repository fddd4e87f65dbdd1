/** Losses: how wrong predictions are, as one number whose gradient training follows down. */
import { LensletError } from "../errors.ts";
import { checkOptions, invalid, list, numeric, show } from "../options.ts";

/** Cross-entropy of softmax: for one class of several. The targets are class numbers, from 0. */
export interface CrossEntropy {
  readonly kind: "crossEntropy";
  /** What every class gets of the label's share, in all; 0 for none. */
  readonly labelSmoothing: number;
}

/** Cross-entropy of the sigmoid: for truths, each by itself. The targets are from 0 to 1, as many as predictions. */
export interface BinaryCrossEntropy {
  readonly kind: "binaryCrossEntropy";
}

/** `(x - t)²`, for numbers. The targets are as many as predictions. */
export interface MeanSquaredError {
  readonly kind: "meanSquaredError";
}

/** `e² / 2` where `e = |x - t| <= delta`, else `delta (e - delta / 2)`: for numbers with outliers. */
export interface Huber {
  readonly kind: "huber";
  /** Where the loss stops to be a square. */
  readonly delta: number;
}

/**
 * A loss with all its numbers; the mean over samples or their pixels (`crossEntropy`) or elements (the others). `losses` makes one.
 *
 * `crossEntropy` and `binaryCrossEntropy` take logits: a network that ends in softmax or sigmoid is trained on what comes
 * before, which neither overflows nor cancels, also where Transposes, Reshapes and the like (or a Dropout, which then drops
 * nothing) stand behind that. Where something else does, such as a Clip, training and `evaluate` reject.
 */
export type Loss = CrossEntropy | BinaryCrossEntropy | MeanSquaredError | Huber;

/** The names of the losses; each stands for the loss with its defaults. */
export type LossName = Loss["kind"];

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions {
  /**
   * How much of the target is shared out among all classes, from 0 to 1: `1 - s` stays with the label, as in PyTorch
   * (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567). Default 0.
   */
  readonly labelSmoothing?: number | undefined;
}

/** Options of {@link huber}. */
export interface HuberOptions {
  /** Where the loss stops to be a square: above 0. Default 1. */
  readonly delta?: number | undefined;
}

/**
 * Cross-entropy of softmax, for one class of several: outputs `[n, classes]`, targets `[n]`, whole numbers from 0. For classes
 * of every pixel outputs are `[n, h, w, classes]` or `[n, classes, h, w]`, targets `[n, h, w]`; the mean is over pixels.
 */
export function crossEntropy(options: CrossEntropyOptions = {}): CrossEntropy {
  const call = "crossEntropy";
  checkOptions(call, options, ["labelSmoothing"]);
  const expected = "a number from 0 to 1";
  const labelSmoothing = numeric(call, "labelSmoothing", options.labelSmoothing ?? 0, expected);
  if (labelSmoothing < 0 || labelSmoothing > 1) throw invalid(call, "labelSmoothing", labelSmoothing, expected);
  return Object.freeze({ kind: call, labelSmoothing });
}

/** Cross-entropy of the sigmoid, for truths: outputs and targets of one shape, targets from 0 to 1. */
export function binaryCrossEntropy(): BinaryCrossEntropy {
  return Object.freeze({ kind: "binaryCrossEntropy" });
}

/** The mean of the squared differences: outputs and targets of one shape. */
export function meanSquaredError(): MeanSquaredError {
  return Object.freeze({ kind: "meanSquaredError" });
}

/** Squares of small differences, and large ones as they are (PyTorch's HuberLoss): outputs and targets of one shape. */
export function huber(options: HuberOptions = {}): Huber {
  const call = "huber";
  checkOptions(call, options, ["delta"]);
  const expected = "a positive number";
  const delta = numeric(call, "delta", options.delta ?? 1, expected, true);
  if (delta <= 0) throw invalid(call, "delta", delta, expected);
  return Object.freeze({ kind: call, delta });
}

const NAMES: readonly LossName[] = ["crossEntropy", "binaryCrossEntropy", "meanSquaredError", "huber"];

/** The `loss` option: a name, or what a function of `losses` made. */
export function parseLoss(call: string, value: unknown): Loss {
  const { kind, ...options } =
    typeof value === "object" && value !== null ? { kind: undefined, ...value } : { kind: value };
  if (kind === "crossEntropy") return crossEntropy(options);
  if (kind === "huber") return huber(options);
  if (kind === "binaryCrossEntropy" || kind === "meanSquaredError") {
    checkOptions(kind, options, []);
    return kind === "binaryCrossEntropy" ? binaryCrossEntropy() : meanSquaredError();
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).some(isLoss)) {
    const text = `${call}: loss is an object of losses (${Object.keys(value).map(show).join(", ")}); expected one loss, of the one output that the option output names. Several outputs of one kind of loss can be trained as one that concat makes of them`;
    throw new LensletError("invalid-argument", text, { argument: "loss" });
  }
  const expected = `${list(NAMES.map(show))}, or what a function of losses made, such as losses.crossEntropy({ labelSmoothing: 0.1 })`;
  throw invalid(call, "loss", value, expected);
}

function isLoss(value: unknown): boolean {
  const kind: unknown = typeof value === "object" && value !== null && "kind" in value ? value.kind : value;
  return NAMES.some((name) => name === kind);
}

/** Whether the loss takes logits, so that a softmax (or sigmoid) at the network's end is left out of its training. */
export function activationWithin({ kind }: Loss): "softmax" | "sigmoid" | undefined {
  if (kind === "crossEntropy") return "softmax";
  return kind === "binaryCrossEntropy" ? "sigmoid" : undefined;
}

/** The core's operator of a loss, and its words; the mean of the losses. */
export interface LossCall {
  readonly op: "crossEntropy" | "elementwiseLoss";
  readonly words: readonly number[];
}

/** What the core is told of a loss; `classes` is the size of the outputs' last axis. */
export function lossCall(loss: Loss, classes: number): LossCall {
  const mean = 0;
  switch (loss.kind) {
    case "crossEntropy":
      return { op: "crossEntropy", words: [classes, loss.labelSmoothing, mean] };
    case "binaryCrossEntropy":
      return { op: "elementwiseLoss", words: [0, 0, mean] };
    case "meanSquaredError":
      return { op: "elementwiseLoss", words: [1, 0, mean] };
    case "huber":
      return { op: "elementwiseLoss", words: [2, loss.delta, mean] };
  }
}

/** Normalisation: with known statistics, and with those of rows, images and neighbouring channels. */
import { checkOptions, count, type LayoutOption, numeric, invalid, parseLayout } from "../options.ts";
import { elementCount, formatShape, parseAxis } from "../shape.ts";
import type { Tensor, VectorOperand } from "../tensor.ts";
import { imageInput, mismatch, output, type Plan, tensorInput, vectorInput } from "./plan.ts";

/** Options of `batchNorm`; each operand has one element a channel. */
export interface BatchNormOptions extends LayoutOption {
  /** Means that training found. */
  readonly mean: VectorOperand;
  /** Variances that training found. */
  readonly variance: VectorOperand;
  /** Factors, γ. Default 1. */
  readonly scale?: VectorOperand | undefined;
  /** Added last, β. Default 0. */
  readonly offset?: VectorOperand | undefined;
  /** Added to the variance. Default 1e-5, as in PyTorch and ONNX; Keras has 1e-3. */
  readonly epsilon?: number | undefined;
}

/** `(x - mean) / sqrt(variance + epsilon) * scale + offset`, channel by channel. */
export function batchNorm(call: string, x: Tensor, options: BatchNormOptions): Plan {
  checkOptions(call, options, ["mean", "variance", "scale", "offset", "epsilon", "layout"]);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const epsilon = parseEpsilon(call, options.epsilon);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const axis = layout === "NHWC" ? shape.length - 1 : 1;
  const channels = shape[axis];
  if (channels === undefined) {
    throw mismatch(
      call,
      "x",
      `has shape ${formatShape(shape)}; expected channels on ${layout === "NHWC" ? "the last axis" : "axis 1"}`,
    );
  }
  const vector = (name: "mean" | "variance" | "scale" | "offset") =>
    vectorInput(call, name, options[name], channels, "channels");
  const [mean, variance] = [vector("mean"), vector("variance")];
  for (const [name, value] of [
    ["mean", mean],
    ["variance", variance],
  ] as const) {
    if (value === undefined) throw invalid(call, name, undefined, `one number for each of the ${channels} channels`);
  }
  return {
    call,
    op: "batchNorm",
    inputs: [input, mean, variance, vector("scale"), vector("offset")],
    outputs: [output(call, shape)],
    words: [elementCount(shape.slice(0, axis)), channels, elementCount(shape.slice(axis + 1)), epsilon],
  };
}

/** What normalisations have in common that find mean and variance themselves. */
interface NormOptions {
  /** Factors, γ. Default 1. */
  readonly scale?: VectorOperand | undefined;
  /** Added last, β. Default 0. */
  readonly offset?: VectorOperand | undefined;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number | undefined;
}

/** Options of `layerNorm`; scale and offset have as many elements as the axes from `axis` on together. */
export interface LayerNormOptions extends NormOptions {
  /** The first of the axes over which mean and variance are taken; a negative one counts from the end. Default -1. */
  readonly axis?: number | undefined;
}

/** Options of `instanceNorm`; scale and offset have one element a channel. */
export interface InstanceNormOptions extends NormOptions, LayoutOption {}

/** Options of `groupNorm`; scale and offset have one element a channel. */
export interface GroupNormOptions extends InstanceNormOptions {
  /** So many groups of channels; a divisor of their number. */
  readonly groups: number;
}

/** Options of `localResponseNorm`. */
export interface LocalResponseNormOptions extends LayoutOption {
  /** Channels that count, the element's own in the middle. */
  readonly size: number;
  /** Weight of their mean square. Default 1e-4. */
  readonly alpha?: number | undefined;
  /** The exponent. Default 0.75. */
  readonly beta?: number | undefined;
  /** Added to the weighted mean square. Default 1. */
  readonly bias?: number | undefined;
}

function parseEpsilon(call: string, value: number | undefined): number {
  const epsilon = numeric(call, "epsilon", value ?? 1e-5, "a number of 0 or more", true);
  if (epsilon < 0) throw invalid(call, "epsilon", epsilon, "a number of 0 or more");
  return epsilon;
}

/** `(x - mean) / sqrt(variance + epsilon) * scale + offset` over the axes from one on. */
export function layerNorm(call: string, x: Tensor, options: LayerNormOptions = {}): Plan {
  checkOptions(call, options, ["axis", "scale", "offset", "epsilon"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const axis = parseAxis(call, "axis", options.axis ?? -1, shape.length);
  const [outer, inner] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
  const vector = (name: "scale" | "offset") => vectorInput(call, name, options[name], inner, "elements of a row");
  return {
    call,
    op: "layerNorm",
    inputs: [input, vector("scale"), vector("offset")],
    outputs: [output(call, shape)],
    words: [outer, inner, parseEpsilon(call, options.epsilon)],
  };
}

/** `(x - mean) / sqrt(variance + epsilon) * scale + offset` over each channel of each image. */
export function instanceNorm(call: string, x: Tensor, options: InstanceNormOptions = {}): Plan {
  checkOptions(call, options, ["scale", "offset", "epsilon", "layout"]);
  return imageNorm(call, x, options, undefined);
}

/** The same over groups of channels of each image. */
export function groupNorm(call: string, x: Tensor, options: GroupNormOptions): Plan {
  checkOptions(call, options, ["groups", "scale", "offset", "epsilon", "layout"]);
  return imageNorm(call, x, options, count(call, "groups", options.groups));
}

function imageNorm(call: string, x: Tensor, options: InstanceNormOptions, groups: number | undefined): Plan {
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const { n, h, w, c } = image;
  if (groups !== undefined && c % groups !== 0) throw invalid(call, "groups", groups, `a divisor of the ${c} channels`);
  const vector = (name: "scale" | "offset") => vectorInput(call, name, options[name], c, "channels");
  const sizes = [layout === "NHWC" ? 0 : 1, n, h, w, c];
  return {
    call,
    op: groups === undefined ? "instanceNorm" : "groupNorm",
    inputs: [image, vector("scale"), vector("offset")],
    outputs: [output(call, image.shape)],
    words: [...sizes, ...(groups === undefined ? [] : [groups]), parseEpsilon(call, options.epsilon)],
  };
}

/** `x / (bias + alpha / size * sum of squares of neighbouring channels) ** beta` */
export function localResponseNorm(call: string, x: Tensor, options: LocalResponseNormOptions): Plan {
  checkOptions(call, options, ["size", "alpha", "beta", "bias", "layout"]);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const { n, h, w, c } = image;
  const size = count(call, "size", options.size);
  if (size > 2 * c) throw invalid(call, "size", size, `at most ${2 * c}, twice the channels`);
  const number = (name: "alpha" | "beta" | "bias", usual: number): number =>
    numeric(call, name, options[name] ?? usual, "a number", true);
  return {
    call,
    op: "lrn",
    inputs: [image],
    outputs: [output(call, image.shape)],
    words: [
      ...[layout === "NHWC" ? 0 : 1, n, h, w, c, size],
      ...[number("alpha", 1e-4), number("beta", 0.75), number("bias", 1)],
    ],
  };
}

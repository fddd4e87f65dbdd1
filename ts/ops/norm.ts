/** Normalisation with known statistics. */
import { checkOptions, type LayoutOption, numeric, invalid, parseLayout } from "../options.ts";
import { elementCount, formatShape } from "../shape.ts";
import type { Tensor, VectorOperand } from "../tensor.ts";
import { mismatch, output, type Plan, tensorInput, vectorInput } from "./plan.ts";

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
  const epsilon = numeric(call, "epsilon", options.epsilon ?? 1e-5, "a number of 0 or more", true);
  if (epsilon < 0) throw invalid(call, "epsilon", epsilon, "a number of 0 or more");
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

/** Convolutions and transposed convolutions. */
import { LensletError } from "../errors.ts";
import {
  checkOptions,
  count,
  invalid,
  type Layout,
  MAX_AXIS,
  pair,
  type Pair,
  parseLayout,
  parsePadding,
} from "../options.ts";
import {
  type Axis,
  extent,
  formatShape,
  padsOf,
  type Shape,
  slide,
  splitPadding,
  type WindowOptions,
  type Windows,
} from "../shape.ts";
import { type Operand, Tensor, type VectorOperand } from "../tensor.ts";
import { type Activation, activationWords } from "./activation.ts";
import {
  type ImageInput,
  imageInput,
  imageOutput,
  type Input,
  mismatch,
  operandInput,
  type Plan,
  vectorInput,
} from "./plan.ts";

/** What convolutions of both directions can be told. */
interface ConvOptions extends WindowOptions {
  /**
   * Groups of channels that do not see one another; as many as input channels make a depthwise convolution. Default 1, or
   * what the filter says that it is made for.
   */
  readonly groups?: number | undefined;
  /** Added to each output channel: shape `[outC]`. Default none. */
  readonly bias?: VectorOperand | undefined;
  /** Applied to the result, at no further cost. Default `"identity"`. */
  readonly activation?: Activation | undefined;
  /** The order of the axes of input, filter and output. Default `"NHWC"`. */
  readonly layout?: Layout | undefined;
}

/** Options of `conv2d`. */
export interface Conv2dOptions extends ConvOptions {
  /**
   * Added to the result before the activation, at little further cost: the shortcut of a residual block. Shape and layout
   * are those of the output. Default none.
   */
  readonly residual?: Operand | undefined;
}

/** Options of `convTranspose2d`. */
export interface ConvTranspose2dOptions extends ConvOptions {
  /**
   * What is cut off the full result. `"valid"` (the default) cuts nothing, `"same"` and `"same-lower"` make
   * `out = in * stride`; numbers are cut off each side, and undo the same padding of a convolution.
   */
  readonly padding?: ConvOptions["padding"];
  /**
   * Rows and columns added at the bottom and right, below the larger of stride and dilation: tells apart the input sizes
   * of which a strided convolution makes the same output size. Default 0.
   */
  readonly outputPadding?: Pair | undefined;
}

const SHARED_KEYS = ["stride", "padding", "dilation", "groups", "bias", "activation", "layout"];
const CONV_KEYS = [...SHARED_KEYS, "residual"];
const TRANSPOSE_KEYS = [...SHARED_KEYS, "outputPadding"];

/** A filter's sizes by name: `near` are the channels of the axis that groups divide, `far` the whole ones. */
interface FilterSizes {
  readonly input: Input;
  readonly kernel: readonly [number, number];
  readonly near: number;
  readonly far: number;
}

function filterSizes(
  call: string,
  filter: Operand,
  layout: Layout,
  axes: Readonly<Record<Layout, string>>,
): FilterSizes {
  const input = operandInput(call, "filter", filter);
  const [a = 1, b = 1, c = 1, d = 1] = input.shape;
  if (input.shape.length !== 4)
    throw mismatch(call, "filter", `has shape ${formatShape(input.shape)}; expected ${axes[layout]}`);
  return layout === "NHWC" ? { input, kernel: [a, b], near: c, far: d } : { input, kernel: [c, d], near: b, far: a };
}

function parseGroups(call: string, options: ConvOptions, filter: Operand): number {
  const { groups = filter instanceof Tensor ? undefined : filter.groups } = options;
  return groups === undefined ? 1 : count(call, "groups", groups);
}

function mustDivide(call: string, groups: number, channels: number, what: string): void {
  if (channels % groups !== 0) throw invalid(call, "groups", groups, `a divisor of the ${channels} ${what} channels`);
}

const CONV_AXES = { NHWC: "[kH, kW, inC / groups, outC]", NCHW: "[outC, inC / groups, kH, kW]" };

/** Cross-correlation with a filter, as every CNN library calls convolution. */
export function conv2d(call: string, x: Tensor, filter: Operand, options: Conv2dOptions = {}): Plan {
  checkOptions(call, options, CONV_KEYS);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const { input, kernel, near, far: outC } = filterSizes(call, filter, layout, CONV_AXES);
  const groups = parseGroups(call, options, filter);
  mustDivide(call, groups, image.c, "input");
  if (near * groups !== image.c) {
    const sees = `${image.c} channels in ${groups} group${groups === 1 ? "" : "s"}`;
    const depthwise = near === 1 && groups === 1 ? `; groups: ${image.c} makes it depthwise` : "";
    const text = `has shape ${formatShape(input.shape)} for ${near} input channels, x has ${sees}; expected ${CONV_AXES[layout]} with inC / groups = ${image.c / groups}${depthwise}`;
    throw mismatch(call, "filter", text);
  }
  mustDivide(call, groups, outC, "output");
  const windows = slide(call, "filter", [image.h, image.w], kernel, options);
  const out = imageOutput(call, layout, { n: image.n, h: windows.h.output, w: windows.w.output, c: outC });
  return {
    call,
    op: "conv2d",
    inputs: [
      image,
      input,
      vectorInput(call, "bias", options.bias, outC, "output channels"),
      residualInput(call, options.residual, out.shape),
    ],
    outputs: [out],
    words: convWords(call, layout, image, outC, windows, groups, options.activation),
  };
}

function residualInput(call: string, residual: Operand | undefined, shape: Shape): Input | undefined {
  if (residual === undefined) return undefined;
  const input = operandInput(call, "residual", residual);
  if (formatShape(input.shape) === formatShape(shape)) return input;
  const text = `has shape ${formatShape(input.shape)}; expected the output's, ${formatShape(shape)}`;
  throw mismatch(call, "residual", text);
}

function convWords(
  call: string,
  layout: Layout,
  { n, h, w, c }: ImageInput,
  outC: number,
  windows: Windows,
  groups: number,
  activation: Activation = "identity",
): number[] {
  const order = layout === "NHWC" ? 0 : 1;
  return [
    order,
    order, // of the filter
    n,
    h,
    w,
    c,
    outC,
    ...windowWords(windows),
    groups,
    ...activationWords(call, activation),
  ];
}

/** A window's sizes as the core's words. */
export function windowWords({ h, w }: Windows): number[] {
  const pads = [h.padBefore, w.padBefore, h.padAfter, w.padAfter];
  return [h.kernel, w.kernel, h.stride, w.stride, h.dilation, w.dilation, ...pads];
}

const TRANSPOSE_AXES = { NHWC: "[kH, kW, outC / groups, inC]", NCHW: "[inC, outC / groups, kH, kW]" };

/** The convolution that goes back: spreads each input element over a window of the output. */
export function convTranspose2d(call: string, x: Tensor, filter: Operand, options: ConvTranspose2dOptions = {}): Plan {
  checkOptions(call, options, TRANSPOSE_KEYS);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const { input, kernel, near, far: inC } = filterSizes(call, filter, layout, TRANSPOSE_AXES);
  const groups = parseGroups(call, options, filter);
  if (inC !== image.c) {
    const text = `has shape ${formatShape(input.shape)} for ${inC} input channels, x has ${image.c}; expected ${TRANSPOSE_AXES[layout]}`;
    throw mismatch(call, "filter", text);
  }
  mustDivide(call, groups, inC, "input");
  const outC = near * groups;
  const { windows, extra } = spread(call, [image.h, image.w], kernel, options);
  const out = { n: image.n, h: windows.h.output, w: windows.w.output, c: outC };
  return {
    call,
    op: "convTranspose2d",
    inputs: [image, input, vectorInput(call, "bias", options.bias, outC, "output channels")],
    outputs: [imageOutput(call, layout, out)],
    words: [...convWords(call, layout, image, outC, windows, groups, options.activation), ...extra],
  };
}

interface Spread {
  readonly windows: Windows;
  /** Output padding of rows and columns. */
  readonly extra: readonly [number, number];
}

function spread(
  call: string,
  input: readonly [number, number],
  kernel: readonly [number, number],
  { stride = 1, dilation = 1, padding = "valid", outputPadding }: ConvTranspose2dOptions,
): Spread {
  const strides = pair(call, "stride", stride);
  const dilations = pair(call, "dilation", dilation);
  const pads = parsePadding(call, padding);
  const extras = outputPadding === undefined ? undefined : pair(call, "outputPadding", outputPadding, 0);
  if (extras !== undefined && typeof pads === "string") {
    throw invalid(
      call,
      "outputPadding",
      outputPadding,
      `nothing beside padding "${pads}", which makes out = in * stride`,
    );
  }
  const axis = (i: 0 | 1): { axis: Axis; extra: number } =>
    spreadAxis(
      call,
      i === 0 ? "rows" : "columns",
      input[i],
      kernel[i],
      strides[i],
      dilations[i],
      padsOf(pads, i),
      extras?.[i],
    );
  const [h, w] = [axis(0), axis(1)];
  return { windows: { h: h.axis, w: w.axis }, extra: [h.extra, w.extra] };
}

/**
 * `out = (in - 1) * stride + dilation * (kernel - 1) + 1 + outputPadding - padBefore - padAfter`, as in PyTorch and ONNX.
 * TensorFlow's VALID differs where the kernel is smaller than the stride: there it gives `in * stride`.
 */
function spreadAxis(
  call: string,
  name: string,
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: ReturnType<typeof padsOf>,
  extra = 0,
): { axis: Axis; extra: number } {
  if (kernel > MAX_AXIS) throw invalid(call, "filter", kernel, `at most ${MAX_AXIS} ${name}`);
  const limit = Math.max(stride, dilation);
  if (extra >= limit)
    throw invalid(call, "outputPadding", extra, `less than ${limit}, the larger of stride and dilation`);
  const full = (input - 1) * stride + extent(kernel, dilation);
  // "same": what exceeds in * stride is cut; where a small kernel falls short of it, the output is padded.
  const over = full - input * stride;
  const same = typeof padding === "string";
  const added = same ? Math.max(-over, 0) : extra;
  const [padBefore, padAfter] = same ? splitPadding(Math.max(over, 0), padding) : padding;
  const output = full + added - padBefore - padAfter;
  if (output < 1) {
    const text = `${call}: the output would be empty: padding cuts ${padBefore + padAfter} of ${full + added} ${name}; use less padding`;
    throw new LensletError("empty-output", text, { argument: "padding" });
  }
  if (Math.max(output, padBefore, padAfter) > MAX_AXIS) {
    const text = `${call}: the output would have ${output} ${name}; expected at most ${MAX_AXIS}`;
    throw new LensletError("too-large", text, { argument: "stride" });
  }
  return { axis: { input, kernel, stride, dilation, padBefore, padAfter, output }, extra: added };
}

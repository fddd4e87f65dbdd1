/** Where windows lie, by the definitions alone: padding in words, output sizes, ceil mode. */
import { at } from "./nd.ts";

/** A number for both axes, or one each. */
export type Pair = number | readonly [number, number];
/** Padding as the package's options spell it. */
export type Padding =
  | "valid"
  | "same"
  | "same-lower"
  | Pair
  | { readonly top?: number; readonly left?: number; readonly bottom?: number; readonly right?: number };

/** One axis of a window that slides over an image. */
export interface Axis {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  readonly output: number;
}

/** Options that place a window. */
export interface WindowOptions {
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  readonly ceilMode?: boolean;
}

/** Both numbers of a pair. */
export function both(pair: Pair): readonly [number, number] {
  return typeof pair === "number" ? [pair, pair] : pair;
}

/** The two axes, height first, of a window of `kernel` over `input`. */
export function axes(input: readonly [number, number], kernel: Pair, options: WindowOptions): readonly [Axis, Axis] {
  const size = both(kernel);
  const stride = both(options.stride ?? 1);
  const dilation = both(options.dilation ?? 1);
  const one = (axis: 0 | 1): Axis => {
    const extent = dilation[axis] * (size[axis] - 1) + 1;
    const [before, after] = padding(options.padding ?? "valid", axis, input[axis], extent, stride[axis]);
    const room = input[axis] + before + after - extent;
    let output = Math.floor(room / stride[axis]) + 1;
    if (options.ceilMode === true) {
      output = Math.ceil(room / stride[axis]) + 1;
      // A last window that would begin in the padding at the end is dropped (PyTorch, ONNX Runtime).
      if ((output - 1) * stride[axis] >= input[axis] + before) output--;
    }
    return {
      input: input[axis],
      kernel: size[axis],
      stride: stride[axis],
      dilation: dilation[axis],
      before,
      after,
      output,
    };
  };
  return [one(0), one(1)];
}

function padding(
  padding: Padding,
  axis: 0 | 1,
  input: number,
  extent: number,
  stride: number,
): readonly [number, number] {
  if (padding === "valid") return [0, 0];
  if (padding === "same" || padding === "same-lower") {
    const total = Math.max((Math.ceil(input / stride) - 1) * stride + extent - input, 0);
    const small = Math.floor(total / 2);
    return padding === "same" ? [small, total - small] : [total - small, small];
  }
  if (typeof padding === "number") return [padding, padding];
  if (isPair(padding)) return [padding[axis], padding[axis]];
  const { top = 0, left = 0, bottom = 0, right = 0 } = padding;
  return axis === 0 ? [top, bottom] : [left, right];
}

function isPair(padding: Exclude<Padding, string | number>): padding is readonly [number, number] {
  return Array.isArray(padding);
}

/** Height and width of an NHWC or NCHW shape. */
export function imageSize(shape: readonly number[], layout: "NHWC" | "NCHW" = "NHWC"): readonly [number, number] {
  return layout === "NHWC" ? [at(shape, 1), at(shape, 2)] : [at(shape, 2), at(shape, 3)];
}

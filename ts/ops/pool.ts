/** Pools: the largest, the mean or the root of the sum of squares of each window of an image. */
import { checkOptions, flag, invalid, type LayoutOption, pair, type Pair, parseLayout } from "../options.ts";
import { extent, slide, type WindowOptions } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { windowWords } from "./conv.ts";
import { imageInput, imageOutput, type Plan } from "./plan.ts";

/** Options of `maxPool2d`, `l2Pool2d` and `l1Pool2d`. */
export interface PoolOptions extends WindowOptions, LayoutOption {
  /** Rows and columns of the window. */
  readonly size: Pair;
  /** Step from one window to the next. Default: the window's size, so that windows touch. */
  readonly stride?: Pair | undefined;
  /** What surrounds the image, less than the window; a maximum ignores it. Default `"valid"`. */
  readonly padding?: WindowOptions["padding"];
  /**
   * Whether output sizes are rounded up, so that the last window may reach beyond the padding. A window that would begin
   * in the end padding is dropped, as in PyTorch (ONNX: since opset 19). Default false.
   */
  readonly ceilMode?: boolean | undefined;
}

/** Options of `avgPool2d`. */
export interface AvgPoolOptions extends PoolOptions {
  /**
   * Whether padding counts as zeros, in the divisor too; what lies beyond the padding (`ceilMode`) never does. Default
   * false, as in ONNX and TensorFlow; PyTorch's default is true.
   */
  readonly countIncludePad?: boolean | undefined;
}

/** Options of the adaptive pools. */
export interface AdaptivePoolOptions extends LayoutOption {
  /** Rows and columns of the output. */
  readonly size: Pair;
}

/** Kinds of pools; the core's code is the place here. */
const KINDS = ["max", "avg", "l2", "l1"] as const;

/** What a pool makes of a window: its largest element, its mean, or the root of its sum of squares. */
export type PoolKind = (typeof KINDS)[number];

const POOL_KEYS = ["size", "stride", "padding", "dilation", "ceilMode", "layout"];

/** A pool with a sliding window. */
export function pool2d(call: string, kind: PoolKind, x: Tensor, options: AvgPoolOptions, indices = false): Plan {
  checkOptions(call, options, kind === "avg" ? [...POOL_KEYS, "countIncludePad"] : POOL_KEYS);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const size = pair(call, "size", options.size);
  const ceil = flag(call, "ceilMode", options.ceilMode ?? false);
  const countPad = flag(call, "countIncludePad", options.countIncludePad ?? false);
  const windows = slide(call, "size", [image.h, image.w], size, { ...options, stride: options.stride ?? size }, ceil);
  for (const { kernel, dilation, padBefore, padAfter } of [windows.h, windows.w]) {
    const covers = extent(kernel, dilation);
    if (Math.max(padBefore, padAfter) < covers) continue;
    throw invalid(
      call,
      "padding",
      options.padding,
      `less than the window, which covers ${covers}: a window of padding alone has no value`,
    );
  }
  const out = { n: image.n, h: windows.h.output, w: windows.w.output, c: image.c };
  const values = imageOutput(call, layout, out);
  return {
    call,
    op: "pool2d",
    inputs: [image],
    outputs: indices ? [values, { ...values, dtype: "int32" }] : [values],
    words: [
      ...[KINDS.indexOf(kind), layout === "NHWC" ? 0 : 1, image.n, image.h, image.w, image.c],
      ...windowWords(windows),
      ...[ceil ? 1 : 0, countPad ? 1 : 0],
    ],
  };
}

/** A pool whose window is the image. */
export function globalPool2d(call: string, kind: PoolKind, x: Tensor, options: LayoutOption = {}): Plan {
  checkOptions(call, options, ["layout"]);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const { n, h, w, c } = image;
  return {
    call,
    op: "globalPool2d",
    inputs: [image],
    outputs: [imageOutput(call, layout, { n, h: 1, w: 1, c })],
    words: [KINDS.indexOf(kind), layout === "NHWC" ? 0 : 1, n, h, w, c],
  };
}

/** A pool of given output size, whose windows split the image as evenly as they can. */
export function adaptivePool2d(call: string, kind: "max" | "avg", x: Tensor, options: AdaptivePoolOptions): Plan {
  checkOptions(call, options, ["size", "layout"]);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const image = imageInput(call, x, layout);
  const [outH, outW] = pair(call, "size", options.size);
  const { n, h, w, c } = image;
  return {
    call,
    op: "adaptivePool2d",
    inputs: [image],
    outputs: [imageOutput(call, layout, { n, h: outH, w: outW, c })],
    words: [KINDS.indexOf(kind), layout === "NHWC" ? 0 : 1, n, h, w, c, outH, outW],
  };
}

/**
 * Shapes, and the arithmetic of windows that slide over images: what convolutions, pools and whoever wants to know an
 * output size beforehand have in common.
 */
import { LensletError } from "./errors.ts";
import {
  checkOptions,
  flag,
  invalid,
  isCount,
  type Layout,
  MAX_AXIS,
  type Padding,
  type Pair,
  type ParsedPadding,
  pair,
  parsePadding,
  show,
} from "./options.ts";

/** Sizes of a tensor's axes, outermost first: `[n, h, w, c]`. A scalar has the shape `[]`. */
export type Shape = readonly number[];

/** Most elements of a tensor: a WebAssembly allocation ends at 2^31 - 1 bytes. */
export const MAX_ELEMENTS: number = Math.floor((2 ** 31 - 1) / 4);

/** Most axes of a tensor. */
export const MAX_RANK = 8;

/** A batch of images by the names of its axes, whatever their order in memory. */
export interface ImageSize {
  /** Images in the batch. */
  readonly n: number;
  /** Rows. */
  readonly h: number;
  /** Columns. */
  readonly w: number;
  /** Channels. */
  readonly c: number;
}

/** A shape as messages write it: `[1, 28, 28, 3]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** How many elements a checked shape has. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Elements of an output; throws `too-large` where WebAssembly could not hold them. */
export function checkElements(call: string, argument: string, shape: Shape): number {
  const size = elementCount(shape);
  if (size <= MAX_ELEMENTS) return size;
  throw tooLarge(call, argument, `would have shape ${formatShape(shape)}, which is ${size} elements`);
}

function tooLarge(call: string, argument: string, text: string): LensletError {
  const limit = `at most ${MAX_ELEMENTS} (2 GiB of float32, what WebAssembly can hold at a time)`;
  return new LensletError("too-large", `${call}: ${argument} ${text}; expected ${limit}`, { argument });
}

/** A copy of a shape that the caller gave: up to 8 whole sizes of 1 or more, of a product that fits. */
export function parseShape(call: string, argument: string, value: unknown): Shape {
  const expected = "an array of up to 8 positive integers";
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) throw invalid(call, argument, value, expected);
  const shape: unknown[] = Array.from(value as ArrayLike<unknown>);
  if (shape.length > MAX_RANK || !shape.every((size): size is number => isCount(size, 1, Number.MAX_SAFE_INTEGER))) {
    throw invalid(call, argument, value, expected);
  }
  const size = elementCount(shape);
  if (size > MAX_ELEMENTS) throw tooLarge(call, argument, `is ${formatShape(shape)}, which is ${size} elements`);
  return Object.freeze(shape);
}

/** The shape of an image batch in a layout. */
export function imageShape(layout: Layout, { n, h, w, c }: ImageSize): Shape {
  return Object.freeze(layout === "NHWC" ? [n, h, w, c] : [n, c, h, w]);
}

/** The sizes of an image batch of rank 4. */
export function imageSize(layout: Layout, shape: Shape): ImageSize {
  const [n = 1, a = 1, b = 1, c = 1] = shape;
  return layout === "NHWC" ? { n, h: a, w: b, c } : { n, h: b, w: c, c: a };
}

/** The axis that `axis` means in a tensor of `rank` axes; a negative one counts from the end. */
export function parseAxis(call: string, argument: string, axis: unknown, rank: number): number {
  if (isCount(axis, -rank, rank - 1)) return axis < 0 ? axis + rank : axis;
  const expected =
    rank === 0
      ? "a tensor with axes: this one is a scalar"
      : `an integer from ${-rank} to ${rank - 1} (the tensor has ${rank} axes)`;
  throw invalid(call, argument, axis, expected);
}

/** How a window slides along one axis. */
export interface Axis {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
  readonly padAfter: number;
  /** Positions of the window. */
  readonly output: number;
}

/** How a window slides over an image. */
export interface Windows {
  readonly h: Axis;
  readonly w: Axis;
}

/** How far apart a window's positions and taps lie, and what surrounds the image. */
export interface WindowOptions {
  /** Step from one window to the next. Default 1; for pools, the window's size. */
  readonly stride?: Pair | undefined;
  /** What surrounds the image. Default `"valid"`. */
  readonly padding?: Padding | undefined;
  /** Step from one tap of the window to the next; 2 leaves out every other element. Default 1. */
  readonly dilation?: Pair | undefined;
}

/** Elements from the first tap of a window to its last. */
export function extent(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** Padding before and after, of `total` elements: an odd one goes to the end, or with `"same-lower"` to the start. */
export function splitPadding(total: number, mode: "same" | "same-lower"): readonly [number, number] {
  const less = Math.floor(total / 2);
  return mode === "same" ? [less, total - less] : [total - less, less];
}

/**
 * Where a window lies along both axes of an image. `kernelName` is what the caller calls the window.
 *
 * `out = floor((in + padBefore + padAfter - dilation * (kernel - 1) - 1) / stride) + 1`. With `ceil` the quotient is
 * rounded up, but a last window that would begin in the end padding is dropped (PyTorch; ONNX since opset 19).
 */
export function slide(
  call: string,
  kernelName: string,
  input: readonly [number, number],
  kernel: readonly [number, number],
  { stride = 1, padding = "valid", dilation = 1 }: WindowOptions,
  ceil = false,
): Windows {
  const [strideH, strideW] = pair(call, "stride", stride);
  const [dilationH, dilationW] = pair(call, "dilation", dilation);
  const pads = parsePadding(call, padding);
  const names = { call, kernelName };
  return {
    h: slideAxis({ ...names, axis: "rows" }, input[0], kernel[0], strideH, dilationH, padsOf(pads, 0), ceil),
    w: slideAxis({ ...names, axis: "columns" }, input[1], kernel[1], strideW, dilationW, padsOf(pads, 1), ceil),
  };
}

type AxisPadding = "same" | "same-lower" | readonly [number, number];

/** The padding of rows (0) or columns (1). */
export function padsOf(pads: ParsedPadding, axis: 0 | 1): AxisPadding {
  if (pads === "same" || pads === "same-lower") return pads;
  const [top, left, bottom, right] = pads;
  return axis === 0 ? [top, bottom] : [left, right];
}

function slideAxis(
  { call, kernelName, axis }: { readonly call: string; readonly kernelName: string; readonly axis: string },
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: AxisPadding,
  ceil: boolean,
): Axis {
  for (const [what, size] of [
    ["input", input],
    [kernelName, kernel],
  ] as const) {
    if (size <= MAX_AXIS) continue;
    throw new LensletError("too-large", `${call}: ${what} has ${size} ${axis}; expected at most ${MAX_AXIS}`, {
      argument: what,
    });
  }
  const covers = extent(kernel, dilation);
  const same = (Math.ceil(input / stride) - 1) * stride + covers - input;
  const [padBefore, padAfter] = typeof padding === "string" ? splitPadding(Math.max(same, 0), padding) : padding;
  const padded = input + padBefore + padAfter;
  if (Math.max(padBefore, padAfter) > MAX_AXIS) {
    throw new LensletError(
      "too-large",
      `${call}: padding of ${padAfter} ${axis} is too much; expected at most ${MAX_AXIS}`,
      { argument: "padding" },
    );
  }
  // Rounding up, a single window may reach beyond the padded input, by less than a stride.
  if (covers > padded + (ceil ? stride - 1 : 0)) {
    const dilated = dilation === 1 ? "" : ` (${kernel} taps, dilation ${dilation})`;
    const text = `${call}: the output would be empty: ${kernelName} covers ${covers} ${axis}${dilated}, the padded input has ${padded}; use a smaller ${kernelName} or more padding`;
    throw new LensletError("empty-output", text, { argument: kernelName });
  }
  const steps = (padded - covers) / stride;
  let output = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  if (ceil && (output - 1) * stride >= input + padBefore) output -= 1;
  return { input, kernel, stride, dilation, padBefore, padAfter, output };
}

/** A window over an image, for {@link featureMapSize} and {@link coverage}. */
export interface WindowSpec extends WindowOptions {
  /** Size of the image: rows and columns. */
  readonly input: Pair;
  /** Size of the window: taps a column and a row. */
  readonly kernel: Pair;
  /** Step from one window to the next. Default 1. */
  readonly stride?: Pair | undefined;
  /** Rounds the output size up instead of down, as pools may. Default false. */
  readonly ceilMode?: boolean | undefined;
}

const WINDOW_KEYS = ["input", "kernel", "stride", "padding", "dilation", "ceilMode"];

function windowsOf(call: string, spec: WindowSpec): Windows {
  checkOptions(call, spec, WINDOW_KEYS, "spec");
  const ceil = spec.ceilMode === undefined ? false : flag(call, "ceilMode", spec.ceilMode);
  return slide(call, "kernel", pair(call, "input", spec.input), pair(call, "kernel", spec.kernel), spec, ceil);
}

/**
 * Rows and columns of what a convolution or pool makes of an image. An n × n image under an f × f filter without padding
 * gives n - f + 1; in general `floor((n + padding - dilation * (f - 1) - 1) / stride) + 1`.
 *
 * Throws `invalid-argument`, and `empty-output` where the window does not fit.
 *
 * @example
 * featureMapSize({ input: 28, kernel: 5 }) // [24, 24]
 * featureMapSize({ input: [480, 640], kernel: 3, stride: 2, padding: "same" }) // [240, 320]
 */
export function featureMapSize(spec: WindowSpec): [h: number, w: number] {
  const { h, w } = windowsOf("featureMapSize", spec);
  return [h.output, w.output];
}

/** How many windows read each element of an image. */
export interface Coverage {
  /** Columns of the image. */
  readonly width: number;
  /** Rows of the image. */
  readonly height: number;
  /** `counts[y * width + x]`: the windows that read the element at row `y`, column `x`. */
  readonly counts: Uint32Array<ArrayBuffer>;
}

/**
 * How many outputs read each input element. Under a 3 × 3 window without padding a corner is read once, an edge up to
 * three times, the inside nine times: what padding evens out. Strides and dilation leave their own patterns, zeros
 * included.
 *
 * Throws as {@link featureMapSize} does, and `too-large` for images or counts beyond 2^29 and 2^32.
 */
export function coverage(spec: WindowSpec): Coverage {
  const call = "coverage";
  const { h, w } = windowsOf(call, spec);
  checkElements(call, "counts", [h.input, w.input]);
  const [rows, columns] = [axisCoverage(h), axisCoverage(w)];
  if (highest(rows) * highest(columns) > 2 ** 32 - 1) {
    throw new LensletError(
      "too-large",
      `${call}: kernel ${show(spec.kernel)} reads an element 2^32 times or more; use a smaller kernel or a larger stride`,
      {
        argument: "kernel",
      },
    );
  }
  const counts = new Uint32Array(h.input * w.input);
  for (let y = 0; y < h.input; y++) {
    const row = rows[y] ?? 0;
    for (let x = 0; x < w.input; x++) counts[y * w.input + x] = row * (columns[x] ?? 0);
  }
  return { width: w.input, height: h.input, counts };
}

/** How many windows read each element of one axis, in time of windows + elements however large the windows are. */
function axisCoverage({ input, kernel, stride, dilation, padBefore, output }: Axis): Float64Array {
  const reads = new Float64Array(input);
  // The windows that reach into the input at all.
  const first = Math.max(0, Math.ceil((padBefore - dilation * (kernel - 1)) / stride));
  const last = Math.min(output - 1, Math.floor((input - 1 + padBefore) / stride));
  // A window adds one to each `dilation`th element: mark where that begins and ends, then sum up.
  for (let window = first; window <= last; window++) {
    const start = window * stride - padBefore;
    const from = start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
    const end = start + kernel * dilation;
    if (from < Math.min(end, input)) reads[from] = (reads[from] ?? 0) + 1;
    if (from < end && end < input) reads[end] = (reads[end] ?? 0) - 1;
  }
  for (let i = dilation; i < input; i++) reads[i] = (reads[i] ?? 0) + (reads[i - dilation] ?? 0);
  return reads;
}

function highest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

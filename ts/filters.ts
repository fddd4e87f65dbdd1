/**
 * Well-known filters for `engine.conv2d`: each is made for a number of channels, which it keeps apart (a depthwise
 * convolution). Convolution here is cross-correlation, as in all CNNs: kernels are not flipped, so that `sobelX` is
 * positive where it gets brighter to the right.
 *
 * @example
 * const blurred = engine.conv2d(image, filters.gaussian({ sigma: 2, channels: 3 }), { padding: "same" });
 */
import { storeOf } from "./engine.ts";
import { LensletError } from "./errors.ts";
import {
  checkOptions,
  count,
  invalid,
  type Layout,
  type LayoutOption,
  numeric,
  pair,
  type Pair,
  parseLayout,
} from "./options.ts";
import { edges as edgesPlan } from "./ops/pixels.ts";
import { elementCount, formatShape, MAX_ELEMENTS, type Shape } from "./shape.ts";
import type { NdArray, Tensor } from "./tensor.ts";

/** What every filter can be told. */
export interface FilterOptions {
  /** Channels of the image. Default 1. */
  readonly channels?: number | undefined;
  /**
   * The layout of the convolution that it is for: `[kH, kW, 1, channels]` or `[channels, 1, kH, kW]`. Default `"NHWC"`.
   */
  readonly layout?: Layout | undefined;
}

/** A filter that `engine.conv2d` takes as it is; upload `data` and `shape` as a tensor to use it often. */
export interface Filter extends NdArray {
  readonly data: Float32Array<ArrayBuffer>;
  /** As many groups as channels. */
  readonly groups: number;
}

const SHARED = ["channels", "layout"];

/** The weight at a row and a column. */
type Weight = (y: number, x: number) => number;

/** A filter whose channels all have the same weights. */
function build(call: string, [h, w]: readonly [number, number], options: FilterOptions, weight: Weight): Filter {
  const { channels = 1, layout = "NHWC" } = options;
  const c = count(call, "channels", channels);
  const nhwc = parseLayout(call, layout) === "NHWC";
  const shape: Shape = nhwc ? [h, w, 1, c] : [c, 1, h, w];
  mustFit(call, shape);
  const data = new Float32Array(h * w * c);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const value = weight(y, x);
      for (let i = 0; i < c; i++) data[nhwc ? (y * w + x) * c + i : (i * h + y) * w + x] = value;
    }
  }
  return { data, shape, groups: c };
}

function mustFit(call: string, shape: Shape): void {
  if (elementCount(shape) <= MAX_ELEMENTS) return;
  const text = `${call}: the filter would have shape ${formatShape(shape)}; expected at most ${MAX_ELEMENTS} elements`;
  throw new LensletError("too-large", text, { argument: "size" });
}

/** A filter whose weights are written out, row by row. */
function fixed(call: string, options: FilterOptions, rows: readonly (readonly number[])[]): Filter {
  checkOptions(call, options, SHARED);
  return build(call, [rows.length, rows[0]?.length ?? 0], options, (y, x) => rows[y]?.[x] ?? 0);
}

/**
 * Horizontal differences, smoothed vertically: `[-1 0 1; -2 0 2; -1 0 1]`. Of an image with a slope of 1 a pixel it makes 8.
 * (Sobel and Feldman, "A 3×3 isotropic gradient operator for image processing", Stanford AI Project, 1968.)
 */
export function sobelX(options: FilterOptions = {}): Filter {
  return fixed("filters.sobelX", options, [
    [-1, 0, 1],
    [-2, 0, 2],
    [-1, 0, 1],
  ]);
}

/** Vertical differences, positive where it gets brighter downwards: {@link sobelX} transposed. */
export function sobelY(options: FilterOptions = {}): Filter {
  return fixed("filters.sobelY", options, [
    [-1, -2, -1],
    [0, 0, 0],
    [1, 2, 1],
  ]);
}

/**
 * Horizontal differences whose size depends less on an edge's direction than Sobel's: `[-3 0 3; -10 0 10; -3 0 3]`. Of a
 * slope of 1 a pixel it makes 32. (Scharr, "Optimale Operatoren in der digitalen Bildverarbeitung", Heidelberg, 2000.)
 */
export function scharrX(options: FilterOptions = {}): Filter {
  return fixed("filters.scharrX", options, [
    [-3, 0, 3],
    [-10, 0, 10],
    [-3, 0, 3],
  ]);
}

/** Vertical differences: {@link scharrX} transposed. */
export function scharrY(options: FilterOptions = {}): Filter {
  return fixed("filters.scharrY", options, [
    [-3, -10, -3],
    [0, 0, 0],
    [3, 10, 3],
  ]);
}

/**
 * Horizontal differences of three rows alike: `[-1 0 1; -1 0 1; -1 0 1]`. Of a slope of 1 a pixel it makes 6.
 * (Prewitt, "Object enhancement and extraction", in Picture Processing and Psychopictorics, 1970.)
 */
export function prewittX(options: FilterOptions = {}): Filter {
  return fixed("filters.prewittX", options, [
    [-1, 0, 1],
    [-1, 0, 1],
    [-1, 0, 1],
  ]);
}

/** Vertical differences: {@link prewittX} transposed. */
export function prewittY(options: FilterOptions = {}): Filter {
  return fixed("filters.prewittY", options, [
    [-1, -1, -1],
    [0, 0, 0],
    [1, 1, 1],
  ]);
}

/** The sum of both second derivatives, over the four neighbours: `[0 1 0; 1 -4 1; 0 1 0]`. Zero where brightness is even. */
export function laplacian(options: FilterOptions = {}): Filter {
  return fixed("filters.laplacian", options, [
    [0, 1, 0],
    [1, -4, 1],
    [0, 1, 0],
  ]);
}

/** The image minus its {@link laplacian}: `[0 -1 0; -1 5 -1; 0 -1 0]`. Keeps brightness: its weights sum to 1. */
export function sharpen(options: FilterOptions = {}): Filter {
  return fixed("filters.sharpen", options, [
    [0, -1, 0],
    [-1, 5, -1],
    [0, -1, 0],
  ]);
}

/** Light from the upper left, as on a relief: `[-2 -1 0; -1 1 1; 0 1 2]`. Keeps brightness: its weights sum to 1. */
export function emboss(options: FilterOptions = {}): Filter {
  return fixed("filters.emboss", options, [
    [-2, -1, 0],
    [-1, 1, 1],
    [0, 1, 2],
  ]);
}

/** Changes nothing: 1 in the middle of 3 × 3 zeros. */
export function identity(options: FilterOptions = {}): Filter {
  return fixed("filters.identity", options, [
    [0, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ]);
}

/** Options of {@link box}. */
export interface BoxOptions extends FilterOptions {
  /** Rows and columns. Default 3. */
  readonly size?: Pair | undefined;
}

/** The mean of each window: every weight is 1 / (rows · columns). */
export function box(options: BoxOptions = {}): Filter {
  const call = "filters.box";
  checkOptions(call, options, [...SHARED, "size"]);
  const [h, w] = pair(call, "size", options.size ?? 3);
  return build(call, [h, w], options, () => 1 / (h * w));
}

/** Options of {@link gaussian}. */
export interface GaussianOptions extends FilterOptions {
  /** Standard deviation, pixels. */
  readonly sigma: number;
  /** Rows and columns. Default `2 * ceil(3 * sigma) + 1`, beyond which weights are below 1.2% of the middle's. */
  readonly size?: Pair | undefined;
}

/** Blur: weights in proportion to `exp(-(x² + y²) / (2 sigma²))` at the pixels' centres, which sum to 1. */
export function gaussian(options: GaussianOptions): Filter {
  const call = "filters.gaussian";
  checkOptions(call, options, [...SHARED, "sigma", "size"]);
  const bell = gaussianWeights(call, options);
  return build(call, bell.size, options, bell.weight);
}

function gaussianWeights(
  call: string,
  { sigma, size }: GaussianOptions,
): { size: readonly [number, number]; weight: Weight } {
  const deviation = positive(call, "sigma", sigma);
  const [h, w] = pair(call, "size", size ?? 2 * Math.ceil(3 * deviation) + 1);
  mustFit(call, [h, w]);
  // The two-dimensional bell is the product of two, so that normalising each is enough.
  const [rows, columns] = [bell(h, deviation), bell(w, deviation)];
  return { size: [h, w], weight: (y, x) => (rows[y] ?? 0) * (columns[x] ?? 0) };
}

/** `size` samples of a bell curve around their middle, which sum to 1. */
function bell(size: number, sigma: number): Float64Array {
  const middle = (size - 1) / 2;
  // Relative to the samples nearest to the middle: an even size has none in it, and under a narrow bell all would be 0.
  const nearest = middle % 1;
  const weights = new Float64Array(size).map((_, i) => {
    const distance = Math.abs(i - middle);
    return Math.exp(-((distance - nearest) / sigma) * ((distance + nearest) / sigma) * 0.5);
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Options of {@link unsharp}. */
export interface UnsharpOptions extends GaussianOptions {
  /** How much of the difference from the blurred image is added. Default 1. */
  readonly amount?: number | undefined;
  /** Rows and columns, odd. Default `2 * ceil(3 * sigma) + 1`. */
  readonly size?: Pair | undefined;
}

/**
 * Unsharp masking, the darkroom's way to sharpen: the image plus `amount` times its difference from its {@link gaussian}
 * blur, as one filter: `(1 + amount) * identity - amount * gaussian`. Keeps brightness: its weights sum to 1.
 */
export function unsharp(options: UnsharpOptions): Filter {
  const call = "filters.unsharp";
  checkOptions(call, options, [...SHARED, "sigma", "size", "amount"]);
  const amount = numeric(call, "amount", options.amount ?? 1, "a finite number", true);
  const { size, weight } = gaussianWeights(call, options);
  const [h, w] = size;
  if (h % 2 === 0 || w % 2 === 0)
    throw invalid(call, "size", options.size, "odd numbers: the image itself is in the middle");
  const middle = (y: number, x: number): number => (2 * y + 1 === h && 2 * x + 1 === w ? 1 + amount : 0);
  return build(call, size, options, (y, x) => middle(y, x) - amount * weight(y, x));
}

/** Options of {@link gabor}. */
export interface GaborOptions extends FilterOptions {
  /** From one crest of the wave to the next, pixels. */
  readonly wavelength: number;
  /** Direction in which the wave runs, radians; 0 runs along the rows and answers to upright lines. Default 0. */
  readonly theta?: number | undefined;
  /** Standard deviation of the bell curve along the wave, pixels. Default `0.56 * wavelength`: a bandwidth of one octave. */
  readonly sigma?: number | undefined;
  /** How much narrower the bell curve is across the wave's direction than along it: below 1 is longer lines. Default 0.5. */
  readonly aspect?: number | undefined;
  /** Where the wave begins, radians: 0 is even and answers to lines, π / 2 is odd and answers to edges. Default 0. */
  readonly phase?: number | undefined;
  /** Rows and columns. Default: three standard deviations each way. */
  readonly size?: Pair | undefined;
}

/**
 * A wave under a bell curve, as the first cells of the visual cortex see lines of one direction and width:
 * `exp(-(u² + aspect² v²) / (2 sigma²)) * cos(2π u / wavelength + phase)` with `u = x cos(theta) + y sin(theta)` and
 * `v = y cos(theta) - x sin(theta)`, x to the right and y down from the middle. Its weights do not sum to zero.
 * (Gabor 1946; Daugman, JOSA A 2, 1985. The same formula as OpenCV's `getGaborKernel`.)
 */
export function gabor(options: GaborOptions): Filter {
  const call = "filters.gabor";
  checkOptions(call, options, [...SHARED, "wavelength", "theta", "sigma", "aspect", "phase", "size"]);
  const wavelength = positive(call, "wavelength", options.wavelength);
  const sigma = positive(call, "sigma", options.sigma ?? 0.56 * wavelength);
  const aspect = positive(call, "aspect", options.aspect ?? 0.5);
  const theta = numeric(call, "theta", options.theta ?? 0, "a finite number, in radians", true);
  const phase = numeric(call, "phase", options.phase ?? 0, "a finite number, in radians", true);
  const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
  const reach = (along: number, across: number): number =>
    2 * Math.ceil(3 * sigma * Math.max(Math.abs(along), Math.abs(across) / aspect) - 1e-9) + 1;
  const [h, w] = pair(call, "size", options.size ?? [reach(sin, cos), reach(cos, sin)]);
  return build(call, [h, w], options, (row, column) => {
    const [y, x] = [row - (h - 1) / 2, column - (w - 1) / 2];
    const [u, v] = [x * cos + y * sin, y * cos - x * sin];
    return (
      Math.exp(-((u / sigma) ** 2 + ((aspect * v) / sigma) ** 2) / 2) * Math.cos((2 * Math.PI * u) / wavelength + phase)
    );
  });
}

function positive(call: string, argument: string, value: unknown): number {
  const number = numeric(call, argument, value, "a positive number", true);
  if (number <= 0) throw invalid(call, argument, value, "a positive number");
  return number;
}

/**
 * How steep brightness is at each pixel, whatever the direction: `hypot` of {@link sobelX} and {@link sobelY}, for each
 * channel of images `[n, h, w, c]`, in their size. Beyond the border the nearest pixel repeats, so that the border itself
 * is no edge. Of a slope of 1 a pixel it makes 8, and 4 at the border that the slope runs into. All in one pass over the
 * image.
 */
export function edges(x: Tensor, options: LayoutOption = {}): Tensor {
  const call = "filters.edges";
  checkOptions(call, options, ["layout"]);
  const plan = edgesPlan(call, x, parseLayout(call, options.layout ?? "NHWC"));
  return storeOf(x.engine).first(plan);
}

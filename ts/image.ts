/** Pictures: canvas pixels and image files to tensors and back. */
import { platform } from "#platform";
import { storeOf, Engine } from "./engine.ts";
import {
  checkOptions,
  count,
  flag,
  invalid,
  type Layout,
  type LayoutOption,
  numeric,
  oneOf,
  type Pair,
  pair,
  parseLayout,
} from "./options.ts";
import { taken } from "./ops/create.ts";
import { CHANNELS, type Color, grey, pixelsToTensor, tensorToPixels } from "./ops/pixels.ts";
import { bytesOf, type ImageInput, imageInput, mismatch } from "./ops/plan.ts";
import type { EncodeOptions, ImageSource, Pixels } from "./platform/platform.ts";
import { checkElements, formatShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

export type { Color, EncodeOptions, ImageSource, Pixels };

/** Which numbers black and white are. */
export interface RangeOption {
  /** Elements go from 0 to 255, or from 0 to 1. Default 255. */
  readonly range?: 255 | 1 | undefined;
}

/** Numbers for each channel, or one for all. */
export type PerChannel = number | readonly number[];

/** Options of {@link normalize}: what to subtract, and then what to divide by. In the tensor's range. */
export interface NormalizeOptions extends LayoutOption {
  /** Subtracted from each channel. */
  readonly mean: PerChannel;
  /** What each channel is divided by, after that. */
  readonly std: PerChannel;
}

/** Options of {@link toTensor}. */
export interface ToTensorOptions extends LayoutOption, RangeOption {
  /**
   * The channels: `"rgb"`, `"rgba"`, or `"grey"`, which is Rec. 601 luma, `0.299 R + 0.587 G + 0.114 B`. Alpha is not
   * applied. Default `"rgb"`.
   */
  readonly color?: Color | undefined;
  /** Rows and columns to resize to, linearly between half-pixel centres. Default: those of the picture. */
  readonly size?: Pair | undefined;
  /** Subtracted from each channel, in the range chosen. Default 0. */
  readonly mean?: PerChannel | undefined;
  /** What each channel is divided by, after that. Default 1. */
  readonly std?: PerChannel | undefined;
  /**
   * Whether the bytes move instead of being copied: `pixels.data` is empty afterwards. It must span its whole ArrayBuffer,
   * as an ImageData's does. What an engine in a worker would copy in the caller's thread, it then gets for nothing. Default
   * false.
   */
  readonly transfer?: boolean | undefined;
}

/** Options of {@link toPixels}. */
export interface ToPixelsOptions extends LayoutOption, RangeOption {}

/** Pixels as {@link toTensor} takes them: an `ImageData`, or what `sharp` and others decode to RGBA. */
export interface PixelSource {
  /** Rows of red, green, blue and alpha bytes. */
  readonly data: Uint8ClampedArray | Uint8Array;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/**
 * A picture as a tensor `[1, h, w, c]`, float32 from 0 to 255 unless `range` is 1.
 *
 * Throws `invalid-argument`, and `shape-mismatch` when `data` is not 4 bytes a pixel.
 *
 * @example
 * // What torchvision's ImageNet models expect:
 * const x = image.toTensor(engine, pixels, {
 *   size: 224, range: 1, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], layout: "NCHW",
 * });
 */
export function toTensor(engine: Engine, pixels: PixelSource, options: ToTensorOptions = {}): Tensor {
  const call = "image.toTensor";
  if (!(engine instanceof Engine)) throw invalid(call, "engine", engine, "an engine: await createEngine() makes one");
  const store = storeOf(engine);
  store.checkOpen(call);
  checkOptions(call, options, ["color", "range", "size", "mean", "std", "layout", "transfer"]);
  const color = oneOf(call, "color", options.color ?? "rgb", ["grey", "rgb", "rgba"] as const);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const size = options.size === undefined ? undefined : pair(call, "size", options.size);
  const channels = CHANNELS[color];
  const scaling = {
    scale: parseRange(call, options) / 255,
    mean: perChannel(call, "mean", options.mean ?? 0, channels),
    std: divisors(call, options.std ?? 1, channels),
  };
  const owned = flag(call, "transfer", options.transfer ?? false);
  const { bytes: given, width, height } = parsePixels(call, pixels);
  if (size !== undefined) checkElements(call, "the result", [...size, channels]);
  checkElements(call, "the result", [height, width, channels]);
  const bytes = owned ? takenPixels(call, pixels.data) : given;
  return engine.scope(() => {
    const whole = store.first(pixelsToTensor(call, { bytes, owned }, { layout, height, width, color }, scaling));
    return size === undefined || (size[0] === height && size[1] === width)
      ? whole
      : engine.resize(whole, { size, layout });
  });
}

function takenPixels(call: string, data: PixelSource["data"]): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = data;
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return taken(buffer);
  const expected = "bytes over the whole of their ArrayBuffer, to transfer; leave transfer out to copy";
  throw invalid(call, "pixels.data", data, expected);
}

function parsePixels(
  call: string,
  pixels: PixelSource,
): { bytes: Uint8Array<ArrayBuffer>; width: number; height: number } {
  if (typeof pixels !== "object" || pixels === null)
    throw invalid(call, "pixels", pixels, "{ data, width, height }, as ImageData is");
  const width = count(call, "pixels.width", pixels.width);
  const height = count(call, "pixels.height", pixels.height);
  checkElements(call, "pixels", [height, width]);
  const { data } = pixels;
  if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array)) {
    throw invalid(call, "pixels.data", data, "a Uint8ClampedArray or Uint8Array of RGBA bytes");
  }
  if (data.length !== 4 * width * height) {
    throw mismatch(
      call,
      "pixels.data",
      `has ${data.length} bytes; expected ${4 * width * height}, RGBA for ${width} × ${height} pixels`,
    );
  }
  return { bytes: bytesOf(data), width, height };
}

/**
 * A tensor `[1, h, w, c]` of 1, 3 or 4 channels (grey, RGB, RGBA) as RGBA bytes for canvases and {@link encode}. Elements are
 * clamped to the range and rounded; NaN becomes 0, alpha 255 where there is none.
 *
 * Rejects as `data()` does, with `invalid-argument` and with `shape-mismatch`.
 */
export async function toPixels(tensor: Tensor, options: ToPixelsOptions = {}): Promise<Pixels> {
  const call = "image.toPixels";
  checkOptions(call, options, ["range", "layout"]);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const scale = 255 / parseRange(call, options);
  const { n, h: height, w: width, c, shape } = imageInput(call, tensor, layout, "tensor");
  const store = storeOf(tensor.engine);
  store.check(call, "tensor", tensor);
  const color = colorOf(c);
  if (n !== 1 || color === undefined) {
    const expected = `one image of 1, 3 or 4 channels, ${layout === "NHWC" ? "[1, h, w, c]" : "[1, c, h, w]"}`;
    throw mismatch(call, "tensor", `has shape ${formatShape(shape)}; expected ${expected}`);
  }
  // Four bytes an element: whatever the array calls them, its buffer holds the pixels.
  const packed = store.first(tensorToPixels(call, tensor, { layout, height, width, color }, scale));
  const elements = packed.data();
  packed.dispose();
  return { data: new Uint8ClampedArray((await elements).buffer), width, height };
}

function colorOf(channels: number): Color | undefined {
  return channels === 1 ? "grey" : channels === 3 ? "rgb" : channels === 4 ? "rgba" : undefined;
}

/**
 * Grey images `[n, h, w, 1]` of RGB or RGBA ones: Rec. 601 luma, `0.299 R + 0.587 G + 0.114 B` of the (gamma-coded) values as
 * they are, in the range that they have.
 * Alpha is left out.
 */
export function toGrey(tensor: Tensor, options: LayoutOption = {}): Tensor {
  const call = "image.toGrey";
  checkOptions(call, options, ["layout"]);
  const layout = parseLayout(call, options.layout ?? "NHWC");
  const input = imageInput(call, tensor, layout, "tensor");
  const { c, shape } = input;
  const store = storeOf(tensor.engine);
  store.check(call, "tensor", tensor);
  if (c === 1) return tensor.engine.reshape(tensor, shape);
  if (c !== 3 && c !== 4)
    throw mismatch(call, "tensor", `has ${c} channels (shape ${formatShape(shape)}); expected 1, 3 or 4`);
  return store.first(grey(call, input, layout));
}

/** `(x - mean) / std`, channel by channel: what trained networks expect of their input. */
export function normalize(tensor: Tensor, options: NormalizeOptions): Tensor {
  const call = "image.normalize";
  checkOptions(call, options, ["mean", "std", "layout"]);
  const layout: Layout = parseLayout(call, options.layout ?? "NHWC");
  const { c }: ImageInput = imageInput(call, tensor, layout, "tensor");
  storeOf(tensor.engine).check(call, "tensor", tensor);
  const mean = perChannel(call, "mean", options.mean, c);
  const scale = divisors(call, options.std, c).map((std) => 1 / std);
  return tensor.engine.batchNorm(tensor, { mean, variance: new Float32Array(c).fill(1), scale, epsilon: 0, layout });
}

function perChannel(call: string, argument: string, value: unknown, channels: number): readonly number[] {
  const expected = `a finite number, or ${channels} of them, one a channel`;
  if (typeof value === "number")
    return new Array<number>(channels).fill(numeric(call, argument, value, expected, true));
  if (!Array.isArray(value) || value.length !== channels) throw invalid(call, argument, value, expected);
  return value.map((item, i) => numeric(call, `${argument}[${i}]`, item, "a finite number", true));
}

function divisors(call: string, value: unknown, channels: number): readonly number[] {
  const std = perChannel(call, "std", value, channels);
  if (std.includes(0)) throw invalid(call, "std", value, "numbers other than 0: channels are divided by them");
  return std;
}

function parseRange(call: string, { range = 255 }: RangeOption): 255 | 1 {
  return oneOf(call, "range", range, [255, 1] as const);
}

/**
 * Reads a picture: a path (Node) or URL, a `Blob` or `File`, or an encoded file's bytes. JPEG, PNG, WebP and whatever else
 * the runtime knows: browsers decode themselves, Node needs the package `sharp`.
 *
 * Rejects with `image-failed`, or with `missing-package` where `sharp` is not installed.
 */
export async function decode(source: ImageSource): Promise<Pixels> {
  const known =
    typeof source === "string"
      ? source !== ""
      : [URL, Blob, ArrayBuffer, Uint8Array].some((type) => source instanceof type);
  if (!known)
    throw invalid(
      "image.decode",
      "source",
      source,
      "a path or URL, a Blob, or a file's bytes (ArrayBuffer, Uint8Array)",
    );
  return platform.decodeImage(source);
}

/**
 * Writes a picture as a PNG, JPEG or WebP file and gives its bytes. `quality` is 0 to 1, for JPEG and WebP.
 *
 * Rejects with `image-failed`, or with `missing-package` where `sharp` is not installed (Node).
 */
export async function encode(pixels: PixelSource, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const call = "image.encode";
  checkOptions(call, options, ["type", "quality"]);
  const type = oneOf(call, "type", options.type ?? "png", ["png", "jpeg", "webp"] as const);
  const { bytes, width, height } = parsePixels(call, pixels);
  const rgba = { data: new Uint8ClampedArray(bytes), width, height };
  if (options.quality === undefined) return platform.encodeImage(rgba, { type });
  const quality = numeric(call, "quality", options.quality, "a number from 0 to 1");
  if (quality < 0 || quality > 1) throw invalid(call, "quality", quality, "a number from 0 to 1");
  return platform.encodeImage(rgba, { type, quality });
}

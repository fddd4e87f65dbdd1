/** Pictures as trained networks expect them. */
import type { Engine } from "./engine.ts";
import { normalize, type PerChannel, type PixelSource, toTensor } from "./image.ts";
import {
  checkOptions,
  count,
  invalid,
  type LayoutOption,
  numeric,
  oneOf,
  type Pair,
  pair,
  parseLayout,
} from "./options.ts";
import type { Tensor } from "./tensor.ts";

/** Options of {@link preprocess}; the network's description or its training code tells them. */
export interface PreprocessOptions extends LayoutOption {
  /** Rows and columns that the network takes. */
  readonly size: Pair;
  /**
   * What becomes of pictures of another shape: `"crop"`: the central part of the right shape; `"pad"`: the whole picture,
   * with `fill` beside it; `"stretch"`: the whole picture, distorted. Default `"crop"`.
   */
  readonly fit?: "crop" | "pad" | "stretch" | undefined;
  /** With `"crop"`: how much of the central part is kept, from above 0 to 1; ImageNet's networks mostly 0.875. Default 1. */
  readonly crop?: number | undefined;
  /** With `"pad"`: the grey beside the picture, 0 to 255, before `mean` and `std`. Default 0. */
  readonly fill?: number | undefined;
  /** How pixels are made of others; where the picture shrinks, of all that they cover. Default `"linear"`. */
  readonly resample?: "nearest" | "linear" | "cubic" | undefined;
  /** The channels and their order. Default `"rgb"`; networks trained with OpenCV often have `"bgr"`. */
  readonly channels?: "rgb" | "bgr" | "grey" | undefined;
  /** The number that white is before `mean` and `std`. Default 255. */
  readonly range?: 255 | 1 | undefined;
  /** Subtracted from each channel, in the order of `channels` and in the range chosen. Default 0. */
  readonly mean?: PerChannel | undefined;
  /** What each channel is divided by, after that. Default 1. */
  readonly std?: PerChannel | undefined;
}

/** The part of a picture that a network sees, in pixels of the picture; more than the picture where that is padded. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Makes a network's input of pictures. */
export interface Preprocess {
  /** The network's input: `[1, h, w, c]`, or `[1, c, h, w]`. */
  tensor(engine: Engine, pixels: PixelSource): Tensor;
  /**
   * What of a picture the network sees: what a detector finds at (x, y), both from 0 to 1, is at
   * `(left + x * width, top + y * height)` of the picture.
   */
  region(pixels: Pick<PixelSource, "width" | "height">): Region;
}

const CALL = "preprocess";
const KEYS = ["size", "fit", "crop", "fill", "resample", "channels", "range", "mean", "std", "layout"];

/**
 * What happens to pictures before a network sees them, told once: cropping, resizing, order and range of the channels.
 *
 * @example
 * const input = preprocess({
 *   size: 224, crop: 0.875, range: 1, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], layout: "NCHW",
 * });
 * const { logits } = await model.run(input.tensor(engine, await image.decode("cat.jpg")));
 */
export function preprocess(options: PreprocessOptions): Preprocess {
  checkOptions(CALL, options, KEYS);
  const size = pair(CALL, "size", options.size);
  const fit = oneOf(CALL, "fit", options.fit ?? "crop", ["crop", "pad", "stretch"] as const);
  const mode = oneOf(CALL, "resample", options.resample ?? "linear", ["nearest", "linear", "cubic"] as const);
  const channels = oneOf(CALL, "channels", options.channels ?? "rgb", ["rgb", "bgr", "grey"] as const);
  const layout = parseLayout(CALL, options.layout ?? "NHWC");
  const range = oneOf(CALL, "range", options.range ?? 255, [255, 1] as const);
  const part = numeric(CALL, "crop", options.crop ?? 1);
  if (!(part > 0 && part <= 1)) throw invalid(CALL, "crop", part, "a number above 0, up to 1");
  if (options.crop !== undefined && fit !== "crop") throw invalid(CALL, "crop", part, `nothing beside fit "${fit}"`);
  if (options.fill !== undefined && fit !== "pad")
    throw invalid(CALL, "fill", options.fill, 'nothing without fit "pad"');
  const value = (numeric(CALL, "fill", options.fill ?? 0, "a number from 0 to 255", true) * range) / 255;
  const { mean = 0, std = 1 } = options;
  const region = (pixels: Pick<PixelSource, "width" | "height">): Region => regionOf(pixels, size, fit, part);
  return {
    region,
    tensor(engine, pixels) {
      const seen = region(pixels);
      const inside = cut(pixels, seen, channels === "bgr");
      const color = channels === "grey" ? "grey" : "rgb";
      // Only what is padded needs its own numbers beside the picture's, before they are normalised.
      const scaling = fit === "pad" ? {} : { mean, std };
      return engine.scope(() => {
        const whole = toTensor(engine, inside, { color, range, layout, ...scaling });
        const padded = fit === "pad" ? borders(inside, seen, size) : { inner: size };
        const antialias = mode !== "nearest";
        const resized = engine.resize(whole, { size: padded.inner, mode, antialias, layout });
        if (padded.padding === undefined) return resized;
        const square = engine.pad(resized, { padding: padded.padding, value, layout });
        return normalize(square, { mean, std, layout });
      });
    },
  };
}

function regionOf(
  pixels: Pick<PixelSource, "width" | "height">,
  [h, w]: readonly [number, number],
  fit: "crop" | "pad" | "stretch",
  part: number,
): Region {
  const width = count(CALL, "pixels.width", pixels.width);
  const height = count(CALL, "pixels.height", pixels.height);
  if (fit === "stretch") return { left: 0, top: 0, width, height };
  // Pixels of the picture for one of the network: as many as fit in, or as many as take all of it in.
  const [across, down] = [width / w, height / h];
  const scale = fit === "pad" ? Math.max(across, down) : Math.min(across, down) * part;
  if (fit === "pad") {
    const [seenW, seenH] = [w * scale, h * scale];
    return { left: (width - seenW) / 2, top: (height - seenH) / 2, width: seenW, height: seenH };
  }
  // What is cut lies on whole pixels, as EfficientNet's own code has it.
  const cutOf = (size: number): number => Math.max(Math.floor(size * scale), 1);
  const [seenW, seenH] = [cutOf(w), cutOf(h)];
  const from = (whole: number, seen: number): number => Math.floor((whole - seen + 1) / 2);
  return { left: from(width, seenW), top: from(height, seenH), width: seenW, height: seenH };
}

/** The pixels of a picture that lie in a region; red and blue in each other's place if so asked. */
function cut(pixels: PixelSource, { left, top, width, height }: Region, swapped: boolean): PixelSource {
  const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
  const inside = { width: Math.min(width, pixels.width), height: Math.min(height, pixels.height) };
  const whole = inside.width === pixels.width && inside.height === pixels.height;
  // A picture of another size than it says is refused where it becomes a tensor.
  if (pixels.data.length !== 4 * pixels.width * pixels.height || (whole && !swapped)) return pixels;
  const data = new Uint8ClampedArray(4 * inside.width * inside.height);
  for (let row = 0; row < inside.height; row++) {
    const start = 4 * ((y + row) * pixels.width + x);
    data.set(pixels.data.subarray(start, start + 4 * inside.width), 4 * row * inside.width);
  }
  if (swapped) {
    for (let i = 0; i < data.length; i += 4) {
      const red = data[i] ?? 0;
      data[i] = data[i + 2] ?? 0;
      data[i + 2] = red;
    }
  }
  return { ...inside, data };
}

interface Borders {
  readonly inner: readonly [h: number, w: number];
  readonly padding?: { readonly top: number; readonly left: number; readonly bottom: number; readonly right: number };
}

/** The picture's own rows and columns of the network's, and those beside them. */
function borders(picture: PixelSource, seen: Region, [h, w]: readonly [number, number]): Borders {
  const innerH = Math.max(Math.round((h * picture.height) / seen.height), 1);
  const innerW = Math.max(Math.round((w * picture.width) / seen.width), 1);
  const [top, left] = [Math.floor((h - innerH) / 2), Math.floor((w - innerW) / 2)];
  return { inner: [innerH, innerW], padding: { top, left, bottom: h - innerH - top, right: w - innerW - left } };
}

/** Pictures of any size as the bytes that a network sees. */
import type { Pixels } from "../../platform/platform.ts";

/** How pictures of any size become pictures of one. */
export interface PictureFormat {
  /** Rows and columns. */
  readonly size: readonly [h: number, w: number];
  /** `"crop"`: the central part of the right shape; `"pad"`: the whole, with black beside it; `"stretch"`: distorted. */
  readonly fit: "crop" | "pad" | "stretch";
  /** 3 for red, green and blue, 1 for Rec. 601 luma. */
  readonly channels: 1 | 3;
}

/** The bytes `[h, w, channels]` of a picture; where it shrinks, each is of all the pixels that it covers. Alpha is left out. */
export function pictureBytes(pixels: Pixels, { size, fit, channels }: PictureFormat): Uint8Array<ArrayBuffer> {
  const [h, w] = size;
  const { seen, inner } = placed(pixels, size, fit);
  const bytes = new Uint8Array(h * w * channels);
  const columns = weightsOf(seen.left, seen.width, inner.width);
  const rows = weightsOf(seen.top, seen.height, inner.height);
  // First across, then down: each row that is needed is shrunk once.
  const shrunk = new Float32Array(seen.height * inner.width * channels);
  for (let y = 0; y < seen.height; y++) {
    const row = values(pixels, seen.top + y, channels);
    for (let x = 0; x < inner.width; x++) {
      for (let c = 0; c < channels; c++) {
        shrunk[(y * inner.width + x) * channels + c] = mean(columns[x], row, channels, c);
      }
    }
  }
  const [top, left] = [Math.floor((h - inner.height) / 2), Math.floor((w - inner.width) / 2)];
  const stride = inner.width * channels;
  for (let y = 0; y < inner.height; y++) {
    for (let i = 0; i < stride; i++) {
      const value = mean(rows[y], shrunk, stride, i - seen.top * stride);
      bytes[((top + y) * w + left) * channels + i] = Math.round(value);
    }
  }
  return bytes;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The part of a picture that is seen, and the part of the result that it fills. */
function placed(
  { width, height }: Size,
  [h, w]: readonly [number, number],
  fit: PictureFormat["fit"],
): { readonly seen: Size & { readonly left: number; readonly top: number }; readonly inner: Size } {
  const whole = { left: 0, top: 0, width, height };
  if (fit === "stretch") return { seen: whole, inner: { width: w, height: h } };
  const [across, down] = [width / w, height / h];
  if (fit === "pad") {
    const scale = Math.max(across, down);
    const side = (size: number): number => Math.max(Math.round(size / scale), 1);
    return { seen: whole, inner: { width: side(width), height: side(height) } };
  }
  const scale = Math.min(across, down);
  const cut = (size: number): number => Math.max(Math.floor(size * scale), 1);
  const from = (size: number, part: number): number => Math.floor((size - part + 1) / 2);
  const [seenW, seenH] = [cut(w), cut(h)];
  const seen = { left: from(width, seenW), top: from(height, seenH), width: seenW, height: seenH };
  return { seen, inner: { width: w, height: h } };
}

/** Which pixels make one of the result, and by how much each: together 1. */
interface Weights {
  readonly start: number;
  readonly weights: readonly number[];
}

/** Linear between the centres of pixels, over as many of them as one of the result covers: a triangle, as Pillow has it. */
function weightsOf(start: number, size: number, results: number): readonly Weights[] {
  const scale = size / results;
  const reach = Math.max(scale, 1);
  return Array.from({ length: results }, (_, result) => {
    const middle = (result + 0.5) * scale;
    const first = Math.max(Math.ceil(middle - reach - 0.5), 0);
    const last = Math.min(Math.floor(middle + reach - 0.5), size - 1);
    const raw = Array.from({ length: last - first + 1 }, (_, i) =>
      Math.max(0, 1 - Math.abs(first + i + 0.5 - middle) / reach),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { start: start + first, weights: raw.map((weight) => weight / sum) };
  });
}

/** The weighted mean of values that lie `stride` apart. */
function mean(weights: Weights | undefined, from: Float32Array, stride: number, offset: number): number {
  let sum = 0;
  let at = (weights?.start ?? 0) * stride + offset;
  for (const weight of weights?.weights ?? []) {
    sum += weight * (from[at] ?? 0);
    at += stride;
  }
  return sum;
}

/** A row of pixels as numbers. */
function values({ data, width }: Pixels, y: number, channels: 1 | 3): Float32Array {
  const row = new Float32Array(width * channels);
  for (let x = 0; x < width; x++) {
    const at = (y * width + x) * 4;
    const [r, g, b] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
    if (channels === 1) row[x] = 0.299 * r + 0.587 * g + 0.114 * b;
    else row.set([r, g, b], x * 3);
  }
  return row;
}

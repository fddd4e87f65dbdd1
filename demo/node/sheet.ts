/** Sheets of pixels on which pictures are laid out. */
import type { image } from "lenslet";

/** Red, green and blue, 0 to 255. */
export type Color = readonly [r: number, g: number, b: number];

/** The sheet's own colour, and that of a weight of zero. */
export const GROUND: Color = [24, 26, 30];
const ZERO: Color = [54, 58, 66];
const NEGATIVE: Color = [60, 130, 246];
const POSITIVE: Color = [250, 130, 40];

/** A sheet of one colour. */
export function blank(width: number, height: number, color: Color = GROUND): image.Pixels {
  const sheet = { data: new Uint8ClampedArray(width * height * 4), width, height };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) put(sheet, x, y, color);
  return sheet;
}

/** Sets a pixel, if the sheet has it. */
export function put({ data, width, height }: image.Pixels, x: number, y: number, [r, g, b]: Color): void {
  if (x < width && y < height) data.set([r, g, b, 255], (y * width + x) * 4);
}

/** The colour of a weight from -1 to 1: positive ones orange, negative ones blue, zero grey. */
export function weightColor(weight: number): Color {
  const [r, g, b] = weight < 0 ? NEGATIVE : POSITIVE;
  const much = Math.min(Math.abs(weight), 1);
  return [mix(ZERO[0], r, much), mix(ZERO[1], g, much), mix(ZERO[2], b, much)];
}

function mix(from: number, to: number, much: number): number {
  return from + (to - from) * much;
}

/** Values as colours: blue below zero, black at zero, orange above, paler the stronger; as elsewhere on the page. */

type Colour = readonly [r: number, g: number, b: number];
const ZERO: Colour = [10, 11, 13];
const BELOW: readonly Colour[] = [ZERO, [92, 155, 255], [226, 238, 255]];
const ABOVE: readonly Colour[] = [ZERO, [255, 148, 64], [255, 240, 214]];
/** The part of the way at which the colour itself stands. */
const MIDDLE = 0.62;
const STEPS = 255;
/** Faint answers are lifted: most of a map is near zero. */
const GAMMA = 0.7;

/** Pixels as ImageData has them, red in the lowest byte; `STEPS` of them below zero, as many above. */
const TABLE = Uint32Array.from({ length: 2 * STEPS + 1 }, (_, i) => {
  const strength = Math.abs(i - STEPS) / STEPS;
  return packed(between(i < STEPS ? BELOW : ABOVE, strength ** GAMMA));
});

/** The pixel of a value; `white` and beyond have the full colour, NaN that of zero. */
export function pixelOf(value: number, white: number): number {
  const step = Math.round((STEPS * value) / white);
  return TABLE[STEPS + (step > STEPS ? STEPS : step < -STEPS ? -STEPS : step || 0)] ?? 0;
}

/** Values in rows of `width`, written into an image of `stride` pixels a row, from pixel `at` on. */
export function paint(
  values: Float32Array,
  width: number,
  white: number,
  target: Uint32Array,
  at: number,
  stride: number,
): void {
  for (let i = 0, row = at; i < values.length; i += width, row += stride) {
    for (let x = 0; x < width; x++) target[row + x] = pixelOf(values[i + x] ?? 0, white);
  }
}

/** The colours from the lowest to the highest value, in so many pixels. */
export function scaleBar(low: number, high: number, white: number, length: number): ImageData {
  const bar = new ImageData(length, 1);
  const pixels = new Uint32Array(bar.data.buffer);
  for (let x = 0; x < length; x++) pixels[x] = pixelOf(low + ((high - low) * x) / (length - 1), white);
  return bar;
}

function between(colours: readonly Colour[], strength: number): Colour {
  const [zero = ZERO, middle = ZERO, full = ZERO] = colours;
  const [from, to, part] =
    strength < MIDDLE ? [zero, middle, strength / MIDDLE] : [middle, full, (strength - MIDDLE) / (1 - MIDDLE)];
  const mix = (channel: 0 | 1 | 2): number => from[channel] + (to[channel] - from[channel]) * part;
  return [mix(0), mix(1), mix(2)];
}

function packed([r, g, b]: Colour): number {
  return (0xff000000 | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
}

/** Pictures moved, mirrored, turned and enlarged. */

/** Where a picture goes. */
export interface Placement {
  /** Whether top and bottom, and left and right, change places. */
  readonly flipped: readonly [vertical: boolean, horizontal: boolean];
  /** Whole pixels by which it moves down and right. */
  readonly shift: readonly [down: number, right: number];
  /** By how much it turns about its middle, clockwise. */
  readonly radians: number;
  /** How much of each side remains to be seen, enlarged to the whole. */
  readonly part: number;
  /** Where the middle of that part lies, in sizes of the picture from its own middle. */
  readonly centre: readonly [down: number, right: number];
}

/** Sizes of a picture, channels last. */
export interface PictureSize {
  readonly h: number;
  readonly w: number;
  readonly c: number;
}

/** Writes to `to` what of the picture `from` is seen where it was placed; `fill`, or its border's pixels, around it. */
export function warp(
  from: Float32Array,
  to: Float32Array,
  size: PictureSize,
  placement: Placement,
  fill: number | "edge",
): void {
  if (placement.radians === 0 && placement.part === 1) move(from, to, size, placement, fill);
  else resample(from, to, size, placement, fill);
}

/** Pixels go to other places as they are. */
function move(
  from: Float32Array,
  to: Float32Array,
  { h, w, c }: PictureSize,
  { flipped, shift }: Placement,
  fill: number | "edge",
): void {
  for (let y = 0; y < h; y++) {
    const row = y - shift[0];
    const fromY = flipped[0] ? h - 1 - row : row;
    for (let x = 0; x < w; x++) {
      const column = x - shift[1];
      const fromX = flipped[1] ? w - 1 - column : column;
      const at = (y * w + x) * c;
      const inside = fromY >= 0 && fromY < h && fromX >= 0 && fromX < w;
      if (!inside && fill !== "edge") to.fill(fill, at, at + c);
      else {
        const source = (clamp(fromY, h) * w + clamp(fromX, w)) * c;
        for (let i = 0; i < c; i++) to[at + i] = from[source + i] ?? 0;
      }
    }
  }
}

/** Each pixel from the four around the place that comes to lie there, by their nearness. */
function resample(
  from: Float32Array,
  to: Float32Array,
  { h, w, c }: PictureSize,
  { flipped, shift, radians, part, centre }: Placement,
  fill: number | "edge",
): void {
  const [sine, cosine] = sineAndCosine(radians);
  const [middleY, middleX] = [(h - 1) / 2, (w - 1) / 2];
  const outside = (y: number, x: number, channel: number): number => {
    if (fill !== "edge" && (y < 0 || y >= h || x < 0 || x >= w)) return fill;
    return from[(clamp(y, h) * w + clamp(x, w)) * c + channel] ?? 0;
  };
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [down, right] = [y - shift[0] - middleY, x - shift[1] - middleX];
      const turnedY = (cosine * down - sine * right) * part + centre[0] * h;
      const turnedX = (sine * down + cosine * right) * part + centre[1] * w;
      const fromY = middleY + (flipped[0] ? -turnedY : turnedY);
      const fromX = middleX + (flipped[1] ? -turnedX : turnedX);
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
      const [below, beside] = [fromY - top, fromX - left];
      const within = top >= 0 && top < h - 1 && left >= 0 && left < w - 1;
      const at = (top * w + left) * c;
      for (let i = 0; i < c; i++) {
        const topLeft = within ? (from[at + i] ?? 0) : outside(top, left, i);
        const topRight = within ? (from[at + c + i] ?? 0) : outside(top, left + 1, i);
        const lowLeft = within ? (from[at + w * c + i] ?? 0) : outside(top + 1, left, i);
        const lowRight = within ? (from[at + w * c + c + i] ?? 0) : outside(top + 1, left + 1, i);
        const upper = (1 - beside) * topLeft + beside * topRight;
        const lower = (1 - beside) * lowLeft + beside * lowRight;
        to[(y * w + x) * c + i] = (1 - below) * upper + below * lower;
      }
    }
  }
}

function clamp(position: number, size: number): number {
  return Math.min(Math.max(position, 0), size - 1);
}

/** Of angles from -π to π, to within 1e-15: the last digit of `Math.sin` is not the same everywhere. */
export function sineAndCosine(radians: number): readonly [sine: number, cosine: number] {
  const square = radians * radians;
  let [sine, cosine] = [1, 1];
  // Taylor's series from their smallest terms: π^30 / 30! is 3e-18.
  for (let power = 30; power > 0; power -= 2) {
    cosine = 1 - (square / (power * (power - 1))) * cosine;
    sine = 1 - (square / (power * (power + 1))) * sine;
  }
  return [radians * sine, cosine];
}

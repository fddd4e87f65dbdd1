/** Padding, joining and resizing by their definitions. */
import { type Expected, exactly, unit } from "./compare.ts";
import { at, type Nd, sizeOf } from "./nd.ts";

/** How a border is filled. */
export type PadMode = "constant" | "reflect" | "edge";

/** Calls `visit` with each flat index of a shape and its position. */
function eachPosition(shape: readonly number[], visit: (flat: number, position: readonly number[]) => void): void {
  const position = shape.map(() => 0);
  for (let flat = 0; flat < sizeOf(shape); flat++) {
    visit(flat, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = at(position, axis) + 1;
      if (at(position, axis) < at(shape, axis)) break;
      position[axis] = 0;
    }
  }
}

function flatten(shape: readonly number[], position: readonly number[]): number {
  return shape.reduce((flat, size, axis) => flat * size + at(position, axis), 0);
}

/** A border around an array: `padding` has [before, after] for each axis. */
export function pad(x: Nd, padding: readonly (readonly [number, number])[], mode: PadMode, value = 0): Expected {
  const shape = x.shape.map((size, axis) => size + (padding[axis]?.[0] ?? 0) + (padding[axis]?.[1] ?? 0));
  const data = new Float32Array(sizeOf(shape));
  eachPosition(shape, (flat, position) => {
    const from = position.map((place, axis) => {
      const size = at(x.shape, axis);
      const inside = place - (padding[axis]?.[0] ?? 0);
      if (mode === "edge") return Math.min(Math.max(inside, 0), size - 1);
      if (mode === "reflect") return inside < 0 ? -inside : inside >= size ? 2 * (size - 1) - inside : inside;
      return inside;
    });
    const outside = from.some((place, axis) => place < 0 || place >= at(x.shape, axis));
    data[flat] = outside ? value : at(x.data, flatten(x.shape, from));
  });
  return exactly({ shape, data });
}

/** Arrays one after the other along an axis. */
export function concat(parts: readonly Nd[], axis: number): Expected {
  const first = parts[0];
  if (first === undefined) throw new RangeError("nothing to join");
  const total = parts.reduce((sum, part) => sum + at(part.shape, axis), 0);
  const shape = first.shape.map((size, index) => (index === axis ? total : size));
  const data = new Float32Array(sizeOf(shape));
  let start = 0;
  for (const part of parts) {
    eachPosition(part.shape, (flat, position) => {
      const place = position.map((index, at) => (at === axis ? index + start : index));
      data[flatten(shape, place)] = at(part.data, flat);
    });
    start += at(part.shape, axis);
  }
  return exactly({ shape, data });
}

/** How output positions map to input positions (ONNX's `coordinate_transformation_mode`). */
export type Coordinates = "half-pixel" | "align-corners" | "asymmetric" | "pytorch-half-pixel";

/** The input position of an output position as an exact fraction: numerator and denominator. */
function coordinate(output: number, inSize: number, outSize: number, coordinates: Coordinates): [number, number] {
  if (coordinates === "pytorch-half-pixel" && outSize === 1) return [0, 1];
  if (coordinates === "half-pixel" || coordinates === "pytorch-half-pixel")
    return [(2 * output + 1) * inSize - outSize, 2 * outSize];
  if (coordinates === "asymmetric") return [output * inSize, outSize];
  return outSize === 1 ? [0, 1] : [output * (inSize - 1), outSize - 1];
}

/** Which neighbour is the nearest (ONNX's `nearest_mode`). */
export type Rounding = "round-prefer-floor" | "round-prefer-ceil" | "floor" | "ceil";

function rounded(numerator: number, denominator: number, rounding: Rounding): number {
  const twice = 2 * denominator;
  switch (rounding) {
    case "round-prefer-floor":
      return Math.ceil((2 * numerator - denominator) / twice);
    case "round-prefer-ceil":
      return Math.floor((2 * numerator + denominator) / twice);
    case "floor":
      return Math.floor(numerator / denominator);
    case "ceil":
      return Math.ceil(numerator / denominator);
  }
}

/** Nearest neighbours: unless told, asymmetric rounds down, the others round halves down. Exact. */
export function resizeNearest(
  x: Nd,
  size: readonly [number, number],
  coordinates: Coordinates,
  rounding: Rounding = coordinates === "asymmetric" ? "floor" : "round-prefer-floor",
): Expected {
  const [n, inH, inW, c] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const nearest = (output: number, inSize: number, outSize: number): number => {
    const [numerator, denominator] = coordinate(output, inSize, outSize, coordinates);
    return Math.min(Math.max(rounded(numerator, denominator, rounding), 0), inSize - 1);
  };
  const shape = [n, ...size, c];
  const data = new Float32Array(sizeOf(shape));
  eachPosition(shape, (flat, [image = 0, oh = 0, ow = 0, channel = 0]) => {
    const from = [image, nearest(oh, inH, size[0]), nearest(ow, inW, size[1]), channel];
    data[flat] = at(x.data, flatten(x.shape, from));
  });
  return exactly({ shape, data });
}

/** A filter and its particulars. */
export interface Filter {
  readonly mode: "linear" | "cubic";
  readonly coordinates: Coordinates;
  /** The cubic's parameter. Default -0.75, with `antialias` -0.5. */
  readonly cubicCoefficient?: number;
  readonly antialias?: boolean;
  /** Default: as `antialias`. */
  readonly excludeOutside?: boolean;
}

/** Bilinear, the border repeated. */
export function resizeLinear(x: Nd, size: readonly [number, number], coordinates: Coordinates): Expected {
  return resizeFiltered(x, size, { mode: "linear", coordinates });
}

/** What every element weighs in one of the output, in any order. */
function taps(output: number, inSize: number, outSize: number, filter: Filter): readonly (readonly [number, number])[] {
  const { antialias = false, excludeOutside = antialias, cubicCoefficient: a = antialias ? -0.5 : -0.75 } = filter;
  const [numerator, denominator] = coordinate(output, inSize, outSize, filter.coordinates);
  const place = numerator / denominator;
  const stretch = antialias ? Math.min(1, outSize / inSize) : 1;
  const reach = Math.ceil(2 / stretch) + 1;
  const weights: [number, number][] = [];
  for (let index = Math.floor(place) - reach; index <= Math.floor(place) + reach; index++) {
    const inside = Math.min(Math.max(index, 0), inSize - 1);
    if (excludeOutside && index !== inside) continue;
    const distance = Math.abs(index - place) * stretch;
    weights.push([inside, filter.mode === "linear" ? Math.max(0, 1 - distance) : cubic(distance, a)]);
  }
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  return weights.map(([index, weight]) => [index, weight / sum]);
}

function cubic(x: number, a: number): number {
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * (x ** 3 - 5 * x ** 2 + 8 * x - 4) : 0;
}

/** Filtered along rows and columns. Positions may be float32 in an engine: that error grows with the image's size. */
export function resizeFiltered(x: Nd, size: readonly [number, number], filter: Filter): Expected {
  const [n, inH, inW, c] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const shape = [n, ...size, c];
  const values = new Float64Array(sizeOf(shape));
  eachPosition(shape, (flat, [image = 0, oh = 0, ow = 0, channel = 0]) => {
    let sum = 0;
    for (const [row, rowWeight] of taps(oh, inH, size[0], filter)) {
      for (const [column, columnWeight] of taps(ow, inW, size[1], filter)) {
        sum += rowWeight * columnWeight * at(x.data, flatten(x.shape, [image, row, column, channel]));
      }
    }
    values[flat] = sum;
  });
  const largest = x.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const allowed = 4 * unit * (inH + inW + 8) * largest;
  return { shape, values, tolerance: new Float64Array(values.length).fill(allowed) };
}

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
export type Coordinates = "half-pixel" | "align-corners" | "asymmetric";

/** The input position of an output position as an exact fraction: numerator and denominator. */
function coordinate(output: number, inSize: number, outSize: number, coordinates: Coordinates): [number, number] {
  if (coordinates === "half-pixel") return [(2 * output + 1) * inSize - outSize, 2 * outSize];
  if (coordinates === "asymmetric") return [output * inSize, outSize];
  return outSize === 1 ? [0, 1] : [output * (inSize - 1), outSize - 1];
}

/** Nearest neighbours: asymmetric rounds down, the others round halves down (ONNX's `round_prefer_floor`). Exact. */
export function resizeNearest(x: Nd, size: readonly [number, number], coordinates: Coordinates): Expected {
  const [n, inH, inW, c] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const nearest = (output: number, inSize: number, outSize: number): number => {
    const [numerator, denominator] = coordinate(output, inSize, outSize, coordinates);
    const place =
      coordinates === "asymmetric"
        ? Math.floor(numerator / denominator)
        : Math.ceil((2 * numerator - denominator) / (2 * denominator));
    return Math.min(Math.max(place, 0), inSize - 1);
  };
  const shape = [n, ...size, c];
  const data = new Float32Array(sizeOf(shape));
  eachPosition(shape, (flat, [image = 0, oh = 0, ow = 0, channel = 0]) => {
    const from = [image, nearest(oh, inH, size[0]), nearest(ow, inW, size[1]), channel];
    data[flat] = at(x.data, flatten(x.shape, from));
  });
  return exactly({ shape, data });
}

/** Bilinear, the border repeated. Positions are float32 in an engine: that error grows with the image's size. */
export function resizeLinear(x: Nd, size: readonly [number, number], coordinates: Coordinates): Expected {
  const [n, inH, inW, c] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const neighbours = (output: number, inSize: number, outSize: number): readonly (readonly [number, number])[] => {
    const [numerator, denominator] = coordinate(output, inSize, outSize, coordinates);
    const place = Math.min(Math.max(numerator / denominator, 0), inSize - 1);
    const low = Math.floor(place);
    return [
      [low, 1 - (place - low)],
      [Math.min(low + 1, inSize - 1), place - low],
    ];
  };
  const shape = [n, ...size, c];
  const values = new Float64Array(sizeOf(shape));
  eachPosition(shape, (flat, [image = 0, oh = 0, ow = 0, channel = 0]) => {
    let sum = 0;
    for (const [row, rowWeight] of neighbours(oh, inH, size[0])) {
      for (const [column, columnWeight] of neighbours(ow, inW, size[1])) {
        sum += rowWeight * columnWeight * at(x.data, flatten(x.shape, [image, row, column, channel]));
      }
    }
    values[flat] = sum;
  });
  const largest = x.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const allowed = 4 * unit * (inH + inW + 8) * largest;
  return { shape, values, tolerance: new Float64Array(values.length).fill(allowed) };
}

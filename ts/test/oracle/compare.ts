/** What the oracle expects of an engine, how far float32 may stray from it, and the comparison. */
import { at, type Nd, sizeOf, transposedIndices } from "./nd.ts";

/** Exact values, and for each the largest difference that float32 arithmetic explains. */
export interface Expected {
  readonly shape: readonly number[];
  readonly values: Float64Array<ArrayBuffer>;
  readonly tolerance: Float64Array<ArrayBuffer>;
}

/** Half the distance between 1 and the next float32. */
export const unit: number = 2 ** -24;

/** Below this, float32 loses digits (and some machines flush to zero): the least absolute tolerance of anything computed. */
const smallest = 2 ** -126;

/**
 * The largest error of a float32 sum of `terms` products in any order, with or without fused multiply-add, where the
 * products' magnitudes add up to `magnitude` (Higham, Accuracy and Stability, 3.1). Three more roundings are granted:
 * bias, a division, the stored result.
 */
export function sumTolerance(terms: number, magnitude: number): number {
  const roundings = (terms + 3) * unit;
  return (roundings / (1 - roundings)) * magnitude + smallest;
}

/** Values that must come out exactly: moved, never computed. */
export function exactly({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): Expected {
  return { shape, values: Float64Array.from(data), tolerance: new Float64Array(data.length) };
}

/** Values within some units in the last place, or within an absolute error that is given in units of 2^-24. */
export function within(
  { shape, data }: { shape: readonly number[]; data: ArrayLike<number> },
  relative: number,
  absolute = 0,
): Expected {
  const values = Float64Array.from(data);
  const tolerance = values.map((value) => (Math.abs(value) * relative + absolute) * unit + smallest);
  return { shape, values, tolerance };
}

/** The same expectation with its axes in another order. */
export function transposeExpected(expected: Expected, perm: readonly number[]): Expected {
  const from = transposedIndices(expected.shape, perm);
  return {
    shape: perm.map((axis) => at(expected.shape, axis)),
    values: Float64Array.from(from, (index) => at(expected.values, index)),
    tolerance: Float64Array.from(from, (index) => at(expected.tolerance, index)),
  };
}

/** The same elements in another shape. */
export function reshapeExpected({ values, tolerance }: Expected, shape: readonly number[]): Expected {
  return { shape, values, tolerance };
}

/** Throws unless `actual` has the expected shape and every element lies within its tolerance. */
export function assertClose(
  actual: Nd | { shape: readonly number[]; data: ArrayLike<number> },
  expected: Expected,
  what: string,
): void {
  const { shape, values, tolerance } = expected;
  const sameShape = actual.shape.length === shape.length && actual.shape.every((size, axis) => size === shape[axis]);
  if (!sameShape) throw new Error(`${what}: the shape is [${actual.shape.join(", ")}], not [${shape.join(", ")}]`);
  const size = sizeOf(shape);
  if (actual.data.length !== size || values.length !== size || tolerance.length !== size) {
    throw new Error(`${what}: ${actual.data.length} elements, expected ${values.length}, for a shape of ${size}`);
  }
  let wrong = 0;
  let first = -1;
  for (let index = 0; index < size; index++) {
    if (agrees(at(actual.data, index), at(values, index), at(tolerance, index))) continue;
    wrong++;
    if (first < 0) first = index;
  }
  if (wrong === 0) return;
  const [got, wanted, allowed] = [at(actual.data, first), at(values, first), at(tolerance, first)];
  throw new Error(
    `${what}: ${wrong} of ${size} elements are wrong; the first is ${got} at [${position(first, shape).join(", ")}] ` +
      `of [${shape.join(", ")}], not ${wanted}: off by ${Math.abs(got - wanted)}, allowed ${allowed}`,
  );
}

/** NaN agrees with NaN alone, an infinity with itself alone, and what float32 cannot hold with its infinity. */
function agrees(actual: number, expected: number, tolerance: number): boolean {
  if (Number.isNaN(expected)) return Number.isNaN(actual);
  if (Number.isNaN(actual)) return false;
  if (!Number.isFinite(expected)) return actual === expected;
  if (!Number.isFinite(actual)) return actual === Math.fround(expected);
  return Math.abs(actual - expected) <= tolerance;
}

function position(flat: number, shape: readonly number[]): number[] {
  let rest = flat;
  const indices: number[] = [];
  for (const size of shape.toReversed()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return indices;
}

/** Reductions, products of matrices and normalisations over axes, in float64, index by index. */
import { type Expected, exactly, sumTolerance, unit } from "./compare.ts";
import { at, type Nd, sizeOf } from "./nd.ts";

/** The index of each element, and where it lies. */
export function indicesOf(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    let rest = flat;
    return shape
      .toReversed()
      .map((size) => {
        const index = rest % size;
        rest = Math.floor(rest / size);
        return index;
      })
      .reverse();
  });
}

/** Where an index lies in a shape; on axes of one element, it counts as 0. */
export function flatIndex(index: readonly number[], shape: readonly number[]): number {
  return shape.reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : at(index, axis)), 0);
}

/** Reductions. */
export type ReductionName =
  | ("reduceSum" | "reduceMean" | "reduceMax" | "reduceMin" | "reduceProd" | "reduceSumSquare" | "reduceL1")
  | ("reduceL2" | "reduceLogSum" | "reduceLogSumExp");

const sum = (xs: readonly number[]): number => xs.reduce((total, x) => total + x, 0);

const reductions: Readonly<Record<ReductionName, (xs: readonly number[]) => number>> = {
  reduceSum: sum,
  reduceMean: (xs) => sum(xs) / xs.length,
  reduceMax: (xs) => Math.max(...xs),
  reduceMin: (xs) => Math.min(...xs),
  reduceProd: (xs) => xs.reduce((product, x) => product * x, 1),
  reduceSumSquare: (xs) => sum(xs.map((x) => x * x)),
  reduceL1: (xs) => sum(xs.map(Math.abs)),
  reduceL2: (xs) => Math.hypot(...xs),
  reduceLogSum: (xs) => Math.log(sum(xs)),
  reduceLogSumExp: (xs) => Math.log(sum(xs.map(Math.exp))),
};

function reductionTolerance(name: ReductionName, xs: readonly number[], value: number): number {
  const magnitude = sum(xs.map(Math.abs));
  if (name === "reduceMax" || name === "reduceMin") return 0;
  if (name === "reduceSum" || name === "reduceMean")
    return sumTolerance(xs.length, name === "reduceSum" ? magnitude : magnitude / xs.length);
  // Of a logarithm, a relative error is an absolute one.
  if (name === "reduceLogSum") return sumTolerance(xs.length, magnitude / Math.exp(value)) + 4 * unit * Math.abs(value);
  if (name === "reduceLogSumExp") return sumTolerance(xs.length + 8, 1) + 8 * unit * Math.abs(value);
  return sumTolerance(2 * xs.length, Math.abs(value));
}

/** Axes reduced, and kept with one element or dropped. */
export function reduce(name: ReductionName, x: Nd, axes: readonly number[], keep: boolean): Expected {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const groups: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
  for (const [flat, index] of indicesOf(x.shape).entries()) groups[flatIndex(index, kept)]?.push(at(x.data, flat));
  const values = Float64Array.from(groups, reductions[name]);
  const tolerance = values.map((value, i) => reductionTolerance(name, groups[i] ?? [], value));
  return { shape: keep ? kept : x.shape.filter((_, axis) => !axes.includes(axis)), values, tolerance };
}

/** Every row along an axis: its elements, and where the first of them lies. */
function rowsAlong(x: Nd, axis: number): { readonly row: number[]; readonly index: number[] }[] {
  const heads = x.shape.with(axis, 1);
  return indicesOf(heads).map((index) => ({
    index,
    row: Array.from({ length: at(x.shape, axis) }, (_, i) => at(x.data, flatIndex(index.with(axis, i), x.shape))),
  }));
}

/** The `k` best along an axis, and where they are; of equal ones the first come first. */
export function topK(x: Nd, axis: number, k: number, largest: boolean): { values: Expected; indices: Expected } {
  const shape = x.shape.with(axis, k);
  const values = new Float64Array(sizeOf(shape));
  const indices = new Float64Array(sizeOf(shape));
  for (const { row, index } of rowsAlong(x, axis)) {
    const order = row.map((_, i) => i).sort((a, b) => (largest ? at(row, b) - at(row, a) : at(row, a) - at(row, b)));
    for (const [j, place] of order.slice(0, k).entries()) {
      const flat = flatIndex(index.with(axis, j), shape);
      values[flat] = at(row, place);
      indices[flat] = place;
    }
  }
  return { values: exactly({ shape, data: values }), indices: exactly({ shape, data: indices }) };
}

/** Products of matrices, broadcast over the axes in front. */
export function matmul(a: Nd, b: Nd, batch: readonly number[]): Expected {
  const [m, k] = [at(a.shape, a.shape.length - 2), at(a.shape, a.shape.length - 1)];
  const n = at(b.shape, b.shape.length - 1);
  const element = (nd: Nd, index: readonly number[], row: number, column: number): number => {
    const own = nd.shape.length - 2;
    return at(nd.data, flatIndex([...index.slice(index.length - own), row, column], nd.shape));
  };
  const shape = [...batch, m, n];
  const products = indicesOf(shape).map((index) =>
    Array.from({ length: k }, (_, l) => {
      const [row = 0, column = 0] = index.slice(-2);
      return element(a, index.slice(0, -2), row, l) * element(b, index.slice(0, -2), l, column);
    }),
  );
  return {
    shape,
    values: Float64Array.from(products, sum),
    tolerance: Float64Array.from(products, (terms) => sumTolerance(k, sum(terms.map(Math.abs)))),
  };
}

/** Scale and offset of a normalisation: one number for each of what `place` counts. */
export interface Affine {
  readonly scale?: readonly number[];
  readonly offset?: readonly number[];
  readonly epsilon?: number;
}

/** Groups of elements, each less its mean and over its deviation; `group` and `place` tell which an element is of. */
export function normalise(
  x: Nd,
  group: (flat: number) => number,
  place: (flat: number) => number,
  { scale, offset, epsilon = 1e-5 }: Affine,
): Expected {
  const groups = new Map<number, number[]>();
  x.data.forEach((value, flat) => {
    const key = group(flat);
    groups.set(key, [...(groups.get(key) ?? []), value]);
  });
  const terms = Array.from(x.data, (value, flat) => {
    const xs = groups.get(group(flat)) ?? [];
    const mean = sum(xs) / xs.length;
    const variance = sum(xs.map((each) => (each - mean) ** 2)) / xs.length;
    const factor = Math.fround(scale?.[place(flat)] ?? 1) / Math.sqrt(variance + epsilon);
    const added = Math.fround(offset?.[place(flat)] ?? 0);
    const magnitude = (Math.abs(value) + Math.max(...xs.map(Math.abs))) * Math.abs(factor) + Math.abs(added);
    return [(value - mean) * factor + added, sumTolerance(xs.length + 8, magnitude)] as const;
  });
  return {
    shape: x.shape,
    values: Float64Array.from(terms, ([value]) => value),
    tolerance: Float64Array.from(terms, ([, tolerance]) => tolerance),
  };
}

/** Arrays with shapes, for the oracle: plain data in row-major order, no engine anywhere. */

/** Float32 data and its shape: what an engine takes. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Float64 data and its shape: what the oracle computes with. */
export interface Wide {
  readonly shape: readonly number[];
  readonly data: Float64Array<ArrayBuffer>;
}

/** The element at `index`; an index outside is a mistake of the test and throws. */
export function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index} of ${values.length}`);
  return value;
}

/** How many elements a shape has. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Values in a shape; throws if they are too few or too many. */
export function nd(shape: readonly number[], values: ArrayLike<number>): Nd {
  if (sizeOf(shape) !== values.length) throw new RangeError(`${values.length} values for [${shape.join(", ")}]`);
  return { shape, data: Float32Array.from(values) };
}

/** 1, 2, 3, ... in a shape. */
export function counting(...shape: number[]): Nd {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, index) => index + 1) };
}

/** The same data in float64. */
export function widen({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): Wide {
  return { shape, data: Float64Array.from(data) };
}

/** Where each element of the transposed array comes from. */
export function transposedIndices(shape: readonly number[], perm: readonly number[]): Int32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const outShape = perm.map((axis) => at(shape, axis));
  const outStrides = perm.map((axis) => at(strides, axis));
  return Int32Array.from({ length: sizeOf(shape) }, (_, flat) => {
    let rest = flat;
    let from = 0;
    for (let axis = outShape.length - 1; axis >= 0; axis--) {
      from += (rest % at(outShape, axis)) * at(outStrides, axis);
      rest = Math.floor(rest / at(outShape, axis));
    }
    return from;
  });
}

/** An array with its axes in another order, like NumPy's `transpose`. */
export function transpose({ shape, data }: Nd, perm: readonly number[]): Nd {
  const from = transposedIndices(shape, perm);
  return { shape: perm.map((axis) => at(shape, axis)), data: Float32Array.from(from, (index) => at(data, index)) };
}

/** Orders of axes between the layouts of images and of filters. */
export const toNchw: readonly number[] = [0, 3, 1, 2];
export const toNhwc: readonly number[] = [0, 2, 3, 1];
/** `[kH, kW, inC, outC]` to `[outC, inC, kH, kW]`; the same order takes `[kH, kW, outC, inC]` to `[inC, outC, kH, kW]`. */
export const toOihw: readonly number[] = [3, 2, 0, 1];
export const toHwio: readonly number[] = [2, 3, 1, 0];

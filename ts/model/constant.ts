/** Tensors that a graph holds: weights, and the small integers from which shapes are computed. */
import { elementCount, type Shape } from "../shape.ts";

/**
 * Types of a graph's numbers. While a model runs, all are float32 in the core: truth is 1 or 0, and integers are exact up
 * to 2^24. Integers of constants and shapes are exact up to 2^53. float16, bfloat16 and float64 become float32 on import.
 */
export type NumberType = "float32" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** The arrays that hold each type. int64 is held as float64: what exceeds 2^53 there means "to the end". */
export interface NumberArrays {
  readonly float32: Float32Array;
  readonly int64: Float64Array;
  readonly int32: Int32Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly bool: Uint8Array;
}

/**
 * A tensor of known numbers, row-major. Those that passes make of large others may compute `data` anew whenever it is read:
 * read it once.
 */
export type Constant<T extends NumberType = NumberType> = {
  readonly [K in T]: { readonly type: K; readonly shape: Shape; readonly data: NumberArrays[K] };
}[T];

/** A constant of small integers, such as a shape. */
export function integers(values: readonly number[]): Constant<"int64"> {
  return { type: "int64", shape: [values.length], data: Float64Array.from(values) };
}

/** A constant of float32s. */
export function floats(data: Float32Array, shape: Shape = [data.length]): Constant<"float32"> {
  return { type: "float32", shape, data };
}

/** Bytes of one number. */
export function numberBytes(type: NumberType): number {
  if (type === "int64") return 8;
  return type === "float32" || type === "int32" ? 4 : 1;
}

/** Bytes that a constant takes. Its `data`, which may be computed when it is read, is not. */
export function constantBytes({ type, shape }: Constant): number {
  return elementCount(shape) * numberBytes(type);
}

/** Whether a constant has as many numbers as its shape says. */
export function isWhole({ shape, data }: Constant): boolean {
  return elementCount(shape) === data.length;
}

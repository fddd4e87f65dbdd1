/**
 * What a caller may do wrong, and how it is told: a code, and a text that names the argument, the value, what is expected
 * and a way out. Every row throws at once, in the caller's line, on every engine alike, and leaves nothing behind.
 */
import type { Engine, ErrorCode, NdArray, Tensor } from "lenslet";

/** One mistake. */
export interface Mistake {
  readonly name: string;
  /** Makes it; whatever is wanted for it is in `ready`, and freed afterwards. */
  call(engine: Engine, ready: Ready): unknown;
  readonly code: ErrorCode;
  /** Which argument the error names, in its text and in its `argument`. */
  readonly argument: string;
  /** Matched by the text: the value that came, and what is expected instead. */
  readonly says: readonly RegExp[];
}

/** Tensors that a mistake may use. */
export interface Ready {
  /** `[1, 5, 6, 4]` */
  readonly x: Tensor;
  /** `[3, 3, 4, 8]` */
  readonly filter: Tensor;
  /** `[6]` */
  readonly vector: Tensor;
  /** Disposed of already. */
  readonly gone: Tensor;
  /** Of another engine. */
  readonly foreign: Tensor;
}

/** Makes what mistakes use. */
export function prepare(engine: Engine, other: Engine): Ready {
  const gone = engine.tensor(new Float32Array(120), [1, 5, 6, 4]);
  gone.dispose();
  return {
    x: engine.tensor(new Float32Array(120).fill(1), [1, 5, 6, 4]),
    filter: engine.tensor(new Float32Array(288).fill(1), [3, 3, 4, 8]),
    vector: engine.tensor([1, 2, 3, 4, 5, 6]),
    gone,
    foreign: other.tensor(new Float32Array(120), [1, 5, 6, 4]),
  };
}

/** Frees what {@link prepare} made. */
export function clear({ x, filter, vector, foreign }: Ready): void {
  for (const tensor of [x, filter, vector, foreign]) tensor.dispose();
}

/** A value that the types forbid: JavaScript callers pass it all the same. */
export function wrong<T>(value: unknown): T {
  return value as T;
}

type Options<K extends "conv2d" | "convTranspose2d"> = NonNullable<Parameters<Engine[K]>[2]>;
/** A mistake in short. */
export type Row = readonly [name: string, argument: string, says: readonly RegExp[], call: Mistake["call"]];

/** Mistakes of one code. */
export function rows(code: ErrorCode, table: readonly Row[]): Mistake[] {
  return table.map(([name, argument, says, call]) => ({ name, code, argument, says, call }));
}

/** A convolution with options of any kind. */
export function conv(options: unknown): Mistake["call"] {
  return (engine, { x, filter }) => engine.conv2d(x, filter, wrong<Options<"conv2d">>(options));
}

/** A transposed convolution with options of any kind. */
export function transposed(options: unknown): Mistake["call"] {
  return (engine, { x }) => {
    return engine.convTranspose2d(
      x,
      { data: filterData(36), shape: [3, 3, 1, 4] },
      wrong<Options<"convTranspose2d">>(options),
    );
  };
}

/** A max pool with options of any kind. */
export function pool(options: unknown): Mistake["call"] {
  return (engine, { x }) => engine.maxPool2d(x, wrong<Parameters<Engine["maxPool2d"]>[1]>(options));
}

function filterData(length: number): Float32Array {
  return new Float32Array(length).fill(1);
}

/** What is expected of strides and sizes. */
export const POSITIVE: RegExp = /expected a positive integer or \[\w+H, \w+W\]/;
/** What is expected of padding. */
export const PADDING: RegExp = /expected "valid", "same", "same-lower", an integer of 0 or more/;

/** An operand of ones. */
export function ones(shape: readonly number[]): NdArray {
  return { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1) };
}

/** A picture of one pixel. */
export const pixel: { data: Uint8ClampedArray; width: number; height: number } = {
  data: new Uint8ClampedArray(4),
  width: 1,
  height: 1,
};

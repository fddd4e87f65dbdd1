/** Numbers as the oracle holds them: float64, row-major, no shape of their own. */
import { at } from "../../../test/oracle/nd.ts";
import { activations } from "./activations.ts";

/** Numbers of one operand or result. */
export type Numbers = Float64Array<ArrayBuffer>;

/** What an operator makes of its operands; an absent one is undefined. `words` are those that the core is told. */
export type Operator = (inputs: readonly (Numbers | undefined)[], words: readonly number[]) => readonly Numbers[];

/** An operand that has to be there. */
export function given(inputs: readonly (Numbers | undefined)[], index: number): Numbers {
  const input = inputs[index];
  if (input === undefined) throw new Error(`operand ${index} is missing`);
  return input;
}

/** Numbers by their places. */
export function made(length: number, value: (index: number) => number): Numbers {
  return Float64Array.from({ length }, (_, index) => value(index));
}

/** The index of each axis of a shape. */
export function places(flat: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return indices;
}

/** Where an element of a shape that broadcasts is; axes of 1 do not count, and those that are not there. */
export function flatOf(indices: readonly number[], shape: readonly number[]): number {
  const skipped = indices.length - shape.length;
  return shape.reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : at(indices, axis + skipped)), 0);
}

/** The shape of two that broadcast, by numpy's rules. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const size = (shape: readonly number[], axis: number): number => shape[axis + shape.length - rank] ?? 1;
  return Array.from({ length: rank }, (_, axis) => Math.max(size(a, axis), size(b, axis)));
}

/** Numbers through the activation that three words tell. */
export function activated(words: readonly number[], values: Numbers): Numbers {
  const [code = 0, a = 0, b = 0] = words;
  const f = activations[code];
  if (f === undefined) throw new Error(`no activation has the code ${code}`);
  return values.map((x) => f(x, Math.fround(a), Math.fround(b)));
}

/** An element of a list; one that is not there is a mistake of the test and throws. */
export function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index} of ${values.length}`);
  return value;
}

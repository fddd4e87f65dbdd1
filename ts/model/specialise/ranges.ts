/** What operands that are integers say about axes: which part of each, how much around it, in which pieces. */
import { formatShape } from "../../shape.ts";
import type { ReduceAttributes } from "../attributes.ts";
import type { Operands } from "./operands.ts";

/** A part of a tensor: element `i` of an output axis is element `starts + i * steps` of the input's. */
export interface SliceGeometry {
  /** One number for each axis of the input. */
  readonly starts: readonly number[];
  /** Not 0; negative ones go backwards. */
  readonly steps: readonly number[];
  readonly output: readonly number[];
}

/** The part that a `Slice` takes. */
export function sliceGeometry(at: Operands): SliceGeometry {
  const input = at.shape(0);
  const given = { starts: at.integers(1), ends: at.integers(2), steps: at.has(4) ? at.integers(4) : undefined };
  const axes = at.has(3)
    ? at.axes(at.integers(3), input.length)
    : given.starts.map((_, axis) => at.axis(axis, input.length));
  for (const [what, values] of Object.entries(given)) {
    if (values === undefined || values.length === axes.length) continue;
    throw at.invalid(`${what} has ${values.length} elements for ${axes.length} axes`);
  }
  const starts = input.map(() => 0);
  const steps = input.map(() => 1);
  const output = [...input];
  for (const [index, axis] of axes.entries()) {
    const size = input[axis] ?? 0;
    const step = given.steps?.[index] ?? 1;
    if (step === 0) throw at.invalid(`steps is 0 for axis ${axis}`);
    const fromEnd = (value: number): number => (value < 0 ? value + size : value);
    // Backwards, -1 stands before the first element.
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const start = clamp(fromEnd(given.starts[index] ?? 0), Math.max(low, 0), high);
    const end = clamp(fromEnd(given.ends[index] ?? 0), low, high);
    starts[axis] = Math.max(start, 0);
    steps[axis] = step;
    output[axis] = Math.max(Math.ceil((end - start) / step), 0);
  }
  return { starts, steps, output };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** What a `Pad` adds to each axis; a negative number takes away. */
export interface PadGeometry {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly output: readonly number[];
}

/** What a `Pad` adds. */
export function padGeometry(at: Operands): PadGeometry {
  const input = at.shape(0);
  const pads = at.integers(1);
  const axes = at.has(3) ? at.axes(at.integers(3), input.length) : input.map((_, axis) => axis);
  if (pads.length !== 2 * axes.length) {
    throw at.invalid(`pads has ${pads.length} elements; expected ${2 * axes.length}, two for each axis`);
  }
  const before = input.map(() => 0);
  const after = input.map(() => 0);
  for (const [index, axis] of axes.entries()) {
    before[axis] = pads[index] ?? 0;
    after[axis] = pads[index + axes.length] ?? 0;
  }
  const output = input.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0));
  const negative = output.findIndex((size) => size < 0);
  if (negative === -1) return { before, after, output };
  throw at.invalid(`pads take more from axis ${negative} than the ${input[negative] ?? 0} elements that it has`);
}

/** The sizes into which a `Split` cuts its axis, one for each output. */
export function splitSizes(at: Operands, axis: number): readonly number[] {
  const parts = at.node.outputs.length;
  const size = at.shape(0)[axis] ?? 0;
  if (!at.has(1)) {
    // The last is smaller, where they cannot all be the same.
    const part = Math.ceil(size / parts);
    return Array.from({ length: parts }, (_, index) => Math.max(Math.min(part, size - index * part), 0));
  }
  const sizes = at.integers(1);
  const total = sizes.reduce((sum, value) => sum + value, 0);
  if (sizes.length === parts && total === size && sizes.every((value) => value >= 0)) return sizes;
  throw at.invalid(`sizes is ${formatShape(sizes)}; expected ${parts} that add up to the ${size} of axis ${axis}`);
}

/** Which axes a reduction runs over. */
export function reducedAxes(at: Operands, { noopWithEmptyAxes }: ReduceAttributes): readonly boolean[] {
  const rank = at.shape(0).length;
  const axes = at.has(1) ? at.axes(at.integers(1), rank) : [];
  const all = axes.length === 0 && !noopWithEmptyAxes;
  const reduced = new Array<boolean>(rank).fill(all);
  for (const axis of axes) reduced[axis] = true;
  return reduced;
}

/** What is left of a shape when some axes are reduced: 1, or nothing. */
export function reducedShape(
  shape: readonly number[],
  reduced: readonly boolean[],
  keepdims: boolean,
): readonly number[] {
  return keepdims
    ? shape.map((size, axis) => (reduced[axis] === true ? 1 : size))
    : shape.filter((_, axis) => reduced[axis] !== true);
}

/** The shape that a `Reshape` gives. */
export function reshapedShape(at: Operands, allowzero: boolean): readonly number[] {
  const input = at.shape(0);
  const wanted = at.integers(1);
  const text = `x of shape ${formatShape(input)} cannot be reshaped to ${formatShape(wanted)}`;
  const shape = wanted.map((size, axis) => {
    if (size !== 0 || allowzero) return size;
    const kept = input[axis];
    if (kept === undefined) throw at.invalid(`${text}: x has no axis ${axis} that 0 could keep`);
    return kept;
  });
  const open = shape.indexOf(-1);
  const count = input.reduce((product, size) => product * size, 1);
  const rest = shape.reduce((product, size, axis) => (axis === open ? product : product * size), 1);
  if (shape.some((size, axis) => size < 0 && axis !== open)) throw at.invalid(`${text}: one -1 may be there`);
  if (open !== -1) {
    if (rest === 0) throw at.invalid(`${text}: with a size of 0, any other fits the place of -1`);
    shape[open] = count / rest;
  }
  if (open === -1 ? rest === count : Number.isInteger(count / rest)) return shape;
  throw at.invalid(`${text}: ${count} elements do not fit`);
}

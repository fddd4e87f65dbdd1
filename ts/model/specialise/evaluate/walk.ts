/** Walks through row-major tensors by strides: copies that rearrange, and functions of several broadcast tensors. */
import type { Numbers } from "./evaluator.ts";

/** One innermost row: where it begins in each operand, how far apart its elements lie there, how many there are. */
export type VisitRow = (starts: readonly number[], steps: readonly number[], length: number) => void;

interface WalkAxis {
  size: number;
  steps: number[];
}

/** Axes from outermost to innermost, neighbours merged where every operand runs on through both. */
function mergedAxes(shape: readonly number[], strides: readonly (readonly number[])[]): WalkAxis[] {
  const axes: WalkAxis[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const steps = strides.map((stride) => stride[axis] ?? 0);
    const last = axes.at(-1);
    if (last?.steps.every((step, operand) => step === (steps[operand] ?? 0) * size) === true) {
      last.size *= size;
      last.steps = steps;
    } else {
      axes.push({ size, steps });
    }
  }
  return axes;
}

/** Visits every place of `shape`, a row at a time; `strides[k]` are those of operand `k`, which begins at `offsets[k]`. */
export function eachRow(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: VisitRow,
  offsets: readonly number[] = [],
): void {
  if (shape.includes(0)) return;
  const outer = mergedAxes(shape, strides);
  const inner = outer.pop() ?? { size: 1, steps: strides.map(() => 0) };
  const starts = strides.map((_, operand) => offsets[operand] ?? 0);
  const index = outer.map(() => 0);
  for (;;) {
    visit(starts, inner.steps, inner.size);
    let axis = outer.length - 1;
    for (; axis >= 0; axis--) {
      const { size, steps } = outer[axis] ?? inner;
      const next = (index[axis] ?? 0) + 1;
      // Back to the axis' begin, or one step on.
      const by = next === size ? 1 - size : 1;
      for (let operand = 0; operand < starts.length; operand++) {
        starts[operand] = (starts[operand] ?? 0) + by * (steps[operand] ?? 0);
      }
      index[axis] = next === size ? 0 : next;
      if (next < size) break;
    }
    if (axis < 0) return;
  }
}

/** Shorter rows are copied one by one: measured, a view costs more. */
const SHORT_ROW = 32;

/** Copies a tensor of `shape` between strided places. Both arrays are of one type. */
export function copyStrided(
  shape: readonly number[],
  source: Numbers,
  sourceStrides: readonly number[],
  sourceOffset: number,
  target: Numbers,
  targetStrides: readonly number[],
  targetOffset = 0,
): void {
  eachRow(
    shape,
    [sourceStrides, targetStrides],
    ([from = 0, to = 0], [fromStep = 0, toStep = 0], length) => {
      if (fromStep === 1 && toStep === 1 && length >= SHORT_ROW) {
        target.set(source.subarray(from, from + length), to);
      } else {
        for (let i = 0; i < length; i++) target[to + i * toStep] = source[from + i * fromStep] ?? 0;
      }
    },
    [sourceOffset, targetOffset],
  );
}

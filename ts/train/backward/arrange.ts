/** Gradients of what moves elements, repeats them, or leaves some away. */
import { elementCount } from "../../shape.ts";
import type { Buffer } from "../../model/lower/lowering.ts";
import type { Rule } from "./rule.ts";
import type { Site } from "./site.ts";

export const transpose: Rule = {
  run: (at) => {
    const [rank = 0, ...rest] = at.step.words;
    const [shape, perm] = [rest.slice(0, rank), rest.slice(rank)];
    const moved = perm.map((axis) => shape[axis] ?? 1);
    const back = perm.map((_, axis) => perm.indexOf(axis));
    at.give(0, at.make("transpose", [at.gradient], [rank, ...moved, ...back], at.output.length));
  },
};

export const broadcastTo: Rule = {
  run: (at) => {
    const [rank = 0, ...rest] = at.step.words;
    const [shape, out] = [rest.slice(0, rank), rest.slice(rank)];
    at.give(0, at.sumTo(at.gradient, out, shape), elementCount(shape));
  },
};

export const concat: Rule = {
  run: (at) => {
    const [outer = 1, ...sizes] = at.step.words;
    const whole = sizes.reduce((sum, size) => sum + size, 0);
    let start = 0;
    for (const [index, size] of sizes.entries()) {
      if (at.wants(index)) {
        const words = [2, outer, whole, 0, start, 1, 1, outer, size];
        at.give(index, at.make("slice", [at.gradient], words, outer * size));
      }
      start += size;
    }
  },
};

/** Zeros around `x`. */
function padded(
  at: Site,
  x: Buffer,
  shape: readonly number[],
  before: readonly number[],
  after: readonly number[],
): Buffer {
  if ([...before, ...after].every((size) => size === 0)) return x;
  const out = shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0));
  return at.make("pad", [x], [0, 0, shape.length, ...shape, ...before, ...after], elementCount(out));
}

/** Each element back to its place, zeros between. */
export const slice: Rule = {
  run: (at) => {
    const [rank = 0, ...rest] = at.step.words;
    const [shape = [], starts = [], steps = [], out = []] = [0, 1, 2, 3].map((i) =>
      rest.slice(i * rank, (i + 1) * rank),
    );
    let g = at.gradient;
    const axes = shape.map((size, axis) => {
      const [start = 0, step = 1, count = 1] = [starts[axis], steps[axis], out[axis]];
      const first = step < 0 ? start + (count - 1) * step : start;
      const stride = count === 1 ? 1 : Math.abs(step);
      return { size, first, stride, count, backwards: step < 0 && count > 1, span: (count - 1) * stride + 1 };
    });
    if (axes.some(({ backwards }) => backwards)) {
      const from = axes.map(({ backwards, count }) => (backwards ? count - 1 : 0));
      const turned = axes.map(({ backwards }) => (backwards ? -1 : 1));
      g = at.make("slice", [g], [rank, ...out, ...from, ...turned, ...out], elementCount(out));
    }
    if (axes.some(({ stride }) => stride > 1)) {
      // Every element becomes the first of as many as the stride; zeros behind the last one are cut off.
      const pairs = axes.flatMap(({ count }) => [count, 1]);
      const behind = axes.flatMap(({ stride }) => [0, stride - 1]);
      const wide = padded(
        at,
        g,
        pairs,
        pairs.map(() => 0),
        behind,
      );
      const [strided, spans] = [axes.map(({ count, stride }) => count * stride), axes.map(({ span }) => span)];
      const [zeros, ones] = [axes.map(() => 0), axes.map(() => 1)];
      g = at.make("slice", [wide], [rank, ...strided, ...zeros, ...ones, ...spans], elementCount(spans));
    }
    const before = axes.map(({ first }) => first);
    const after = axes.map(({ size, first, span }) => size - first - span);
    at.give(
      0,
      padded(
        at,
        g,
        axes.map(({ span }) => span),
        before,
        after,
      ),
      elementCount(shape),
    );
  },
};

export const pad: Rule = {
  run: (at) => {
    const { words } = at.step;
    const [, , rank = 0, ...sizes] = words;
    at.give(0, at.make("padGrad", [at.gradient], words, elementCount(sizes.slice(0, rank))));
  },
};

/** The same elements are dropped, by the same numbers. */
export const dropout: Rule = {
  flows: (_, input) => input === 0,
  run: (at) => at.give(0, at.make("dropout", [at.gradient, at.input(1)], at.step.words, at.output.length)),
};

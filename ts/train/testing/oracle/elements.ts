/** Functions of elements and reductions by their definitions. */
import { erfc } from "../../../test/oracle/activation.ts";
import { at, sizeOf } from "../../../test/oracle/nd.ts";
import { activated, broadcast, flatOf, given, made, type Operator, pick, places } from "./numbers.ts";

const REDUCTIONS: readonly ((values: readonly number[]) => number)[] = [
  (values) => total(values),
  (values) => total(values) / values.length,
  (values) => Math.max(...values),
  (values) => Math.min(...values),
  (values) => values.reduce((product, value) => product * value, 1),
  (values) => total(values.map((value) => value * value)),
  (values) => total(values.map(Math.abs)),
  (values) => Math.hypot(...values),
  (values) => Math.log(total(values)),
  (values) => Math.log(total(values.map(Math.exp))),
];

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

const UNARY: readonly ((x: number) => number)[] = [
  ...[Math.abs, (x: number): number => -x, Math.sqrt, Math.exp, Math.log, (x: number): number => x * x],
  ...[(x: number): number => 1 / x, (x: number): number => 1 - erfc(x), Math.floor, Math.ceil, Math.round, Math.sign],
  ...[(x: number): number => Number(x === 0), Math.trunc, (x: number): number => Number(x !== 0), Math.sin, Math.cos],
];

const BINARY: readonly ((a: number, b: number) => number)[] = [
  (a, b) => a + b,
  (a, b) => a - b,
  (a, b) => a * b,
  (a, b) => a / b,
  Math.min,
  Math.max,
  Math.hypot,
  (a, b) => a ** b,
  (a, b) => a - b * Math.floor(a / b),
  (a, b) => a % b,
  (a, b) => (a < 0 ? a * b : a),
  (a, b) => Number(a === b),
  (a, b) => Number(a < b),
  (a, b) => Number(a <= b),
  (a, b) => Number(a > b),
  (a, b) => Number(a >= b),
];

/** Operators of this file. */
export const elements: Readonly<Record<string, Operator>> = {
  activation: (inputs, words) => [activated(words, given(inputs, 0))],
  unary: (inputs, [code = 0]) => [given(inputs, 0).map((x) => pick(UNARY, code)(x))],
  binary: (inputs, [code = 0, rank = 0, ...rest]) => {
    const [left, right] = [rest.slice(0, rank), rest.slice(rank + 1)];
    const out = broadcast(left, right);
    return [
      made(sizeOf(out), (flat) => {
        const indices = places(flat, out);
        return pick(BINARY, code)(
          at(given(inputs, 0), flatOf(indices, left)),
          at(given(inputs, 1), flatOf(indices, right)),
        );
      }),
    ];
  },
  where: (inputs, [rank = 0, ...sizes]) => {
    const shapes = [0, 1, 2].map((i) => sizes.slice(i * rank, (i + 1) * rank));
    const out = shapes.reduce(broadcast);
    return [
      made(sizeOf(out), (flat) => {
        const [condition = 0, a = 0, b = 0] = shapes.map((shape, i) =>
          at(given(inputs, i), flatOf(places(flat, out), shape)),
        );
        return condition === 0 ? b : a;
      }),
    ];
  },
  softmax: ([x], [outer = 1, size = 1, inner = 1, log = 0]) => {
    const from = x ?? new Float64Array();
    const sums = made(outer * inner, (each) => {
      let sum = 0;
      for (let i = 0; i < size; i++)
        sum += Math.exp(at(from, (Math.floor(each / inner) * size + i) * inner + (each % inner)));
      return sum;
    });
    return [
      from.map((value, flat) => {
        const sum = at(sums, Math.floor(flat / (size * inner)) * inner + (flat % inner));
        return log === 1 ? value - Math.log(sum) : Math.exp(value) / sum;
      }),
    ];
  },
  reduce: ([x], [code = 0, rank = 0, ...rest]) => {
    const shape = rest.slice(0, rank);
    const kept = shape.map((size, axis) => (rest[rank + axis] === 1 ? 1 : size));
    const sets = Array.from({ length: sizeOf(kept) }, (): number[] => []);
    for (const [flat, value] of (x ?? []).entries()) pick(sets, flatOf(places(flat, shape), kept)).push(value);
    return [Float64Array.from(sets, (values) => pick(REDUCTIONS, code)(values))];
  },
  topK: ([x], [outer = 1, size = 1, inner = 1, k = 1, largest = 1]) => {
    const from = x ?? new Float64Array();
    const indices = new Float64Array(outer * k * inner);
    for (let each = 0; each < outer * inner; each++) {
      const [first, last] = [Math.floor(each / inner), each % inner];
      const value = (i: number): number => at(from, (first * size + i) * inner + last);
      const order = Array.from({ length: size }, (_, i) => i).sort(
        (a, b) => (largest === 1 ? 1 : -1) * (value(b) - value(a)),
      );
      for (let i = 0; i < k; i++) indices[(first * k + i) * inner + last] = at(order, i);
    }
    const values = indices.map((index, flat) =>
      at(from, (Math.floor(flat / (k * inner)) * size + index) * inner + (flat % inner)),
    );
    return [values, indices];
  },
  fromInt32: ([x]) => [x ?? new Float64Array()],
};

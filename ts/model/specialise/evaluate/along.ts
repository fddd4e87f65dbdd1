/** Evaluates what runs along axes. */
import { elementCount } from "../../../shape.ts";
import type { ArgAttributes, Attributes, ReduceAttributes } from "../../attributes.ts";
import type { Constant } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { stridesOf } from "../broadcast.ts";
import type { Operands } from "../operands.ts";
import { reducedAxes } from "../ranges.ts";
import { type Evaluator, type Evaluators, only, wholeNumbers, zeros } from "./evaluator.ts";
import { eachRow } from "./walk.ts";

type Along =
  | "Softmax"
  | "LogSoftmax"
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceProd"
  | "ReduceSumSquare"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceLogSum"
  | "ReduceLogSumExp"
  | "ArgMax"
  | "ArgMin"
  | "TopK";

/** Elements of a tensor as `[outer, size, inner]`, the axis being in the middle. */
function around(shape: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  return {
    outer: elementCount(shape.slice(0, axis)),
    size: shape[axis] ?? 1,
    inner: elementCount(shape.slice(axis + 1)),
  };
}

function softmax(log: boolean): Evaluator<Attributes["Softmax"]> {
  return (at, attributes, outputs) => {
    const { shape, data } = at.known(0);
    const result = zeros(only(outputs));
    const whole = attributes.flatten && attributes.axis === shape.length;
    const axis = whole ? shape.length : at.axis(attributes.axis, shape.length);
    const { outer, size, inner } = attributes.flatten
      ? { outer: elementCount(shape.slice(0, axis)), size: elementCount(shape.slice(axis)), inner: 1 }
      : around(shape, axis);
    for (let row = 0; row < outer; row++) {
      for (let column = 0; column < inner; column++) {
        const base = row * size * inner + column;
        let highest = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < size; i++) highest = Math.max(highest, data[base + i * inner] ?? 0);
        let sum = 0;
        for (let i = 0; i < size; i++) sum += Math.exp((data[base + i * inner] ?? 0) - highest);
        for (let i = 0; i < size; i++) {
          const place = base + i * inner;
          const x = (data[place] ?? 0) - highest;
          result.data[place] = log ? x - Math.log(sum) : Math.exp(x) / sum;
        }
      }
    }
    return [result];
  };
}

/** A reduction: from `initial`, by `step` for each element; `finish` with the number of elements. */
interface Reduction {
  readonly initial: number;
  readonly step: (accumulated: number, x: number) => number;
  readonly finish?: (accumulated: number, count: number) => number;
}

function reduce({ initial, step, finish }: Reduction): Evaluator<ReduceAttributes> {
  return (at, attributes, outputs) => {
    const { data } = at.known(0);
    const { sums, count } = accumulate(at, attributes, data, initial, step);
    const result = zeros(only(outputs));
    for (let i = 0; i < sums.length; i++) {
      const sum = sums[i] ?? 0;
      const value = finish === undefined ? sum : finish(sum, count);
      // The least and the largest of no truths are infinite.
      result.data[i] = result.type === "bool" && value > 0 ? 1 : value;
    }
    wholeNumbers(result);
    return [result];
  };
}

/** One float64 for each output element, and how many elements went into each. */
function accumulate(
  at: Operands,
  attributes: ReduceAttributes,
  data: Constant["data"],
  initial: number,
  step: Reduction["step"],
): { sums: Float64Array; count: number; targets: readonly number[] } {
  const { shape } = at.known(0);
  const reduced = reducedAxes(at, attributes);
  const kept = shape.map((size, axis) => (reduced[axis] === true ? 1 : size));
  const targets = stridesOf(kept).map((stride, axis) => (reduced[axis] === true ? 0 : stride));
  const sums = new Float64Array(elementCount(kept)).fill(initial);
  eachRow(shape, [stridesOf(shape), targets], ([from = 0, to = 0], [, toStep = 0], length) => {
    for (let i = 0; i < length; i++) {
      const target = to + i * toStep;
      sums[target] = step(sums[target] ?? 0, data[from + i] ?? 0);
    }
  });
  return {
    sums,
    count: shape.reduce((product, size, axis) => (reduced[axis] === true ? product * size : product), 1),
    targets,
  };
}

/** Of what exceeds the largest only: no exponential overflows. */
function logSumExp(at: Operands, attributes: ReduceAttributes, outputs: readonly KnownInfo[]): readonly Constant[] {
  const { shape, data } = at.known(0);
  const { sums: highest, targets } = accumulate(at, attributes, data, Number.NEGATIVE_INFINITY, Math.max);
  const shifted = new Float64Array(data.length);
  eachRow(shape, [stridesOf(shape), targets], ([from = 0, to = 0], [, toStep = 0], length) => {
    for (let i = 0; i < length; i++) {
      const top = highest[to + i * toStep] ?? 0;
      shifted[from + i] = Math.exp((data[from + i] ?? 0) - (Number.isFinite(top) ? top : 0));
    }
  });
  const { sums } = accumulate(at, attributes, shifted, 0, (sum, x) => sum + x);
  const result = zeros(only(outputs));
  for (let i = 0; i < sums.length; i++) {
    const top = highest[i] ?? 0;
    result.data[i] = Math.log(sums[i] ?? 0) + (Number.isFinite(top) ? top : 0);
  }
  wholeNumbers(result);
  return [result];
}

/** The place of the largest or smallest of each row. */
function arg(largest: boolean): Evaluator<ArgAttributes> {
  return (at, { axis, selectLastIndex }, outputs) => {
    const { shape, data } = at.known(0);
    const { outer, size, inner } = around(shape, at.axis(axis, shape.length));
    const result = zeros(only(outputs));
    for (let row = 0; row < outer; row++) {
      for (let column = 0; column < inner; column++) {
        const base = row * size * inner + column;
        let best = 0;
        for (let i = 1; i < size; i++) {
          const [x, y] = [data[base + i * inner] ?? 0, data[base + best * inner] ?? 0];
          if ((largest ? x > y : x < y) || (selectLastIndex && x === y)) best = i;
        }
        result.data[row * inner + column] = best;
      }
    }
    return [result];
  };
}

function topK(
  at: Operands,
  { axis: given, largest }: Attributes["TopK"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const { shape, data } = at.known(0);
  const axis = at.axis(given, shape.length);
  const { outer, size, inner } = around(shape, axis);
  const [values, indices] = outputs.map(zeros);
  if (values === undefined || indices === undefined) return [];
  const k = values.shape[axis] ?? 0;
  const row = new Float64Array(size);
  const order = new Uint32Array(size);
  for (let i = 0; i < outer * inner; i++) {
    const [base, first] = [
      Math.floor(i / inner) * size * inner + (i % inner),
      Math.floor(i / inner) * k * inner + (i % inner),
    ];
    for (let j = 0; j < size; j++) {
      row[j] = data[base + j * inner] ?? 0;
      order[j] = j;
    }
    // Of equal ones, the one with the lower index comes first.
    order.sort((a, b) => (largest ? 1 : -1) * ((row[b] ?? 0) - (row[a] ?? 0)) || a - b);
    for (let j = 0; j < k; j++) {
      const index = order[j] ?? 0;
      values.data[first + j * inner] = row[index] ?? 0;
      indices.data[first + j * inner] = index;
    }
  }
  return [values, indices];
}

const sum: Reduction = { initial: 0, step: (accumulated, x) => accumulated + x };
const squares: Reduction = { initial: 0, step: (accumulated, x) => accumulated + x * x };

/** Evaluators of what runs along axes. */
export const along: Evaluators<Along> = {
  Softmax: softmax(false),
  LogSoftmax: softmax(true),
  ReduceSum: reduce(sum),
  ReduceMean: reduce({ ...sum, finish: (total, count) => total / count }),
  ReduceMax: reduce({ initial: Number.NEGATIVE_INFINITY, step: Math.max }),
  ReduceMin: reduce({ initial: Number.POSITIVE_INFINITY, step: Math.min }),
  ReduceProd: reduce({ initial: 1, step: (accumulated, x) => accumulated * x }),
  ReduceSumSquare: reduce(squares),
  ReduceL1: reduce({ initial: 0, step: (accumulated, x) => accumulated + Math.abs(x) }),
  ReduceL2: reduce({ ...squares, finish: Math.sqrt }),
  ReduceLogSum: reduce({ ...sum, finish: Math.log }),
  ReduceLogSumExp: logSumExp,
  ArgMax: arg(true),
  ArgMin: arg(false),
  TopK: topK,
};

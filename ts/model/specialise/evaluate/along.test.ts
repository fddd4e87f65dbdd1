import { describe, expect, it } from "vitest";
import type { Constant } from "../../constant.ts";
import { constant, element, evaluate, int64 } from "../testing/nodes.ts";

const numbers = (made: readonly Constant[]): number[] => Array.from(made[0]?.data ?? []);
const floats = (...values: number[]): Constant => constant("float32", values);
const reduce = { keepdims: false, noopWithEmptyAxes: false } as const;

describe("evaluation along axes", () => {
  const x = constant("float32", [3, -1, 2, 0, 5, 5, -4, 1, 1, 2, 3, 4], [2, 3, 2]);

  it("reduces over any axes", () => {
    const sums = (axes: readonly number[]): number[] => numbers(evaluate("ReduceSum", [x, int64(...axes)], reduce));
    expect(sums([0])).toEqual([-1, 0, 3, 2, 8, 9]);
    expect(sums([-2])).toEqual([10, 4, 0, 7]);
    expect(sums([2, 0])).toEqual([-1, 5, 17]);
    expect(sums([])).toEqual([21]);
    expect(numbers(evaluate("ReduceSum", [x, int64()], { ...reduce, noopWithEmptyAxes: true }))).toEqual([...x.data]);
  });

  it("reduces in every way", () => {
    const row = floats(3, -1, 2);
    const over = (
      op:
        | "ReduceMean"
        | "ReduceMax"
        | "ReduceMin"
        | "ReduceProd"
        | "ReduceSumSquare"
        | "ReduceL1"
        | "ReduceL2"
        | "ReduceLogSum"
        | "ReduceLogSumExp",
    ) => numbers(evaluate(op, [row], reduce))[0];
    expect(over("ReduceMean")).toBe(Math.fround(4 / 3));
    expect(over("ReduceMax")).toBe(3);
    expect(over("ReduceMin")).toBe(-1);
    expect(over("ReduceProd")).toBe(-6);
    expect(over("ReduceSumSquare")).toBe(14);
    expect(over("ReduceL1")).toBe(6);
    expect(over("ReduceL2")).toBe(Math.fround(Math.sqrt(14)));
    expect(over("ReduceLogSum")).toBe(Math.fround(Math.log(4)));
    expect(over("ReduceLogSumExp")).toBeCloseTo(Math.log(Math.exp(3) + Math.exp(-1) + Math.exp(2)), 6);
    expect(numbers(evaluate("ReduceLogSumExp", [floats(1000, 1000)], reduce))).toEqual([
      Math.fround(1000 + Math.log(2)),
    ]);
    expect(numbers(evaluate("ReduceMean", [int64(3, 4)], reduce))).toEqual([3]);
  });

  it("of nothing is what the operation begins with", () => {
    const none = constant("float32", [], [2, 0]);
    expect(numbers(evaluate("ReduceSum", [none, int64(1)], reduce))).toEqual([0, 0]);
    expect(numbers(evaluate("ReduceProd", [none, int64(1)], reduce))).toEqual([1, 1]);
    expect(numbers(evaluate("ReduceMax", [none, int64(1)], reduce))).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });

  it("finds the largest and smallest", () => {
    const first = { axis: 2, keepdims: false, selectLastIndex: false };
    expect(numbers(evaluate("ArgMax", [x], first))).toEqual([0, 0, 0, 1, 1, 1]);
    expect(numbers(evaluate("ArgMax", [x], { ...first, selectLastIndex: true }))).toEqual([0, 0, 1, 1, 1, 1]);
    expect(numbers(evaluate("ArgMin", [x], { ...first, axis: 1 }))).toEqual([1, 0, 0, 0]);
    const [values, indices] = evaluate("TopK", [x, int64(2)], { axis: 1, largest: true, sorted: true }, 2);
    expect([...(values?.data ?? [])]).toEqual([5, 5, 3, 0, 3, 4, 1, 2]);
    expect([...(indices?.data ?? [])]).toEqual([2, 2, 0, 1, 2, 2, 1, 1]);
    const [, ties] = evaluate("TopK", [floats(1, 2, 2, 1), int64(4)], { axis: 0, largest: false, sorted: true }, 2);
    expect([...(ties?.data ?? [])]).toEqual([0, 3, 1, 2]);
  });

  it("softmax, over one axis and over all behind it", () => {
    const [y] = evaluate("Softmax", [x], { axis: 1, flatten: false });
    const [log] = evaluate("LogSoftmax", [x], { axis: 1, flatten: false });
    const flat = numbers(evaluate("Softmax", [x], { axis: 1, flatten: true }));
    const e = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.exp(value), 0);
    const column = [0, 1, 2].map((c) => element(x, [1, c, 0]));
    expect(element(y ?? x, [1, 2, 0])).toBeCloseTo(Math.exp(3) / e(column), 6);
    expect(element(log ?? x, [1, 2, 0])).toBeCloseTo(3 - Math.log(e(column)), 6);
    expect(flat[10]).toBeCloseTo(Math.exp(3) / e([...x.data].slice(6)), 6);
  });
});

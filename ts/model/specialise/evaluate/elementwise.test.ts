import { describe, expect, it } from "vitest";
import type { Constant, NumberType } from "../../constant.ts";
import { constant, counting, element, evaluate, int64, tabulate } from "../testing/nodes.ts";
import { erf } from "./unary.ts";

const numbers = (made: readonly Constant[]): number[] => Array.from(made[0]?.data ?? []);
const floats = (...values: number[]): Constant => constant("float32", values);
const bools = (...values: number[]): Constant => constant("bool", values);

describe("evaluation of arithmetic", () => {
  it("broadcasts", () => {
    const [a, b] = [counting([2, 1, 3]), counting([4, 1])];
    const expected = tabulate([2, 4, 3], ([i = 0, j = 0, k = 0]) => i * 3 + k - j);
    expect(numbers(evaluate("Sub", [a, b], {}))).toEqual(expected);
    const where = evaluate("Where", [constant("bool", [1, 0], [2, 1, 1]), a, b], {});
    expect(numbers(where)).toEqual(tabulate([2, 4, 3], ([i = 0, j = 0, k = 0]) => (i === 0 ? k : j)));
  });

  it("rounds float32s once, and keeps int64s exact", () => {
    expect(numbers(evaluate("Add", [floats(0.1), floats(0.2)], {}))).toEqual([
      Math.fround(Math.fround(0.1) + Math.fround(0.2)),
    ]);
    expect(numbers(evaluate("Mul", [int64(2 ** 26 + 1), int64(2 ** 26 - 1)], {}))).toEqual([2 ** 52 - 1]);
    expect(numbers(evaluate("Mul", [int64(2 ** 62), int64(-4)], {}))).toEqual([-(2 ** 63)]);
  });

  it("divides integers towards zero, and takes remainders by either sign", () => {
    expect(numbers(evaluate("Div", [int64(7, -7, 1), int64(2, 2, -3)], {}))).toEqual([3, -3, 0]);
    expect(numbers(evaluate("Mod", [int64(-4, 7, 5), int64(2, -3, 8)], { fmod: false }))).toEqual([0, -2, 5]);
    expect(numbers(evaluate("Mod", [int64(-4, 7, 5), int64(3, -3, 8)], { fmod: true }))).toEqual([-1, 1, 5]);
    expect(numbers(evaluate("Mod", [floats(-4.3), floats(2.1)], { fmod: true }))[0]).toBeCloseTo(-0.1, 5);
    expect(() => evaluate("Div", [int64(1), int64(0)], {})).toThrow("an integer is divided by 0");
    expect(numbers(evaluate("Div", [floats(1), floats(0)], {}))).toEqual([Number.POSITIVE_INFINITY]);
  });

  it("compares, and combines truths", () => {
    const [a, b] = [floats(1, 2, Number.NaN), floats(2, 2, Number.NaN)];
    expect(numbers(evaluate("Equal", [a, b], {}))).toEqual([0, 1, 0]);
    expect(numbers(evaluate("Less", [a, b], {}))).toEqual([1, 0, 0]);
    expect(numbers(evaluate("LessOrEqual", [a, b], {}))).toEqual([1, 1, 0]);
    expect(numbers(evaluate("Greater", [b, a], {}))).toEqual([1, 0, 0]);
    expect(numbers(evaluate("GreaterOrEqual", [b, a], {}))).toEqual([1, 1, 0]);
    const [p, q] = [bools(0, 0, 1, 1), bools(0, 1, 0, 1)];
    expect(numbers(evaluate("And", [p, q], {}))).toEqual([0, 0, 0, 1]);
    expect(numbers(evaluate("Or", [p, q], {}))).toEqual([0, 1, 1, 1]);
    expect(numbers(evaluate("Xor", [p, q], {}))).toEqual([0, 1, 1, 0]);
    expect(numbers(evaluate("Not", [p], {}))).toEqual([1, 1, 0, 0]);
  });

  it("of any number of inputs", () => {
    const inputs = [floats(1, 5), floats(4), floats(3, 2)];
    expect(numbers(evaluate("Min", inputs, {}))).toEqual([1, 2]);
    expect(numbers(evaluate("Max", inputs, {}))).toEqual([4, 5]);
    expect(numbers(evaluate("Sum", inputs, {}))).toEqual([8, 11]);
    expect(numbers(evaluate("Mean", inputs, {}))).toEqual([8, 11].map((sum) => Math.fround(sum / 3)));
    expect(numbers(evaluate("Mean", [floats(3)], {}))).toEqual([3]);
  });

  it("of one element", () => {
    const x = [-2.5, -0.5, 0, 0.5, 1.5, 2.5, 30];
    const f = (
      op: "Floor" | "Ceil" | "Round" | "Sign" | "Abs" | "Neg" | "Relu" | "Sigmoid" | "HardSwish" | "Softplus",
    ) => numbers(evaluate(op, [floats(...x)], {}));
    expect(f("Floor")).toEqual([-3, -1, 0, 0, 1, 2, 30]);
    expect(f("Ceil")).toEqual([-2, -0, 0, 1, 2, 3, 30]);
    expect(f("Round")).toEqual([-2, -0, 0, 0, 2, 2, 30]);
    expect(f("Sign")).toEqual([-1, -1, 0, 1, 1, 1, 1]);
    expect(f("Abs")).toEqual(x.map(Math.abs));
    expect(f("Neg")).toEqual(x.map((v) => -v));
    expect(f("Relu")).toEqual([0, 0, 0, 0.5, 1.5, 2.5, 30]);
    expect(f("Sigmoid")[3]).toBeCloseTo(0.622459, 6);
    expect(f("HardSwish")).toEqual(
      [-2.5 / 12, (-0.5 * 2.5) / 6, 0, (0.5 * 3.5) / 6, 1.5 * 0.75, (2.5 * 5.5) / 6, 30].map(Math.fround),
    );
    expect(f("Softplus")[6]).toBe(30);
    expect(numbers(evaluate("Clip", [floats(...x), floats(-1), undefined], {}))).toEqual([-1, ...x.slice(1)]);
    expect(numbers(evaluate("PRelu", [floats(-2, 2), floats(0.25)], {}))).toEqual([-0.5, 2]);
    expect(numbers(evaluate("Neg", [int64(0, 3)], {}))).toEqual([0, -3]);
  });

  it("knows the error function", () => {
    // Abramowitz and Stegun, table 7.1; and the tail from 1 - erfc(3.5) = 7.43e-7.
    for (const [x, y] of [
      [0, 0],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [3.5, 0.9999992569016276],
      [7, 1],
    ] as const) {
      expect(erf(x)).toBeCloseTo(y, 14);
      expect(erf(-x) + erf(x)).toBe(0);
    }
    expect(erf(Number.NaN)).toBeNaN();
  });

  it("converts types", () => {
    const x = floats(-1.9, -0.1, 0, 1.9, 300, Number.NaN);
    const cast = (source: Constant, to: NumberType): number[] => numbers(evaluate("Cast", [source], { to }));
    expect(cast(x, "int64")).toEqual([-1, 0, 0, 1, 300, 0]);
    expect(cast(x, "int32")).toEqual([-1, 0, 0, 1, 300, 0]);
    expect(cast(x, "bool")).toEqual([1, 1, 0, 1, 1, 1]);
    expect(cast(int64(-1, 256, 7), "uint8")).toEqual([255, 0, 7]);
    expect(cast(bools(1, 0), "float32")).toEqual([1, 0]);
    expect(cast(floats(1e30, Number.NEGATIVE_INFINITY), "int64")).toEqual([2 ** 63, -(2 ** 63)]);
  });

  it("multiplies matrices", () => {
    const [a, b] = [counting([2, 1, 2, 3]), counting([4, 3, 2])];
    const expected = tabulate([2, 4, 2, 2], ([i = 0, j = 0, m = 0, n = 0]) =>
      [0, 1, 2].reduce((sum, k) => sum + element(a, [i, 0, m, k]) * element(b, [j, k, n]), 0),
    );
    expect(numbers(evaluate("MatMul", [a, b], {}))).toEqual(expected);
    expect(evaluate("MatMul", [counting([3]), counting([3, 2])], {})).toEqual([constant("float32", [10, 13])]);
    expect(evaluate("MatMul", [counting([2, 3]), counting([3])], {})).toEqual([constant("float32", [5, 14])]);
    expect(evaluate("MatMul", [counting([3]), counting([3])], {})).toEqual([constant("float32", [5], [])]);
    for (const transA of [false, true]) {
      for (const transB of [false, true]) {
        const [p, q, c] = [counting(transA ? [3, 2] : [2, 3]), counting(transB ? [4, 3] : [3, 4]), counting([2, 1])];
        const product = tabulate([2, 4], ([m = 0, n = 0]) => {
          const sum = [0, 1, 2].reduce(
            (s, k) => s + element(p, transA ? [k, m] : [m, k]) * element(q, transB ? [n, k] : [k, n]),
            0,
          );
          return 0.5 * sum + 2 * m;
        });
        expect(numbers(evaluate("Gemm", [p, q, c], { alpha: 0.5, beta: 2, transA, transB }))).toEqual(product);
      }
    }
  });
});

/** Evaluates matrix products, summed in float64. */
import type { Attributes } from "../../attributes.ts";
import type { Constant } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { broadcastStrides, stridesOf } from "../broadcast.ts";
import type { Operands } from "../operands.ts";
import { type Evaluators, type Numbers, only, wholeNumbers, zeros } from "./evaluator.ts";
import { eachRow } from "./walk.ts";

/** A matrix in a larger tensor: where it begins, and how far apart its rows and columns lie. */
interface Matrix {
  readonly data: Numbers;
  readonly offset: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** Writes `a * b` of sizes m × k and k × n, elements passed through `finish`. */
function multiply(
  [m, k, n]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
  y: Matrix,
  finish: (sum: number, row: number, column: number) => number,
): void {
  const sums = new Float64Array(n);
  for (let row = 0; row < m; row++) {
    sums.fill(0);
    for (let i = 0; i < k; i++) {
      const factor = a.data[a.offset + row * a.rowStep + i * a.columnStep] ?? 0;
      const from = b.offset + i * b.rowStep;
      for (let column = 0; column < n; column++) {
        sums[column] = (sums[column] ?? 0) + factor * (b.data[from + column * b.columnStep] ?? 0);
      }
    }
    for (let column = 0; column < n; column++) {
      y.data[y.offset + row * y.rowStep + column * y.columnStep] = finish(sums[column] ?? 0, row, column);
    }
  }
}

function matMul(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const [a, b, bias] = [at.known(0), at.known(1), at.constant(2)?.data];
  const result = zeros(only(outputs));
  // A vector is a matrix of one row on the left, of one column on the right.
  const shapeA = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const shapeB = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const [m = 0, k = 0] = shapeA.slice(-2);
  const [, n = 0] = shapeB.slice(-2);
  const batch = result.shape.slice(0, Math.max(shapeA.length, shapeB.length) - 2);
  const scaled = (shape: readonly number[], size: number): number[] =>
    broadcastStrides(shape.slice(0, -2), batch).map((stride) => stride * size);
  const strides = [scaled(shapeA, m * k), scaled(shapeB, k * n), stridesOf(batch).map((stride) => stride * m * n)];
  eachRow(batch, strides, ([fromA = 0, fromB = 0, to = 0], [stepA = 0, stepB = 0, step = 0], length) => {
    for (let i = 0; i < length; i++) {
      multiply(
        [m, k, n],
        { data: a.data, offset: fromA + i * stepA, rowStep: k, columnStep: 1 },
        { data: b.data, offset: fromB + i * stepB, rowStep: n, columnStep: 1 },
        { data: result.data, offset: to + i * step, rowStep: n, columnStep: 1 },
        (sum, _row, column) => sum + (bias?.[column] ?? 0),
      );
    }
  });
  wholeNumbers(result);
  return [result];
}

function gemm(at: Operands, attributes: Attributes["Gemm"], outputs: readonly KnownInfo[]): readonly Constant[] {
  const { alpha, beta, transA, transB } = attributes;
  const [a, b, c] = [at.known(0), at.known(1), at.constant(2)];
  const result = zeros(only(outputs));
  const [m = 0, n = 0] = result.shape;
  const [, columnsA = 0] = a.shape;
  const [, columnsB = 0] = b.shape;
  const k = transA ? (a.shape[0] ?? 0) : columnsA;
  const [rowC = 0, columnC = 0] = c === undefined ? [] : broadcastStrides(c.shape, result.shape);
  const addend = c?.data;
  multiply(
    [m, k, n],
    { data: a.data, offset: 0, rowStep: transA ? 1 : columnsA, columnStep: transA ? columnsA : 1 },
    { data: b.data, offset: 0, rowStep: transB ? 1 : columnsB, columnStep: transB ? columnsB : 1 },
    { data: result.data, offset: 0, rowStep: n, columnStep: 1 },
    (sum, row, column) => alpha * sum + beta * (addend?.[row * rowC + column * columnC] ?? 0),
  );
  wholeNumbers(result);
  return [result];
}

/** Evaluators of matrix products. */
export const product: Evaluators<"MatMul" | "Gemm"> = { MatMul: matMul, Gemm: gemm };

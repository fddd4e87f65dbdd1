import { expect, test } from "vitest";
import { type Constant, floats } from "../../model/constant.ts";
import { assertAgrees, TIGHT, USUAL } from "./compare.ts";

const of = (...values: readonly number[]): Constant => floats(Float32Array.from(values));

test("equal numbers, close ones, and those that are none", () => {
  assertAgrees(
    "y",
    of(1, 0, Number.NaN, Number.POSITIVE_INFINITY),
    of(1.0005, 5e-8, Number.NaN, Number.POSITIVE_INFINITY),
    USUAL,
  );
  expect(() => assertAgrees("y", of(1), of(1.0005), TIGHT)).toThrow("y[0] is 1; expected");
});

test.each<readonly [string, Constant, Constant]>([
  ["another number", of(1.01), of(1)],
  ["a number for none", of(0), of(Number.NaN)],
  ["none for a number", of(Number.NaN), of(0)],
  ["another infinity", of(Number.NEGATIVE_INFINITY), of(Number.POSITIVE_INFINITY)],
  ["a large number for an infinity", of(3e38), of(Number.POSITIVE_INFINITY)],
  ["a small number for zero", of(2e-7), of(0)],
  ["another shape", floats(Float32Array.of(1, 2), [2, 1]), of(1, 2)],
  ["too few numbers", floats(Float32Array.of(1), [2]), of(1, 2)],
  ["another type", { type: "int32", shape: [1], data: Int32Array.of(1) }, of(1)],
])("%s does not agree", (_, actual, expected) => {
  expect(() => assertAgrees("y", actual, expected, USUAL)).toThrow(/^y/);
});

/** The comparison itself: what it must let pass and what it must not. */
import { expect, test } from "vitest";
import {
  assertClose,
  type Expected,
  exactly,
  reshapeExpected,
  sumTolerance,
  transposeExpected,
  unit,
  within,
} from "./compare.ts";
import { nd } from "./nd.ts";

const four: Expected = within(nd([2, 2], [1, -2, 0, 4]), 1);
const compare =
  (values: readonly number[], expected: Expected, shape: readonly number[] = [2, 2]) =>
  () =>
    assertClose({ shape, data: values }, expected, "here");

test("equal values pass, and those one rounding away", () => {
  expect(compare([1, -2, 0, 4], four)).not.toThrow();
  expect(compare([1 + unit, -2, 0, 4 - 4 * unit], four)).not.toThrow();
});

test("two roundings fail, with place and size in the text", () => {
  expect(compare([1, -2, 0, 4 + 8 * unit], four)).toThrow(
    /here: 1 of 4 .* at \[1, 1\] of \[2, 2\], not 4: off by 4\.76.*e-7/,
  );
  expect(compare([1, -2 - 4 * unit, 0, 4], four)).toThrow(/\[0, 1\]/);
});

test("all wrong elements are counted", () => {
  expect(compare([2, 2, 2, 2], four)).toThrow(/4 of 4/);
});

test("NaN agrees with NaN alone", () => {
  expect(compare([1, Number.NaN, 0, 4], four)).toThrow(/NaN at \[0, 1\]/);
  const hole = exactly(nd([2, 2], [1, Number.NaN, 0, 4]));
  expect(compare([1, Number.NaN, 0, 4], hole)).not.toThrow();
  expect(compare([1, 0, 0, 4], hole)).toThrow(/1 of 4/);
});

test("an infinity agrees with itself alone", () => {
  const pole = exactly({ shape: [2], data: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] });
  expect(compare([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], pole, [2])).not.toThrow();
  expect(compare([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], pole, [2])).toThrow(/1 of 2/);
  expect(compare([3e38, Number.NEGATIVE_INFINITY], pole, [2])).toThrow(/1 of 2/);
  expect(compare([Number.POSITIVE_INFINITY, -2, 0, 4], four)).toThrow(/1 of 4/);
});

test("an infinity is right where float32 cannot hold the value", () => {
  const huge = within({ shape: [1], data: [1e39] }, 4);
  expect(compare([Number.POSITIVE_INFINITY], huge, [1])).not.toThrow();
  expect(compare([Number.NEGATIVE_INFINITY], huge, [1])).toThrow();
});

test("zero is expected to be zero", () => {
  expect(compare([1, -2, 1e-30, 4], four)).toThrow(/\[1, 0\]/);
  expect(compare([1, -2, -0, 4], four)).not.toThrow();
});

test("a wrong shape fails, even with the same number of elements", () => {
  expect(compare([1, -2, 0, 4], four, [4])).toThrow(/shape is \[4\], not \[2, 2\]/);
  expect(compare([1, -2, 0, 4], four, [2, 2, 1])).toThrow(/shape/);
});

test("a wrong number of elements fails", () => {
  expect(compare([1, -2, 0], four)).toThrow(/3 elements/);
  expect(compare([1, -2, 0, 4, 5], four)).toThrow(/5 elements/);
  expect(compare([], four)).toThrow(/0 elements/);
});

test("exact values admit nothing else", () => {
  const exact = exactly(nd([1], [3]));
  expect(compare([3], exact, [1])).not.toThrow();
  expect(compare([Math.fround(3 + 4 * unit)], exact, [1])).toThrow();
});

test("the tolerance of a sum grows with its terms and magnitude", () => {
  expect(sumTolerance(9, 1)).toBeGreaterThan(12 * unit);
  expect(sumTolerance(9, 1)).toBeLessThan(13 * unit);
  expect(sumTolerance(900, 2) / sumTolerance(9, 1)).toBeGreaterThan(100);
  // Sums of float32 in a bad order stay within it, and one lost term does not.
  const terms = Array.from({ length: 1000 }, (_, index) => Math.fround(Math.sin(index) + 1.01));
  const exact = terms.reduce((sum, term) => sum + term, 0);
  const rounded = terms.reduce((sum, term) => Math.fround(sum + term), 0);
  const allowed = sumTolerance(terms.length, exact);
  expect(Math.abs(rounded - exact)).toBeLessThan(allowed);
  expect(Math.abs(rounded - exact)).toBeGreaterThan(0);
  expect(allowed).toBeLessThan(Math.max(...terms));
});

test("transposing moves values and tolerances together", () => {
  const expected: Expected = { shape: [1, 2], values: Float64Array.of(1, 2), tolerance: Float64Array.of(0.1, 0.2) };
  const transposed = transposeExpected(expected, [1, 0]);
  expect(transposed).toEqual({ ...expected, shape: [2, 1] });
  const both: Expected = { shape: [2, 2], values: Float64Array.of(1, 2, 3, 4), tolerance: Float64Array.of(5, 6, 7, 8) };
  expect(Array.from(transposeExpected(both, [1, 0]).values)).toEqual([1, 3, 2, 4]);
  expect(Array.from(transposeExpected(both, [1, 0]).tolerance)).toEqual([5, 7, 6, 8]);
  expect(reshapeExpected(both, [4]).shape).toEqual([4]);
});

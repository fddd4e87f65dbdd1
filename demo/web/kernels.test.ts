import { describe, expect, test } from "vitest";
import { negated, normalised, parseWeight, resized, showWeight, sumOf, turned } from "./kernels.ts";

const counted = { size: 3, weights: [1, 2, 3, 4, 5, 6, 7, 8, 9] };

describe("a typed weight", () => {
  test.each([
    ["2", 2],
    [" -1.5 ", -1.5],
    ["−.25", -0.25],
    ["1/9", 1 / 9],
    ["-1 / 4", -0.25],
    ["0,5", 0.5],
    ["1e-3", 0.001],
  ])("%j is %d", (text, value) => expect(parseWeight(text)).toBe(value));

  test.each(["", " ", "-", "1/", "/2", "1/0", "1/2/3", "x", "Infinity"])("%j is not a number", (text) =>
    expect(parseWeight(text)).toBeNaN(),
  );
});

test.each([
  [1 / 9, ".111"],
  [-0.5, "−.5"],
  [-2, "−2"],
  [-0.0001, "0"],
  [12.34, "12.3"],
  [-123.4, "−123"],
])("%d is shown as %s", (weight, text) => expect(showWeight(weight)).toBe(text));

test("a quarter turn, four times, is none", () => {
  expect(turned(counted).weights).toEqual([7, 4, 1, 8, 5, 2, 9, 6, 3]);
  expect(turned(turned(turned(turned(counted))))).toEqual(counted);
});

test("a larger kernel has zeros around it, a smaller one is its middle", () => {
  const large = resized(counted, 5);
  expect(large.weights.slice(0, 7)).toEqual([0, 0, 0, 0, 0, 0, 1]);
  expect(sumOf(large)).toBe(45);
  expect(resized(large, 3)).toEqual(counted);
});

test("negating leaves no negative zero", () => {
  expect(negated({ size: 1, weights: [0] }).weights[0]).toBe(0);
});

test("weights that cancel out cannot be made to sum to one", () => {
  expect(normalised({ size: 3, weights: [-1, 0, 1, -2, 0, 2, -1, 0, 1] })).toBeUndefined();
  expect(sumOf(normalised(counted) ?? counted)).toBeCloseTo(1);
});

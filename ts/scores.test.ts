import { describe, expect, test } from "vitest";
import { type Box, nonMaxSuppression, overlap, topK } from "./scores.ts";

describe("topK", () => {
  test("the best first, of equal ones the first, NaN last", () => {
    expect(topK([1, 3, Number.NaN, 3, 2], { k: 5 }).map(({ index }) => index)).toEqual([1, 3, 4, 0, 2]);
    expect(topK(Float32Array.of(5), { k: 3, labels: ["cat"] })).toEqual([{ index: 0, label: "cat", score: 5 }]);
  });

  test("probabilities of logits, also of huge ones", () => {
    const [first, second] = topK([1000, 1000 + Math.log(3)], { softmax: true });
    expect(first?.index).toBe(1);
    expect(first?.score).toBeCloseTo(0.75, 12);
    expect(second?.score).toBeCloseTo(0.25, 12);
  });

  test("labels of another count are refused", () => {
    expect(() => topK([1, 2], { labels: ["a"] })).toThrow(/labels has 1 names; expected 2/);
    expect(() => topK([1, 2], { k: 0 })).toThrow(/k is 0/);
  });
});

describe("nonMaxSuppression", () => {
  const boxes: Box[] = [
    [0, 0, 10, 10],
    [1, 0, 11, 10],
    [20, 20, 30, 30],
    [0, 0, 10, 4],
  ];

  test("overlap is the shared part of the union", () => {
    expect(overlap([0, 0, 10, 10], [1, 0, 11, 10])).toBeCloseTo(90 / 110, 12);
    expect(overlap([0, 0, 1, 1], [1, 0, 2, 1])).toBe(0);
    expect(overlap([0, 0, 2, 2], [0, 0, 2, 2])).toBe(1);
  });

  test("keeps the best of those that overlap", () => {
    expect(nonMaxSuppression(boxes, [0.8, 0.9, 0.1, 0.7])).toEqual([1, 3, 2]);
    expect(nonMaxSuppression(boxes, [0.8, 0.9, 0.1, 0.7], { iou: 0.3 })).toEqual([1, 2]);
    expect(nonMaxSuppression(boxes, [0.8, 0.9, 0.1, 0.7], { score: 0.5, limit: 1 })).toEqual([1]);
    expect(nonMaxSuppression([], [])).toEqual([]);
  });

  test("scores of another count are refused", () => {
    expect(() => nonMaxSuppression(boxes, [1])).toThrow(/scores has 1 numbers; expected 4/);
    expect(() => nonMaxSuppression(boxes, [1, 1, 1, 1], { iou: 2 })).toThrow(/iou is 2/);
  });
});

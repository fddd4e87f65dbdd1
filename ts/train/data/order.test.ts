import { expect, test } from "vitest";
import { inOrder, shuffledOrder } from "./order.ts";

test.each([0, 1, 2, 3, 1000])("a shuffled order of %i has every number once", (size) => {
  const order = shuffledOrder(size, 1, 0);
  expect(order.toSorted()).toEqual(inOrder(size));
});

test("the order depends on the seed and the epoch, and on nothing else", () => {
  const order = shuffledOrder(1000, 1, 0);
  expect(shuffledOrder(1000, 1, 0)).toEqual(order);
  for (const other of [shuffledOrder(1000, 1, 1), shuffledOrder(1000, 2, 0), shuffledOrder(1000, 0, 1)]) {
    expect(other).not.toEqual(order);
    // Of unrelated orders, one number on average is at the same place.
    expect(other.filter((index, place) => order[place] === index).length).toBeLessThan(8);
  }
});

test("every number comes to every place about equally often", () => {
  const counts = new Int32Array(16);
  for (let epoch = 0; epoch < 4000; epoch++) {
    for (const [place, index] of shuffledOrder(4, 9, epoch).entries())
      counts[place * 4 + index] = (counts[place * 4 + index] ?? 0) + 1;
  }
  // 1000 each, give or take five standard deviations of a binomial.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(750));
});

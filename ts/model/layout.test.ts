import { describe, expect, it } from "vitest";
import { at, sizeOf, transposedIndices } from "../test/oracle/nd.ts";
import { Random } from "../test/oracle/random.ts";
import {
  channelsLast,
  collapse,
  isSameOrder,
  moveBetween,
  type Order,
  orderWithout,
  physicalShape,
  plainOrder,
  reshapedOrder,
  transposedOrder,
} from "./layout.ts";

/** Where each element of a value lies in memory: `result[place]` is its row-major index. */
function memory(shape: readonly number[], order: Order): number[] {
  return [...transposedIndices(shape, order)];
}

const random = new Random(7);
const cases = Array.from({ length: 300 }, () => {
  const shape = Array.from({ length: random.int(0, 5) }, () => random.pick([1, 1, 2, 3, 4]));
  return { shape, from: random.permutation(shape.length), to: random.permutation(shape.length) };
});

describe("orders", () => {
  it("name the axes outermost first", () => {
    expect(channelsLast(4)).toEqual([0, 2, 3, 1]);
    expect(channelsLast(3)).toEqual([0, 2, 1]);
    expect(channelsLast(2)).toEqual([0, 1]);
    expect(physicalShape([1, 2, 3, 4], channelsLast(4))).toEqual([1, 3, 4, 2]);
    expect(orderWithout([0, 2, 3, 1], (axis) => axis === 2)).toEqual([0, 2, 1]);
  });

  it("are the same where only axes of size 1 differ", () => {
    expect(isSameOrder([1, 8, 1, 1], plainOrder(4), channelsLast(4))).toBe(true);
    expect(isSameOrder([1, 1, 5, 7], plainOrder(4), channelsLast(4))).toBe(true);
    for (const { shape, from, to } of cases) {
      const [a, b] = [memory(shape, from), memory(shape, to)];
      // The same order lays every element in the same place; sizes tell other orders apart.
      if (isSameOrder(shape, from, to)) expect(a).toEqual(b);
      else expect(a).not.toEqual(b);
    }
  });

  it("follow a Transpose", () => {
    for (const { shape, from, to: perm } of cases) {
      const source = transposedIndices(shape, perm);
      const moved = memory(
        perm.map((axis) => at(shape, axis)),
        transposedOrder(from, perm),
      );
      expect(moved.map((index) => source[index])).toEqual(memory(shape, from));
    }
  });
});

describe("moveBetween", () => {
  it("moves every element to its place", () => {
    for (const { shape, from, to } of cases) {
      const move = moveBetween(shape, from, to);
      const source = memory(shape, from);
      expect([...transposedIndices(move.shape, move.perm)].map((place) => source[place])).toEqual(memory(shape, to));
    }
  });

  it("has as few axes as can be", () => {
    expect(moveBetween([1, 3, 8, 9], plainOrder(4), channelsLast(4))).toEqual({ shape: [3, 72], perm: [1, 0] });
    expect(moveBetween([2, 3, 8, 9], channelsLast(4), plainOrder(4))).toEqual({ shape: [2, 72, 3], perm: [0, 2, 1] });
    expect(moveBetween([1, 3, 1, 1], channelsLast(4), plainOrder(4))).toEqual({ shape: [3], perm: [0] });
  });
});

describe("reshapedOrder", () => {
  it("keeps elements where they are, or says that it cannot", () => {
    let kept = 0;
    for (let i = 0; i < 2000; i++) {
      const shape = Array.from({ length: random.int(1, 4) }, () => random.pick([1, 2, 3, 4, 6]));
      const order = random.permutation(shape.length);
      const next = otherShape(shape);
      const nextOrder = reshapedOrder(shape, order, next);
      if (nextOrder === undefined) continue;
      kept++;
      expect(nextOrder.toSorted((a, b) => a - b)).toEqual(plainOrder(next.length));
      expect(memory(next, nextOrder)).toEqual(memory(shape, order));
    }
    expect(kept).toBeGreaterThan(300);
  });

  it("keeps what a network does with images", () => {
    const order = channelsLast(4);
    expect(reshapedOrder([2, 8, 4, 5], order, [2, 8, 20])).toEqual([0, 2, 1]);
    expect(reshapedOrder([1, 8, 1, 1], order, [1, 8])).toEqual([0, 1]);
    expect(reshapedOrder([1, 8, 1, 40], order, [1, 8, 40])).toEqual([0, 2, 1]);
    expect(reshapedOrder([1, 12, 4, 5], order, [1, 3, 4, 4, 5])).toEqual([0, 3, 4, 1, 2]);
    expect(reshapedOrder([1, 8, 4, 5], order, [1, 160])).toBeUndefined();
    // In logical order anything goes.
    expect(reshapedOrder([2, 3, 4], plainOrder(3), [4, 6])).toEqual([0, 1]);
  });

  it("finds every order that can stay", () => {
    for (const { shape, from } of cases) expect(reshapedOrder(shape, from, shape)).toBeDefined();
  });
});

/** A random shape of as many elements. */
function otherShape(shape: readonly number[]): number[] {
  let rest = sizeOf(shape);
  const next: number[] = [];
  while (rest > 1 && next.length < 5) {
    const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((size) => rest % size === 0);
    const size = random.pick(divisors);
    next.push(size);
    rest /= size;
  }
  return rest > 1 ? [...next, rest] : next;
}

describe("collapse", () => {
  it("merges neighbours that repeat together", () => {
    expect(
      collapse([
        [2, 7, 9, 16],
        [2, 1, 1, 16],
      ]),
    ).toEqual([
      [2, 63, 16],
      [2, 1, 16],
    ]);
    expect(
      collapse([
        [1, 7, 9, 16],
        [1, 7, 9, 16],
      ]),
    ).toEqual([[1008], [1008]]);
    expect(
      collapse([
        [1, 7, 9, 16],
        [1, 1, 1, 1],
      ]),
    ).toEqual([[1008], [1]]);
    expect(
      collapse([
        [1, 1],
        [1, 1],
      ]),
    ).toEqual([[], []]);
  });
});

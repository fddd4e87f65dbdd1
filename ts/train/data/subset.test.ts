import { describe, expect, test } from "vitest";
import { arrays } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";
import { inOrder } from "./order.ts";
import { split, subset } from "./subset.ts";
import { failure } from "./testing/codes.ts";

const ten = arrays({
  x: { data: Float32Array.from({ length: 10 }, (_, i) => i), shape: [10, 1] },
  y: Float32Array.from({ length: 10 }, (_, i) => i),
});

async function numbers(dataset: Dataset): Promise<number[]> {
  const { inputs, targets } = await dataset.batch(inOrder(dataset.size), 0);
  expect(inputs).toEqual(targets);
  return Array.from(inputs);
}

test("a part of a dataset, by a range or by numbers", async () => {
  expect(await numbers(subset(ten, 7))).toEqual([7, 8, 9]);
  expect(await numbers(subset(ten, 2, 4))).toEqual([2, 3]);
  expect(await numbers(subset(ten, Int32Array.of(9, 0, 9)))).toEqual([9, 0, 9]);
  expect(await numbers(subset(subset(ten, 5), 1, 3))).toEqual([6, 7]);
  expect(subset(ten, 0, 1).classes).toEqual(ten.classes);
});

test.each<[string, () => unknown, string]>([
  ["a start beyond the end", () => subset(ten, 11), "start is 11; expected an integer from 0 to 10"],
  ["an end before the start", () => subset(ten, 5, 4), "end is 4; expected an integer from 5 to 10"],
  [
    "a number that there is not",
    () => subset(ten, Int32Array.of(3, 10)),
    "indices is 10; expected numbers from 0 to 9",
  ],
  ["a part of 1", () => split(ten, 1), "part is 1; expected a number between 0 and 1"],
])("%s is refused", async (_, call, text) => {
  expect(await failure(call)).toContain(text);
});

describe("split", () => {
  test("gives every sample to one of two parts, the same ones for the same seed", async () => {
    const { training, validation } = split(ten, 0.3, { shuffle: 4 });
    expect([training.size, validation.size]).toEqual([7, 3]);
    const held = await numbers(validation);
    expect([...(await numbers(training)), ...held].toSorted((a, b) => a - b)).toEqual(Array.from(inOrder(10)));
    expect(await numbers(split(ten, 0.3, { shuffle: 4 }).validation)).toEqual(held);
    expect(await numbers(split(ten, 0.3, { shuffle: 5 }).validation)).not.toEqual(held);
  });

  test("without a seed holds out the last ones", async () => {
    const { training, validation } = split(ten, 0.2, { shuffle: false });
    expect(await numbers(training)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await numbers(validation)).toEqual([8, 9]);
  });
});

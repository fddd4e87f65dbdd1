import { describe, expect, test } from "vitest";
import { arrays, type ArraysOptions } from "./arrays.ts";
import { failure } from "./testing/codes.ts";

const bytes = Uint8Array.from({ length: 3 * 2 * 2 }, (_, i) => i * 20);

async function first(options: ArraysOptions): Promise<number[]> {
  const { inputs } = await arrays(options).batch(Int32Array.of(0), 0);
  return Array.from(inputs);
}

describe("arrays", () => {
  test("samples come in the order asked for, bytes as numbers from 0 to 1", async () => {
    const dataset = arrays({ x: { data: bytes, shape: [3, 2, 2, 1] }, y: [2, 0, 1] });
    expect(dataset).toMatchObject({ size: 3, inputShape: [2, 2, 1], targetShape: [], classes: ["0", "1", "2"] });
    const { inputs, targets } = await dataset.batch(Int32Array.of(2, 0, 2), 0);
    const expected = [160, 180, 200, 220, 0, 20, 40, 60, 160, 180, 200, 220].map((byte) => Math.fround(byte / 255));
    expect(Array.from(inputs)).toEqual(expected);
    expect(Array.from(targets)).toEqual([1, 2, 1]);
  });

  test("numbers of float32 stay as they are", async () => {
    const data = Float32Array.of(1.5, -2, 1e9, 0.1);
    expect(await first({ x: { data, shape: [1, 4] }, y: [0] })).toEqual(Array.from(data));
  });

  test("mean and std are for all, or for each channel", async () => {
    const x = { data: Float32Array.of(1, 2, 3, 4), shape: [1, 2, 1, 2] };
    expect(await first({ x, y: [0], mean: 1, std: 2 })).toEqual([0, 0.5, 1, 1.5]);
    expect(await first({ x, y: [0], mean: [1, 0], std: [2, 4] })).toEqual([0, 0.5, 1, 1]);
    const white = { data: Uint8Array.of(255, 255, 0, 0), shape: [1, 2, 1, 2] };
    expect(await first({ x: white, y: [0], mean: [0.5, 0], std: [0.5, 2] })).toEqual([1, 0.5, -1, 0]);
  });

  test("targets may have a shape of their own", async () => {
    const y = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] };
    const dataset = arrays({ x: { data: bytes, shape: [3, 4] }, y });
    expect(dataset).toMatchObject({ targetShape: [2], classes: undefined });
    expect(Array.from((await dataset.batch(Int32Array.of(1), 0)).targets)).toEqual([3, 4]);
  });

  test("targets that are no classes have no names", () => {
    expect(arrays({ x: { data: bytes, shape: [3, 4] }, y: [0.5, 1, 2] }).classes).toBeUndefined();
    expect(arrays({ x: { data: bytes, shape: [3, 4] }, y: [-1, 1, 2] }).classes).toBeUndefined();
  });

  test.each<[string, ArraysOptions, string]>([
    [
      "a length that is not the shape's",
      { x: { data: bytes, shape: [3, 5] }, y: [0, 1, 2] },
      "shape-mismatch: data.arrays: x has shape [3, 5], which is 15 elements, but data has 12",
    ],
    [
      "too few targets",
      { x: { data: bytes, shape: [3, 4] }, y: [0, 1] },
      "shape-mismatch: data.arrays: y has 2 targets; expected 3",
    ],
    [
      "a label that is no class",
      { x: { data: bytes, shape: [3, 4] }, y: [0, 1, 2], classes: ["cat", "dog"] },
      "invalid-argument: data.arrays: y[2] is 2; expected the number of a class, from 0 to 1",
    ],
    [
      "a shape without samples",
      { x: { data: bytes, shape: [] }, y: [] },
      "invalid-argument: data.arrays: x.shape is []",
    ],
    [
      "mean of two channels for one",
      { x: { data: bytes, shape: [3, 4, 1] }, y: [0, 1, 2], mean: [0, 1] },
      "invalid-argument: data.arrays: mean is [0, 1]; expected a finite number, or 1 of them",
    ],
    [
      "a divisor of 0",
      { x: { data: bytes, shape: [3, 4, 1] }, y: [0, 1, 2], std: 0 },
      "invalid-argument: data.arrays: std is 0; expected numbers other than 0",
    ],
  ])("%s is refused", async (_, options, text) => {
    expect(await failure(() => arrays(options))).toContain(text);
  });
});

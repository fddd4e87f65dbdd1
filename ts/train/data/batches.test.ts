import { describe, expect, test } from "vitest";
import { arrays } from "./arrays.ts";
import { Batches, type SampleBatch } from "./batches.ts";
import type { Dataset } from "./dataset.ts";
import { inOrder } from "./order.ts";
import { failure } from "./testing/codes.ts";

const seven = arrays({
  x: { data: Float32Array.from({ length: 14 }, (_, i) => i), shape: [7, 2] },
  y: [0, 1, 2, 3, 4, 5, 6],
});

async function all(batches: Batches): Promise<SampleBatch[]> {
  const read: SampleBatch[] = [];
  for (let batch = await batches.next(); batch !== undefined; batch = await batches.next()) read.push(batch);
  return read;
}

describe("Batches", () => {
  test("give every sample once, in the order asked for; the last batch has what is left", async () => {
    const batches = new Batches(seven, { order: Int32Array.of(6, 5, 4, 3, 2, 1, 0), batchSize: 3, epoch: 0 });
    expect(batches.count).toBe(3);
    const read = await all(batches);
    expect(read.map(({ size }) => size)).toEqual([3, 3, 1]);
    expect(read.flatMap(({ indices }) => Array.from(indices))).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(read.flatMap(({ targets }) => Array.from(targets))).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(read[2]?.inputs).toEqual(Float32Array.of(0, 1));
  });

  test("go on where a pass was left", async () => {
    const batches = new Batches(seven, { order: inOrder(7), batchSize: 3, epoch: 0, start: 2 });
    expect((await all(batches)).flatMap(({ indices }) => Array.from(indices))).toEqual([6]);
    expect(batches.position).toBe(3);
  });

  test("are made beforehand when told to, each once, and with the epoch", async () => {
    const asked: string[] = [];
    const told: Dataset = {
      ...seven,
      batch: (indices, epoch) => {
        asked.push(`${indices.join()} in ${epoch}`);
        return seven.batch(indices, epoch);
      },
    };
    const batches = new Batches(told, { order: inOrder(7), batchSize: 4, epoch: 9 });
    batches.prepare();
    batches.prepare();
    expect(asked).toEqual(["0,1,2,3 in 9"]);
    await batches.next();
    expect(asked).toHaveLength(1);
    batches.prepare();
    expect(asked).toEqual(["0,1,2,3 in 9", "4,5,6 in 9"]);
    expect((await batches.next())?.size).toBe(3);
    batches.prepare();
    expect(await batches.next()).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  test("that a dataset fails to give reject when they are read, and may be asked for again", async () => {
    let sound = false;
    const failing: Dataset = {
      ...seven,
      batch: (indices, epoch) => (sound ? seven.batch(indices, epoch) : Promise.reject(new Error("the disk is gone"))),
    };
    const batches = new Batches(failing, { order: inOrder(7), batchSize: 7, epoch: 0 });
    batches.prepare();
    // Long enough for a rejection that nobody handles to be noticed.
    await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(batches.next()).rejects.toThrow("the disk is gone");
    sound = true;
    expect((await batches.next())?.size).toBe(7);
  });

  test("of a wrong length are refused", async () => {
    const short: Dataset = { ...seven, batch: () => ({ inputs: new Float32Array(13), targets: new Float32Array(7) }) };
    const batches = new Batches(short, { order: inOrder(7), batchSize: 7, epoch: 0 });
    expect(await failure(() => batches.next())).toBe(
      "shape-mismatch: fit: the dataset's batch(indices) gave as inputs a Float32Array of 13 elements; expected a Float32Array of 14 elements, 7 samples of shape [2]",
    );
  });
});

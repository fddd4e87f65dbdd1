/** Training in Chromium: in the page's thread and in a worker. */
import { createEngine, type Engine } from "lenslet";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { abortAtRandom, flatMemory, trainedBits } from "./testing/engines.ts";
import { MODEL, transfer } from "./testing/transfer.ts";

describe.each([{ worker: false }, { worker: true }])("%o", ({ worker }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ training: true, worker });
  });
  afterAll(() => engine.dispose());

  test("aborted at any moment, it settles, and the model has the weights of a whole step", {
    timeout: 120_000,
  }, async () => {
    expect(await abortAtRandom(engine, 60)).toBeGreaterThan(30);
  });

  test("memory stays as it is", { timeout: 120_000 }, async () => {
    await flatMemory(engine, 400);
  });
});

test("the bits are the same in the page's thread and in a worker", async () => {
  using thread = await createEngine({ training: true });
  using worker = await createEngine({ training: true, worker: true });
  expect(await trainedBits(worker)).toBe(await trainedBits(thread));
});

test("EfficientNet learns other classes, what is frozen unchanged", { timeout: 120_000 }, async () => {
  const address = inject("modelAddresses")[MODEL];
  if (address === undefined) throw new Error(`nobody provides ${MODEL}`);
  using engine = await createEngine({ training: true, worker: true });
  using trained = await engine.load(address);
  await transfer(engine, trained);
});

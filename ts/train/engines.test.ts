/** Training in each engine of Node. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createEngine, type Engine } from "lenslet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { abortAtRandom, flatMemory, trainedBits, TRAINING } from "./testing/engines.ts";
import { bitsOf, lineNetwork } from "./testing/tiny.ts";

describe.each([
  { build: "relaxed", worker: false },
  { build: "relaxed", worker: true },
  { build: "simd", worker: false },
] as const)("%o", (options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ ...options, training: true });
  });
  afterAll(() => engine.dispose());

  test("the engine is the one that was asked for", () => {
    const { build, host, training } = engine.info;
    expect({ build, worker: host !== "thread", training }).toEqual({ ...options, training: true });
  });

  test("aborted at any moment, it settles, and the model has the weights of a whole step", {
    timeout: 240_000,
  }, async () => {
    const times = options.build === "relaxed" ? 200 : 40;
    expect(await abortAtRandom(engine, times)).toBeGreaterThan(times / 2);
  });

  test("memory stays as it is over thousands of steps", { timeout: 120_000 }, async () => {
    await flatMemory(engine, options.build === "relaxed" ? 2000 : 300);
  });
});

test.each(["relaxed", "simd"] as const)("%s: the bits are the same in a thread and in a worker", async (build) => {
  using thread = await createEngine({ build, training: true });
  using worker = await createEngine({ build, training: true, worker: true });
  const bits = await trainedBits(thread);
  expect(await trainedBits(worker)).toBe(bits);
  // And again, in an engine that has been used.
  expect(await trainedBits(thread)).toBe(bits);
});

test("a worker that dies ends the training, and the model has the weights of the last epoch", async () => {
  let worker: Worker | undefined;
  using engine = await createEngine({
    training: true,
    worker: () => {
      worker = new Worker(join(import.meta.dirname, "../../dist/node/worker.js"));
      return worker;
    },
  });
  const model = await engine.load(lineNetwork());
  let bits: unknown;
  const fit = model.fit({
    ...TRAINING,
    epochs: 50,
    onBatch: async ({ step }) => {
      if (step === 10) await worker?.terminate();
    },
    onEpoch: () => {
      bits = bitsOf(model.graph);
    },
  });
  await expect(fit).rejects.toMatchObject({ code: "worker-lost" });
  expect(bitsOf(model.graph)).toEqual(bits);
});

test("an engine or a model that ends in mid-training ends the training, with its own error", async () => {
  const ends: readonly [string, (engine: Engine, dispose: () => void) => void][] = [
    ["engine-disposed", (engine) => engine.dispose()],
    ["tensor-disposed", (_, dispose) => dispose()],
  ];
  for (const worker of [false, true]) {
    for (const [code, end] of ends) {
      using engine = await createEngine({ training: true, worker });
      const model = await engine.load(lineNetwork());
      const fit = model.fit({
        ...TRAINING,
        epochs: 50,
        onBatch: ({ step }) => {
          if (step === 5) setTimeout(() => end(engine, () => model.dispose()), 1);
        },
      });
      await expect(fit).rejects.toMatchObject({ code });
    }
  }
});

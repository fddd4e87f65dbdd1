/** Trained networks in Node: in this thread and in a worker, exactly and fast. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createEngine, type Engine } from "lenslet";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type ModelName, modelFile } from "../../../demo/models/fetch.ts";
import { equal } from "../conformance/case.ts";
import { type Expectations, type Files, numberCase, purposes } from "./cases.ts";

const bytes = (path: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(path));
const files: Files = {
  model: async (name) => bytes(modelFile(name as ModelName)),
  demo: async (path) => bytes(join(import.meta.dirname, "../../../demo", path)),
  keys: async () => bytes(modelFile("ppocr-keys")),
};
const { cases }: Expectations = JSON.parse(readFileSync(join(import.meta.dirname, "expected.json"), "utf8"));

const engines = [
  { worker: false, accuracy: "strict" },
  { worker: true, accuracy: "fast" },
  { worker: false, accuracy: "fast", build: "simd" },
] as const;

describe.each(engines)("trained networks, %o", (options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(() => engine.dispose());

  test.each([...cases.map(numberCase), ...purposes])("$name", { timeout: 120_000 }, async ({ run }) => {
    await run(engine, files);
    equal(engine.memory().tensors, 0, "tensors left behind");
  });
});

import { readFileSync } from "node:fs";
import { createEngine } from "lenslet";
import { expect, test } from "vitest";
import { modelFile } from "../../demo/models/fetch.ts";
import { fineTune } from "./testing/fine-tune.ts";

test("a face detector learns textures in Node, what is frozen unchanged", { timeout: 120_000 }, async () => {
  const engine = await createEngine({ training: true });
  const { accuracy, frozen, changed } = await fineTune(
    engine,
    new Uint8Array(readFileSync(modelFile("blazeface-front"))),
  );
  expect(frozen).toBeGreaterThanOrEqual(40);
  expect(changed).toEqual([]);
  expect(accuracy).toBeGreaterThan(0.8);
  expect(engine.memory().tensors).toBe(0);
  engine.dispose();
});

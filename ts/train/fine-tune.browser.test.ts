import { createEngine } from "lenslet";
import { expect, inject, test } from "vitest";
import { fineTune } from "./testing/fine-tune.ts";

test("a face detector learns textures in the page, what is frozen unchanged", { timeout: 120_000 }, async () => {
  const response = await fetch(inject("modelAddresses")["blazeface-front"] ?? "");
  const engine = await createEngine({ training: true, worker: true });
  const { accuracy, frozen, changed } = await fineTune(engine, new Uint8Array(await response.arrayBuffer()));
  expect(frozen).toBeGreaterThanOrEqual(40);
  expect(changed).toEqual([]);
  expect(accuracy).toBeGreaterThan(0.8);
  expect(engine.memory().tensors).toBe(0);
  engine.dispose();
});

import { readFileSync } from "node:fs";
import { createEngine } from "lenslet";
import { test } from "vitest";
import { modelFile } from "../../demo/models/fetch.ts";
import { MODEL, transfer } from "./testing/transfer.ts";

test("EfficientNet learns other classes, what is frozen unchanged", { timeout: 120_000 }, async () => {
  using engine = await createEngine({ training: true });
  using trained = await engine.load(readFileSync(modelFile(MODEL)));
  await transfer(engine, trained);
});

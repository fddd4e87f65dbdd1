/** A sample of ONNX's own test cases in Chromium, in this thread and in a worker. */
import { createEngine, type Engine } from "lenslet";
import { afterAll, beforeAll, describe, inject, test } from "vitest";
import { toleranceOf } from "./compare.ts";
import { runCase } from "./run-case.ts";

const cases = inject("onnxCases");
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

describe.each([false, true])("ONNX's test cases, worker: %s", (worker) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ accuracy: "strict", worker });
  });
  afterAll(() => engine.dispose());

  test("there are cases", ({ skip }) => {
    if (cases.length === 0) skip("Debian's libonnx-testdata is not on this machine");
  });

  for (const { name, model, sets } of cases) {
    test(name, async () => {
      const unpacked = sets.map(({ inputs, outputs }) => ({
        inputs: inputs.map(bytesOf),
        outputs: outputs.map(bytesOf),
      }));
      await runCase(engine, bytesOf(model), unpacked, toleranceOf(name));
    });
  }
});

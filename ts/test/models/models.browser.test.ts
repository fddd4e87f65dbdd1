/** Trained networks in Chromium: in this thread and in a worker. */
import { createEngine, type Engine } from "lenslet";
import { afterAll, beforeAll, describe, inject, test } from "vitest";
import { equal } from "../conformance/case.ts";
import { type Files, numberCase, purposes } from "./cases.ts";

const addresses = inject("modelAddresses");

async function fetched(address: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (address === undefined) throw new Error("a file that nobody provides");
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const files: Files = {
  model: (name) => fetched(addresses[name]),
  demo: (path) => fetched(`/demo/${path}`),
  keys: () => fetched(addresses["ppocr-keys"]),
};

describe.each([
  { worker: false, accuracy: "fast" },
  { worker: true, accuracy: "strict" },
] as const)("trained networks, %o", (options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(() => engine.dispose());

  test.each([...inject("modelExpectations").cases.map(numberCase), ...purposes])(
    "$name",
    { timeout: 120_000 },
    async ({ run }) => {
      await run(engine, files);
      equal(engine.memory().tensors, 0, "tensors left behind");
    },
  );
});

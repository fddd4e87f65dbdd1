/** The suites in Node 20, the oldest that the package supports: thread and worker. It has no relaxed SIMD. */
import assert from "node:assert";
import { after, describe, test } from "node:test";
import { createEngine, LensletError } from "lenslet";
import { readReferences } from "./reference/files.ts";
import { unpack } from "./reference/unpack.ts";
import { type Runner, registerConformance, registerParity, targets } from "./register.ts";

const runner: Runner = {
  describe: (name, body) => {
    describe(name, body);
  },
  test: (name, run, timeout = 30_000) => {
    test(name, { timeout }, run);
  },
  afterAll: (run) => after(run),
};
const references = readReferences(process.cwd()).map(unpack);
const seed = Number(process.env["LENSLET_SEED"] ?? 1);

test("this is Node 20, which has no relaxed SIMD", async () => {
  assert.match(process.versions.node, /^20\./);
  await assert.rejects(createEngine({ build: "relaxed" }), (error) => {
    return error instanceof LensletError && error.code === "wasm-unsupported";
  });
  const engine = await createEngine();
  assert.strictEqual(engine.info.build, "simd");
  engine.dispose();
});

for (const target of targets("node", ["simd"])) {
  registerConformance(runner, target, { references, seed });
  if (target.worker) registerParity(runner, target);
}

/** The operators of training in Node 20, which has no relaxed SIMD: thread and worker. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { gradientGroups } from "./gradient/reference.ts";
import { registerGradients } from "./gradient/register.ts";
import { readReferences } from "./reference/files.ts";
import { unpack } from "./reference/unpack.ts";

const DIST = join(process.cwd(), "dist");

registerGradients(
  {
    describe: (name, body) => {
      describe(name, body);
    },
    test: (name, run, timeout = 30_000) => {
      test(name, { timeout }, run);
    },
    afterAll: (run) => after(run),
  },
  {
    core: async (name) => Uint8Array.from(await readFile(join(DIST, "wasm", `${name}.wasm`))),
    worker: () => new Worker(join(DIST, "node", "worker.js")),
  },
  ["simd"],
  readReferences(process.cwd(), gradientGroups).map(unpack),
);

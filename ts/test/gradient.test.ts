/** The operators of training in this Node: thread and worker, both builds. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, describe, test } from "vitest";
import { gradientGroups } from "./gradient/reference.ts";
import { registerGradients } from "./gradient/register.ts";
import { readReferences } from "./reference/files.ts";
import { unpack } from "./reference/unpack.ts";

const ROOT = join(import.meta.dirname, "..", "..");

registerGradients(
  { describe, test: (name, run, timeout) => test(name, run, timeout), afterAll },
  {
    core: async (name) => Uint8Array.from(await readFile(join(ROOT, "dist", "wasm", `${name}.wasm`))),
    worker: () => new Worker(join(ROOT, "dist", "node", "worker.js")),
  },
  ["simd", "relaxed"],
  readReferences(ROOT, gradientGroups).map(unpack),
);

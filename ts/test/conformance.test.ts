/** The suites in this Node: thread and worker, both builds. */
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import { readReferences } from "./reference/files.ts";
import { unpack } from "./reference/unpack.ts";
import { type Runner, registerConformance, registerParity, registerStrict, targets } from "./register.ts";

const runner: Runner = { describe, test: (name, run, timeout) => test(name, run, timeout), afterAll };
const references = readReferences(join(import.meta.dirname, "..", "..")).map(unpack);
const seed = Number(process.env["LENSLET_SEED"] ?? 1);

for (const target of targets("node", ["simd", "relaxed"])) {
  registerConformance(runner, target, { references, seed });
  if (target.worker) registerParity(runner, target);
  else registerStrict(runner, target, seed);
}

/** The suites in Chromium: thread and worker, both builds. */
import { afterAll, describe, inject, test } from "vitest";
import { unpack } from "./reference/unpack.ts";
import { type Runner, registerConformance, registerParity, targets } from "./register.ts";

const runner: Runner = { describe, test: (name, run, timeout) => test(name, run, timeout), afterAll };
const references = inject("references").map(unpack);
const seed = inject("seed");

for (const target of targets("browser", ["simd", "relaxed"])) {
  registerConformance(runner, target, { references, seed });
  if (target.worker) registerParity(runner, target);
}

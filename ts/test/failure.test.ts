/** The failure suite in this Node: thread and worker, both builds. */
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import { nodePlatform } from "./failure/node.ts";
import { registerFailures, targets } from "./register.ts";

const runner = {
  describe,
  test: (name: string, run: () => Promise<void>, timeout?: number) => test(name, run, timeout),
  afterAll,
};
const platform = nodePlatform(join(import.meta.dirname, "..", ".."));

for (const target of targets("node", ["simd", "relaxed"])) registerFailures(runner, target, platform);

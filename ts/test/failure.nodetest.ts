/** The failure suite in Node 20: thread and worker. */
import { after, describe, test } from "node:test";
import { nodePlatform } from "./failure/node.ts";
import { type Runner, registerFailures, targets } from "./register.ts";

const runner: Runner = {
  describe: (name, body) => {
    describe(name, body);
  },
  test: (name, run, timeout = 30_000) => {
    test(name, { timeout }, run);
  },
  afterAll: (run) => after(run),
};

for (const target of targets("node", ["simd"])) registerFailures(runner, target, nodePlatform(process.cwd()));

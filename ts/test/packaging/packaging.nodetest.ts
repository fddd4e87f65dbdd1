import assert from "node:assert/strict";
import { test } from "node:test";
import { version } from "../../version.ts";
import { reportOfNodeProject } from "./node.ts";
import { VALUES } from "./programs.ts";

test("the tarball runs in a fresh project", async () => {
  const { thread, worker, own } = await reportOfNodeProject();
  const common = { build: "simd", runtime: "node", version, values: VALUES };
  assert.deepEqual(thread, { ...common, host: "thread" });
  assert.deepEqual(worker, { ...common, host: "worker-url" });
  assert.deepEqual(own, { ...common, host: "worker-own" });
});

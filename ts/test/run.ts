/**
 * Runs every test there is, and ends with the line `N passed, N failed`.
 *
 *     node ts/test/run.ts
 */

import { node20 } from "./runners/node20.ts";
import { rust } from "./runners/rust.ts";
import type { Counts } from "./runners/suite.ts";
import { chromium, node } from "./runners/vitest.ts";

const total = { passed: 0, failed: 0 };
const lines: string[] = [];

for (const suite of [rust, node, node20, chromium]) {
  console.log(`\n== ${suite.name} ==`);
  const start = performance.now();
  const counts = await suite.run().catch(notRun);
  total.passed += counts.passed;
  total.failed += counts.failed;
  const seconds = Math.round((performance.now() - start) / 1000);
  lines.push(`${suite.name.padEnd(20)} ${describe(counts)} in ${seconds} s`);
}

console.log(`\n${lines.join("\n")}\n${describe(total)}`);
// Nothing failed is no news where nothing ran.
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;

/** A suite that cannot run counts as a failure: silence would look like success. */
function notRun(error: unknown): Counts {
  console.error(error instanceof Error ? error.message : error);
  return { passed: 0, failed: 1 };
}

function describe({ passed, failed }: Counts): string {
  return `${passed} passed, ${failed} failed`;
}

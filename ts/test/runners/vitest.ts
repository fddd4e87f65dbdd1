import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installData } from "../onnx/data.ts";
import { installChromium } from "./chromium.ts";
import { type Counts, counted, type Suite, show } from "./suite.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** The tests in this Node. */
export const node: Suite = {
  name: `Node ${process.versions.node}`,
  async run() {
    if ((await installData()) === undefined)
      console.log("ONNX's own test cases are skipped: apt-get could not get them");
    return runVitest("node");
  },
};

/** The tests in Chromium. */
export const chromium: Suite = {
  name: "Chromium",
  async run() {
    await installChromium();
    return runVitest("chromium");
  },
};

/** Those parts of vitest's JSON report that are read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

async function runVitest(project: string): Promise<Counts> {
  const report = join(ROOT, "target", "test", `${project}.json`);
  rmSync(report, { force: true });
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await show(process.execPath, [vitest, ...args]);
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8")) as Report;
  return counted(code, numPassedTests, numFailedTests);
}

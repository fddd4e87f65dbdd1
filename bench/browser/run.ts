/** The same suite in Chromium: asks the page for a run, collects its report. */
import type { Options } from "../options.ts";
import type { SuiteResult } from "../suite.ts";
import { openPage } from "./host.ts";
import type { PageOptions } from "./page.ts";

export async function runInBrowser(
  options: Options,
  note: (line: string) => void,
): Promise<{ result: SuiteResult; engine: string }> {
  const { page, engine, close } = await openPage("browser/page.ts", note);
  try {
    await page.waitForFunction("globalThis.runBench !== undefined");
    const asked: PageOptions = {
      cases: options.cases,
      peers: options.peers,
      rounds: options.rounds,
      budget: options.budget,
      build: options.build,
    };
    const result: SuiteResult = await page.evaluate((each) => globalThis.runBench(each), asked);
    return { result, engine };
  } finally {
    await close();
  }
}

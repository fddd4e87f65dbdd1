/** What runs in the page. */
import type { Selected } from "../measure.ts";
import type { BuildChoice } from "../peers/peer.ts";
import { runSuite, type SuiteResult } from "../suite.ts";

/** The options that reach the page: plain data. */
export interface PageOptions {
  readonly cases: readonly Selected[];
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly budget: number;
  readonly build: BuildChoice;
}

declare global {
  var runBench: (options: PageOptions) => Promise<SuiteResult>;
  var benchProgress: (line: string) => Promise<void>;
}

globalThis.runBench = (options) => {
  if (!globalThis.crossOriginIsolated) throw new Error("the page is not isolated: its clock would be too coarse");
  return runSuite(
    { ...options, now: () => performance.now() },
    { host: "browser", build: options.build, asset: (path) => `/node_modules/${path}` },
    (line) => void globalThis.benchProgress(line),
  );
};

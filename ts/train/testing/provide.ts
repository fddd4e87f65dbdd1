/** Trains in Node, so that tests in the browser can compare bits: a global setup of vitest. */
import { createEngine } from "lenslet";
import type { TestProject } from "vitest/node";
import { trainedFingerprint } from "./fingerprint.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** What training in Node leaves, by build. */
    trainedFingerprints: Readonly<Record<string, Readonly<Record<string, string>>>>;
  }
}

export default async function provideTrained(project: TestProject): Promise<void> {
  const found: Record<string, Readonly<Record<string, string>>> = {};
  for (const build of ["simd", "relaxed"] as const) {
    const engine = await createEngine({ training: true, build });
    found[build] = await trainedFingerprint(engine);
    engine.dispose();
  }
  project.provide("trainedFingerprints", found);
}

/** Hands the reference cases to tests in the browser, which cannot read files: a global setup of vitest. */
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { gradientGroups } from "../gradient/reference.ts";
import { type PackedReference, readReferences } from "./files.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Cases of PyTorch. */
    references: readonly PackedReference[];
    /** Those of training. */
    gradientReferences: readonly PackedReference[];
    /** Seed of the random specs. */
    seed: number;
  }
}

export default function provideReferences(project: TestProject): void {
  const root = join(import.meta.dirname, "..", "..", "..");
  project.provide("references", readReferences(root));
  project.provide("gradientReferences", readReferences(root, gradientGroups));
  project.provide("seed", Number(process.env["LENSLET_SEED"] ?? 1));
}

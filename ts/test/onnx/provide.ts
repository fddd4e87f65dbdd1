/** Hands the sample of ONNX's test cases to tests in the browser, which cannot read files: a global setup of vitest. */
import type { TestProject } from "vitest/node";
import { findData } from "./data.ts";
import { type PackedCase, sample } from "./sample.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Cases of ONNX; none where the machine has not got them. */
    onnxCases: readonly PackedCase[];
  }
}

export default function provideCases(project: TestProject): void {
  const folder = findData();
  project.provide("onnxCases", folder === undefined ? [] : sample(folder));
}

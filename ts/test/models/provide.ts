/** Has the networks ready for tests in the browser, which fetch them from vitest's server: a global setup of vitest. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { TestProject } from "vitest/node";
import { modelFile, modelNames } from "../../../demo/models/fetch.ts";
import type { Expectations } from "./cases.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Addresses of files, by the names of demo/models/fetch.ts. */
    modelAddresses: Readonly<Record<string, string>>;
    modelExpectations: Expectations;
  }
}

const ROOT = join(import.meta.dirname, "../../..");

export default function provideModels(project: TestProject): void {
  const address = (path: string): string => `/${relative(ROOT, path).replaceAll("\\", "/")}`;
  project.provide("modelAddresses", Object.fromEntries(modelNames.map((name) => [name, address(modelFile(name))])));
  project.provide("modelExpectations", JSON.parse(readFileSync(join(import.meta.dirname, "expected.json"), "utf8")));
}

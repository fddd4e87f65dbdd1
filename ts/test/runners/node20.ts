import { globSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { build } from "rolldown";
import { ask } from "../../../crates/build/process.ts";
import { counted, type Suite, show } from "./suite.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const OUT = join(ROOT, "target", "test", "node20");

/**
 * The oldest Node that the package supports: no relaxed SIMD, and too old for vitest and for TypeScript. So the tests in
 * `*.nodetest.ts`, which use `node:test`, are bundled for it.
 */
export const node20: Suite = {
  name: "Node 20",
  async run() {
    const files = await bundleTests();
    if (files.length === 0) return { passed: 0, failed: 0 };
    const [command, ...args] = findNode20();
    const report = join(OUT, "report.tap");
    const reporters = ["spec", "stdout", "tap", report];
    const { code } = await show(command, [
      ...args,
      "--test",
      ...reporters.map((value, i) => `--test-reporter${i % 2 === 0 ? "" : "-destination"}=${value}`),
      ...files,
    ]);
    const tap = readFileSync(report, "utf8");
    const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
    return counted(code, count("pass"), count("fail") + count("cancelled"));
  },
};

/** A bundle a file, which still imports the package by its name: what is tested is what is shipped. */
async function bundleTests(): Promise<string[]> {
  rmSync(OUT, { recursive: true, force: true });
  const sources = globSync("ts/**/*.nodetest.ts", { cwd: ROOT });
  if (sources.length === 0) return [];
  const { output } = await build({
    cwd: ROOT,
    input: Object.fromEntries(sources.map((file) => [file.replace(/\.ts$/, ""), file])),
    platform: "node",
    external: /^lenslet(?:\/|$)/,
    transform: { target: "es2022" },
    output: { dir: OUT, format: "es", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
  });
  return output.flatMap((file) => (file.type === "chunk" && file.isEntry ? [join(OUT, file.fileName)] : []));
}

/** The system's Node, behind the one that the project's dependencies put in front of it, if it is a 20; else npm's. */
function findNode20(): readonly [string, ...string[]] {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  for (const node of folders.map((folder) => join(folder, "node"))) {
    if (ask(node, ["--version"])?.startsWith("v20.")) return [node];
  }
  const npx = join(dirname(process.execPath), "npx");
  return [ask(npx, ["--version"]) === undefined ? "npx" : npx, "--yes", "--package=node@20", "--", "node"];
}

/** Knows whether the last build still stands: the same inputs, and its outputs still there. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT, TARGET } from "./paths.ts";
import { ask } from "./process.ts";
import { OUTPUTS } from "./publish.ts";
import { TOOL_LIST } from "./tools.ts";

const RECORD = join(TARGET, "wasm", "fingerprint");

/** Everything that can change the output. The build's own scripts count: they hold the flags. */
export function fingerprint(): string {
  const hash = createHash("sha256");
  const files = [
    ...["Cargo.toml", "Cargo.lock", "crates/build.ts", "node_modules/binaryen/package.json"],
    ...["crates/build", "crates/kernels", "crates/wasm"].flatMap(sources),
  ];
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update("\0");
  for (const { command, version } of TOOL_LIST) hash.update(`${command} ${version}\0`);
  hash.update(ask("rustc", ["-vV"]) ?? "no rustc");
  return hash.digest("hex");
}

/** Files below a folder that end up in the wasm: tests, benches and examples do not. */
function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:rs|toml|ts)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((file) => !/^crates[/\\]\w+[/\\](?:tests|benches|examples|fuzz)[/\\]/.test(file))
    .sort();
}

export function isUpToDate(inputs: string): boolean {
  return existsSync(RECORD) && readFileSync(RECORD, "utf8") === inputs && OUTPUTS.every((file) => existsSync(file));
}

export function recordBuild(inputs: string): void {
  mkdirSync(dirname(RECORD), { recursive: true });
  writeFileSync(RECORD, inputs);
}

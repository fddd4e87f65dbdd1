/** What is installed: versions, and sizes of what a runtime loads. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { peers } from "./peers/all.ts";
import type { Peer } from "./peers/peer.ts";
import type { SizeReport } from "./report.ts";

/** The path of a file of an installed package. */
export function asset(path: string): string {
  return fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));
}

export function version({ packageName }: Peer): string {
  try {
    const { version: found }: { version?: unknown } = JSON.parse(
      readFileSync(asset(`${packageName}/package.json`), "utf8"),
    );
    return String(found);
  } catch {
    return "not installed";
  }
}

export function sizes(names: readonly string[]): readonly SizeReport[] {
  return peers
    .filter(({ name }) => names.includes(name))
    .flatMap((peer) => {
      try {
        return [size(peer)];
      } catch {
        return [];
      }
    });
}

function size({ name, files, wasm }: Peer): SizeReport {
  const loaded = files.flatMap((file) => filesOf(asset(file))).map(weight);
  const binary = wasm === undefined ? undefined : weight(asset(wasm));
  return {
    name,
    raw: loaded.reduce((sum, { raw }) => sum + raw, 0),
    gzip: loaded.reduce((sum, { gzip }) => sum + gzip, 0),
    wasm: binary?.raw,
    wasmGzip: binary?.gzip,
  };
}

function weight(path: string): { readonly raw: number; readonly gzip: number } {
  const content = readFileSync(path);
  return { raw: content.length, gzip: gzipSync(content, { level: 9 }).length };
}

/** A file, or the files of a folder; of native code that of this system only. */
function filesOf(path: string): readonly string[] {
  if (statSync(path).isFile()) return [path];
  const platforms = ["linux", "darwin", "win32", "x64", "arm64"];
  return readdirSync(path)
    .filter((name) => !platforms.includes(name) || name === process.platform || name === process.arch)
    .flatMap((name) => filesOf(join(path, name)));
}

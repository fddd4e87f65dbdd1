/** Turns compiled WebAssembly into the files that the package ships. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { BuildError } from "./errors.ts";
import { DIST_WASM } from "./paths.ts";
import { type Compiled, VARIANTS } from "./variants.ts";

/**
 * Writes a build twice: as `<name>.wasm`, for those who serve or stream the file themselves, and as `<name>.js`, a
 * module that holds the deflated bytes in base64, which any bundler carries along without being told. gzip on the wire
 * takes back what base64 adds.
 */
export async function publish({ variant: { name, training }, wasm, declarations }: Compiled): Promise<void> {
  const bytes = readFileSync(wasm);
  const module = await WebAssembly.compile(bytes);
  for (const section of ["name", "producers", ".debug_info", ".debug_line", ".debug_str", "sourceMappingURL"]) {
    if (WebAssembly.Module.customSections(module, section).length > 0) {
      throw new BuildError(`${name}.wasm still has its "${section}" section: wasm-opt should have removed it.`);
    }
  }
  mkdirSync(DIST_WASM, { recursive: true });
  writeFileSync(join(DIST_WASM, `${name}.wasm`), bytes);
  writeFileSync(
    join(DIST_WASM, `${name}.js`),
    `export default "${deflateRawSync(bytes, { level: 9 }).toString("base64")}";\n`,
  );
  const doc = `/** The ${name} build of the core: deflate-raw bytes in base64. */`;
  writeFileSync(join(DIST_WASM, `${name}.d.ts`), `${doc}\ndeclare const deflated: string;\nexport default deflated;\n`);
  // The types of the raw exports, for `import type * as Exports from "#wasm/exports"`: of all those that a build may have.
  if (training) copyFileSync(declarations, join(DIST_WASM, "exports.d.ts"));
}

/** The files that a finished build consists of. */
export const OUTPUTS: readonly string[] = [
  join(DIST_WASM, "exports.d.ts"),
  ...VARIANTS.flatMap(({ name }) => ["wasm", "js", "d.ts"].map((extension) => join(DIST_WASM, `${name}.${extension}`))),
];

export function reportSizes(): void {
  for (const { name } of VARIANTS) {
    const bytes = readFileSync(join(DIST_WASM, `${name}.wasm`));
    const kilobytes = (size: number): string => `${(size / 1000).toFixed(1)} kB`;
    console.log(
      `  dist/wasm/${name}.wasm  ${kilobytes(bytes.length)}, gzipped ${kilobytes(gzipSync(bytes, { level: 9 }).length)}`,
    );
  }
}

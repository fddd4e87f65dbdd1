/**
 * Bundles the package, once the core is built: `dist/node`, `dist/browser`, and declarations in `dist/types`.
 *
 *     node ts/build.ts
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type OutputChunk } from "rolldown";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

type Platform = "node" | "browser";

/** Modules of `dist` that both platforms import as they lie there: the base64 of the core need not be shipped twice. */
const SHARED = /^#(wasm\/[\w-]+|worker-source)$/;

/** What a bundle may leave to its runtime. All else is bundled, so that a page needs no import map. */
const EXTERNAL: Readonly<Record<Platform, RegExp>> = { node: /^(?:node:.+|sharp)$/, browser: /^$/ };

/** protobuf-es, and the file of it whose licence wants to be repeated, and which bundling would strip of its comments. */
const PROTOBUF = join(ROOT, "node_modules", "@bufbuild", "protobuf");
const BY_GOOGLE = join(PROTOBUF, "dist", "esm", "wire", "varint.js");

/** What licences want told of code that is bundled and does not tell it itself, by the modules that it is in. */
function notices(modules: readonly string[]): string {
  if (!modules.some((id) => id.startsWith(PROTOBUF))) return "";
  const header = /^(?:\/\/.*\n)+/.exec(readFileSync(BY_GOOGLE, "utf8"))?.[0];
  if (header === undefined) throw new Error(`${BY_GOOGLE} has no licence any more; does protobuf-es have another now?`);
  const own = "Contains @bufbuild/protobuf, Copyright 2021-2026 Buf Technologies, Inc., under Apache-2.0, and in it:";
  return `/*!\n${own}\n${header.replace(/^\/\/ ?/gm, "")}*/`;
}

function bundle(platform: Platform, entries: Readonly<Record<string, string>>): BuildOptions {
  return {
    cwd: ROOT,
    input: { ...entries },
    platform,
    external: EXTERNAL[platform],
    resolve: { conditionNames: platform === "node" ? ["node", "import"] : ["browser", "import"] },
    // `using`, say, is younger than the runtimes that the package supports.
    transform: { target: "es2022" },
    plugins: [
      {
        name: "shared-modules",
        resolveId: (id) => (SHARED.test(id) ? { id: id.replace(SHARED, "../$1.js"), external: "relative" } : null),
      },
    ],
    output: {
      dir: join(DIST, platform),
      format: "es",
      entryFileNames: "[name].js",
      chunkFileNames: "[name].js",
      banner: ({ moduleIds }) => notices(moduleIds),
      // Comments and indents are for whoever reads the source; names stay, for whoever reads a stack.
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    },
  };
}

/** A worker is one file, whatever it is started from: a URL, or a Blob that has no neighbours. */
async function bundleWorker(platform: Platform, entry: string): Promise<void> {
  const options = bundle(platform, { worker: entry });
  await build({ ...options, output: { ...options.output, codeSplitting: false } });
  if (platform !== "browser") return;

  const minified = await build({
    ...options,
    write: false,
    output: { ...options.output, codeSplitting: false, minify: true },
  });
  const [worker, ...rest] = minified.output;
  if (rest.length > 0 || worker.imports.length > 0 || worker.dynamicImports.length > 0) {
    throw new Error(
      `The worker is not self-contained: it needs ${[...worker.imports, ...worker.dynamicImports].join(", ")}.`,
    );
  }
  writeFileSync(join(DIST, "worker-source.js"), `export default ${JSON.stringify(worker.code)};\n`);
  writeFileSync(
    join(DIST, "worker-source.d.ts"),
    "/** The browser's worker as source text. */\ndeclare const source: string;\nexport default source;\n",
  );
}

/** Imports of a bundle's chunks that neither the bundle nor its runtime provides. */
function unresolved(platform: Platform, chunks: readonly OutputChunk[]): string[] {
  const own = new Set(chunks.map(({ fileName }) => fileName));
  const provided = (id: string): boolean =>
    own.has(id) || EXTERNAL[platform].test(id) || /^\.\.\/[\w/-]+\.js$/.test(id);
  return chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]).filter((id) => !provided(id));
}

async function bundleIndex(platform: Platform): Promise<void> {
  const { output } = await build(bundle(platform, { index: "ts/index.ts" }));
  const missing = unresolved(
    platform,
    output.filter((file) => file.type === "chunk"),
  );
  if (missing.length > 0) throw new Error(`dist/${platform} imports what it does not ship: ${missing.join(", ")}.`);
}

function declare(): void {
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const project = join(import.meta.dirname, "tsconfig.build.json");
  const { status } = spawnSync(process.execPath, [tsc, "--project", project], { stdio: "inherit" });
  // What is wrong, the compiler has said.
  if (status !== 0) process.exitCode = 1;
}

for (const folder of ["node", "browser", "types"]) rmSync(join(DIST, folder), { recursive: true, force: true });
mkdirSync(DIST, { recursive: true });
// The index bundles refer to the worker's source.
await Promise.all([bundleWorker("node", "ts/worker/entry-node.ts"), bundleWorker("browser", "ts/worker/entry.ts")]);
await Promise.all([bundleIndex("node"), bundleIndex("browser")]);
declare();

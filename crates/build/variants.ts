/** The builds of the core: one source, compiled for different sets of WebAssembly features. */

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BuildError } from "./errors.ts";
import { ROOT, TARGET } from "./paths.ts";
import { run, step } from "./process.ts";
import type { Rust } from "./toolchain.ts";
import type { Tools } from "./tools.ts";

export interface Variant {
  readonly name: string;
  /** rustc's names of the features that it adds to Rust's defaults for wasm32. */
  readonly targetFeatures: readonly string[];
}

/** Files that a build leaves behind. */
export interface Compiled {
  readonly wasm: string;
  /** Types of the raw exports, written by wasm-bindgen. */
  readonly declarations: string;
}

export const VARIANTS: readonly [Variant, ...Variant[]] = [
  { name: "simd", targetFeatures: ["simd128"] },
  { name: "relaxed", targetFeatures: ["simd128", "relaxed-simd"] },
];

/**
 * Loop-strength reduction turns the constant offsets of unrolled loads into pointers of their own, which then push the
 * accumulators out of the registers: a 5x8 micro-kernel ran at 20 GFLOP/s with it, at 50 without.
 */
const CODEGEN_FLAGS = ["-Cllvm-args=-disable-lsr"];

/** For its size: no level changed the kernels' speed. Features are what rustc may use, not what a variant must. */
export const WASM_OPT_FLAGS: readonly string[] = [
  "-O3",
  "--enable-bulk-memory",
  "--enable-multivalue",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-reference-types",
  "--enable-sign-ext",
  "--enable-simd",
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

export function rustFlags({ targetFeatures }: Variant): string {
  return [`-Ctarget-feature=${targetFeatures.map((feature) => `+${feature}`).join(",")}`, ...CODEGEN_FLAGS].join(" ");
}

export async function compile(variant: Variant, rust: Rust, tools: Tools): Promise<Compiled> {
  // A target folder each: flags are part of what cargo compares, and one folder would build everything anew at each turn.
  const folder = join(TARGET, "wasm", variant.name);
  const out = join(folder, "pkg");
  const wasm = join(folder, `${variant.name}.wasm`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });

  await step(`Compiling the ${variant.name} build (${rust.description})`, async () => {
    const wasmPack = ["build", join(ROOT, "crates", "wasm"), "--target", "web", "--release", "--out-dir", out, "--out-name", "core"];
    // `force` skips the look for a wasm32 standard library, which -Zbuild-std is about to make; `no-opt`, as the step
    // below needs no wasm-opt on PATH; `no-pack`, as package.json is ours.
    await run("wasm-pack", [...wasmPack, "--mode", "force", "--no-opt", "--no-pack", ...rust.cargoArgs], {
      env: { ...rust.env, ...tools.env, CARGO_TARGET_DIR: folder, RUSTFLAGS: rustFlags(variant) },
    });
    const relaxed = variant.targetFeatures.includes("relaxed-simd") ? ["--enable-relaxed-simd"] : [];
    const wasmOpt = join(ROOT, "node_modules", "binaryen", "bin", "wasm-opt");
    await run(process.execPath, [wasmOpt, ...WASM_OPT_FLAGS, ...relaxed, join(out, "core_bg.wasm"), "--output", wasm]);
  });

  if (!readdirSync(out).includes("core_bg.wasm.d.ts")) throw new BuildError("wasm-bindgen wrote no declarations of the exports.");
  return { wasm, declarations: join(out, "core_bg.wasm.d.ts") };
}

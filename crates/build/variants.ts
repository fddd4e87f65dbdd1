/**
 * The builds of the core: one source, compiled for different sets of WebAssembly features, each without and with what
 * training needs.
 */

import { join } from "node:path";
import { trapInsteadOfPanics } from "./panics.ts";
import { ROOT, TARGET } from "./paths.ts";
import { run } from "./process.ts";
import type { Rust } from "./toolchain.ts";
import type { Tools } from "./tools.ts";

export interface Variant {
  readonly name: string;
  readonly instructions: Instructions;
  /** Whether it has the operators of training, by the crate's feature of that name. */
  readonly training: boolean;
}

/** A set of WebAssembly features. */
export interface Instructions {
  readonly name: string;
  /** rustc's names of those that it adds to Rust's defaults for wasm32. */
  readonly targetFeatures: readonly string[];
}

/** Files that a build leaves behind. */
export interface Compiled {
  readonly variant: Variant;
  readonly wasm: string;
  /** Types of the raw exports, written by wasm-bindgen. */
  readonly declarations: string;
}

export const INSTRUCTIONS: readonly Instructions[] = [
  { name: "simd", targetFeatures: ["simd128"] },
  { name: "relaxed", targetFeatures: ["simd128", "relaxed-simd"] },
];

export const VARIANTS: readonly Variant[] = INSTRUCTIONS.flatMap((instructions) => [
  { name: instructions.name, instructions, training: false },
  { name: `${instructions.name}-training`, instructions, training: true },
]);

const CODEGEN_FLAGS = [
  // Loop-strength reduction turns the constant offsets of unrolled loads into pointers of their own, which then push the
  // accumulators out of the registers: a 5x8 micro-kernel ran at 20 GFLOP/s with it, at 50 without.
  "-Cllvm-args=-disable-lsr",
  // Copies of loops for each value of a condition that stays the same in them: 4% of all code, and no kernel is faster with
  // them, since those that would be say so themselves, by types and const parameters.
  "-Cllvm-args=-unswitch-threshold=0",
  // Loops of single floats stay what they are, and loops of a count that is not known take one turn at a time: hot ones are
  // written with vectors, two or four of them a turn, and all the rest was 4% of the code.
  "-Cno-vectorize-loops",
  "-Cllvm-args=-unroll-runtime=false",
  // Functions are inlined up to two thirds of the size of opt-level 3: what a hot loop needs inlined says so. 1% of all code, and none
  // of 171 calls of operators is slower.
  "-Cllvm-args=-inline-threshold=150",
  // No file, line and column of each place that can panic: nobody reads them, see panics.ts. A trap's stack says the same:
  // offsets in the file, which the same source makes byte for byte.
  "-Zlocation-detail=none",
];

/**
 * For size alone: no level made the kernels faster. -Os saves 0.3% of the gzipped file, and with it loops like that of `min`
 * took 1.3 times as long. The features are those that rustc uses by default, and every runtime with SIMD has.
 */
const WASM_OPT_FLAGS: readonly string[] = [
  "-O2",
  // Functions with one caller stay functions: moved into it they made a single one of 57 kB of all convolutions, the file 2%
  // larger, and V8 replaces its quick code between two calls only.
  "--one-caller-inline-max-function-size=0",
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

function rustFlags({ targetFeatures }: Instructions): string {
  return [`-Ctarget-feature=${targetFeatures.map((feature) => `+${feature}`).join(",")}`, ...CODEGEN_FLAGS].join(" ");
}

/**
 * Compiles the variants of one set of instructions, one after the other, in a target folder of their own: flags are part of
 * what cargo compares, and one folder would build all anew at each turn. What the two have in common is compiled once.
 */
export async function compile(instructions: Instructions, rust: Rust, tools: Tools): Promise<Compiled[]> {
  const compiled: Compiled[] = [];
  for (const variant of VARIANTS)
    if (variant.instructions === instructions) compiled.push(await compileVariant(variant, rust, tools));
  return compiled;
}

async function compileVariant(variant: Variant, rust: Rust, tools: Tools): Promise<Compiled> {
  const { name, instructions, training } = variant;
  const folder = join(TARGET, "wasm", instructions.name);
  const out = join(folder, `pkg-${name}`);
  const wasm = join(folder, `${name}.wasm`);

  const crate = join(ROOT, "crates", "wasm");
  const wasmPack = ["build", crate, "--target", "web", "--release", "--out-dir", out, "--out-name", "core"];
  // `force` skips the look for a wasm32 standard library, which -Zbuild-std is about to make; `no-opt`, as the next
  // command needs no wasm-opt on PATH; `no-pack`, as package.json is ours.
  const cargo = [...rust.cargoArgs, ...(training ? ["--features", "training"] : [])];
  await run("wasm-pack", [...wasmPack, "--mode", "force", "--no-opt", "--no-pack", ...cargo], {
    // RUSTC_BOOTSTRAP lets a stable compiler take -Z options.
    env: {
      ...rust.env,
      ...tools.env,
      CARGO_TARGET_DIR: folder,
      RUSTFLAGS: rustFlags(instructions),
      RUSTC_BOOTSTRAP: "1",
    },
  });

  const wasmOpt = join(ROOT, "node_modules", "binaryen", "bin", "wasm-opt");
  const relaxed = instructions.targetFeatures.includes("relaxed-simd") ? ["--enable-relaxed-simd"] : [];
  const linked = join(out, "core_bg.wasm");
  trapInsteadOfPanics(linked);
  await run(process.execPath, [wasmOpt, ...WASM_OPT_FLAGS, ...relaxed, linked, "--output", wasm]);
  return { variant, wasm, declarations: join(out, "core_bg.wasm.d.ts") };
}

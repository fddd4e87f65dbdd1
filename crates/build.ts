/**
 * Builds the WebAssembly core: `crates/wasm` once for each variant, into `dist/wasm`.
 *
 *     node crates/build.ts
 *
 * Installs what is missing on the way (the wasm32 target, wasm-pack, wasm-bindgen), says so, and does nothing when
 * nothing changed.
 */

import { BuildError } from "./build/errors.ts";
import { fingerprint, isUpToDate, recordBuild } from "./build/fingerprint.ts";
import { step } from "./build/process.ts";
import { publish, reportSizes } from "./build/publish.ts";
import { findRust } from "./build/toolchain.ts";
import { installTools } from "./build/tools.ts";
import { compile, INSTRUCTIONS, VARIANTS } from "./build/variants.ts";

async function build(): Promise<void> {
  const inputs = fingerprint();
  if (isUpToDate(inputs)) return;

  const rust = await findRust();
  const tools = await installTools(rust);
  const names = VARIANTS.map(({ name }) => name).join(", ");
  const compiled = await step(`Compiling the core, builds ${names}, with ${rust.description}`, () =>
    // Each spends most of its time in one thread.
    Promise.all(INSTRUCTIONS.map((instructions) => compile(instructions, rust, tools))),
  );
  for (const files of compiled.flat()) await publish(files);
  recordBuild(inputs);
  reportSizes();
}

try {
  await build();
} catch (error) {
  // What the reader can act on is a sentence; a stack trace is for faults of this script.
  if (!(error instanceof BuildError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

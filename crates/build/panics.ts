/** Leaves out of a core what says why it panics: none of its texts can be read where it stops. */

import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { BuildError } from "./errors.ts";

/**
 * Rust's functions that no program comes back from, and those that write their texts: `core::fmt` has no other callers,
 * since errors are put together without it.
 */
const PANICS = [
  /\bpanic/,
  /\bcore::fmt\b/,
  /\bcore::str::count\b/,
  /\brust_(panic|begin_unwind|end_short_backtrace|oom)\b/,
  /_fail$/,
  /\b(assert|expect|unwrap)_failed\b/,
  /\bcapacity_overflow$/,
  /\b(handle_alloc_error|handle_error|alloc_error_handler|default_alloc_error_hook)$/,
];

/**
 * Makes each panic of a module a trap, which is what it ends in anyhow: on wasm32 the standard library, compiled already,
 * has nowhere to print to. Everything that callers tell it (indices, lengths, places in the source) goes with it once
 * wasm-opt has seen that nobody reads it: 8 of 138 kB, gzipped.
 */
export function trapInsteadOfPanics(file: string): void {
  // Functions are known by their names, which wasm-opt strips.
  binaryen.setDebugInfo(true);
  const module = binaryen.readBinary(readFileSync(file));
  const functions = Array.from({ length: module.getNumFunctions() }, (_, index) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
  );
  const panics = functions.filter(({ name }) => isPanic(name));
  if (panics.length === 0) throw new BuildError(`No function of ${file} has a name that panics.ts knows.`);
  for (const { name, params, results } of panics) {
    module.removeFunction(name);
    module.addFunction(name, params, results, [], module.unreachable());
  }
  writeFileSync(file, module.emitBinary());
  module.dispose();
}

function isPanic(name: string): boolean {
  // Hashes of crates, and of functions in the older way to mangle names.
  const path = name.replaceAll(/\[[0-9a-f]+\]|::h[0-9a-f]{16}$/g, "");
  return !path.includes("lenslet") && PANICS.some((pattern) => pattern.test(path));
}

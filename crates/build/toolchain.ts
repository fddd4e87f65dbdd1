/**
 * Finds a Rust that can compile for wasm32, the cheapest way first:
 *
 * 1. the Rust on PATH has the target already;
 * 2. Debian's browser toolchain (`rustc-web`) is installed, and can build the standard library from its sources;
 * 3. rustup can download the target;
 * 4. apt-get can install Debian's browser toolchain.
 *
 * Nothing of the user's is changed except by 3 (a target more) and 4 (packages more): no default, no override.
 */

import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { aptInstall } from "./apt.ts";
import { BuildError } from "./errors.ts";
import { TOOLS } from "./paths.ts";
import { ask, run, step } from "./process.ts";

/** How to call cargo so that it compiles for wasm32. */
export interface Rust {
  readonly description: string;
  readonly env: Readonly<Record<string, string>>;
  /** Options that every build for wasm32 needs. */
  readonly cargoArgs: readonly string[];
}

const TARGET_TRIPLE = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];

/** rustup retries for minutes where it cannot reach its server; a slow line fetches 30 MB in less than this. */
const DOWNLOAD_TIMEOUT = 180_000;

export async function findRust(): Promise<Rust> {
  const version = ask("rustc", ["--version"]);
  if (version === undefined) {
    throw new BuildError(
      "Rust is missing: install it from https://rustup.rs (or your system's rustc and cargo), then run this again.",
    );
  }
  if (hasTarget()) return { description: version, env: {}, cargoArgs: [] };
  if (debianIsInstalled()) return debianRust();
  if (await addTargetWithRustup()) return { description: version, env: {}, cargoArgs: [] };
  if ((await aptInstall("Debian's Rust for WebAssembly", DEBIAN_PACKAGES)) && debianIsInstalled()) return debianRust();
  throw new BuildError(
    `This Rust (${version}) cannot compile for WebAssembly: run \`rustup target add ${TARGET_TRIPLE}\` with a connection to ` +
      `rustup's servers, or, on Debian as root, \`apt-get install ${DEBIAN_PACKAGES.join(" ")}\`.`,
  );
}

/** Whether the standard library for wasm32 lies in the sysroot, whoever put it there. */
function hasTarget(): boolean {
  const libraries = ask("rustc", ["--print", "target-libdir", "--target", TARGET_TRIPLE]);
  return libraries !== undefined && existsSync(libraries);
}

async function addTargetWithRustup(): Promise<boolean> {
  if (ask("rustup", ["--version"]) === undefined) return false;
  try {
    await step(`Adding Rust's ${TARGET_TRIPLE} target with rustup`, () =>
      run("rustup", ["target", "add", TARGET_TRIPLE], { timeout: DOWNLOAD_TIMEOUT }),
    );
  } catch {
    console.log("  rustup could not fetch it");
  }
  return hasTarget();
}

function debianIsInstalled(): boolean {
  return (
    existsSync("/usr/bin/cargo") &&
    existsSync("/usr/bin/rust-lld") &&
    existsSync("/usr/lib/rustlib/src/rust/library/Cargo.lock") &&
    ask("dpkg-query", ["--show", ...DEBIAN_PACKAGES]) !== undefined
  );
}

/**
 * Debian's `rustc` has no wasm32 standard library, but brings its sources: cargo builds it with ours. A folder of links
 * that goes first on PATH chooses it over rustup's, and leaves rustup out of it.
 */
function debianRust(): Rust {
  const bin = join(TOOLS, "debian-rust");
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  for (const name of ["rustc", "cargo"]) symlinkSync(join("/usr/bin", name), join(bin, name));
  return {
    description: `${ask("/usr/bin/rustc", ["--version"])}, standard library built from source`,
    // RUSTC_BOOTSTRAP lets a stable compiler take -Z options: building the standard library is one.
    env: { PATH: [bin, process.env["PATH"]].join(delimiter), RUSTC_BOOTSTRAP: "1" },
    cargoArgs: ["-Zbuild-std=std,panic_abort"],
  };
}

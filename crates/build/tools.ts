/**
 * wasm-pack and wasm-bindgen at the versions that this project pins: from PATH if they are there, else installed under
 * `target/tools`.
 */

import { readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { BuildError } from "./errors.ts";
import { ROOT, TOOLS } from "./paths.ts";
import { ask, run, step } from "./process.ts";
import type { Rust } from "./toolchain.ts";

export interface Tool {
  /** The crate on crates.io. */
  readonly crate: string;
  readonly command: string;
  readonly version: string;
  /** For `cargo install`: leave out what we do not use. */
  readonly features: readonly string[];
}

/** The tools as environment: a PATH on which they come first. */
export interface Tools {
  readonly env: Readonly<Record<string, string>>;
}

const BIN = join(TOOLS, "bin");

/** wasm-bindgen's command line must be of exactly the library's version: the two share a private format. */
export const TOOL_LIST: readonly Tool[] = [
  { crate: "wasm-pack", command: "wasm-pack", version: "0.15.1", features: [] },
  {
    crate: "wasm-bindgen-cli",
    command: "wasm-bindgen",
    version: lockedVersion("wasm-bindgen"),
    // TLS serves only its test runner's downloads, and compiles for longer than all the rest.
    features: ["--no-default-features", "--bin", "wasm-bindgen"],
  },
];

function lockedVersion(crate: string): string {
  const lock = readFileSync(join(ROOT, "Cargo.lock"), "utf8");
  const version = new RegExp(`^name = "${crate}"\\nversion = "(.+)"$`, "m").exec(lock)?.[1];
  if (version === undefined)
    throw new BuildError(`Cargo.lock does not mention ${crate}: run \`cargo update --workspace\`.`);
  return version;
}

export async function installTools(rust: Rust): Promise<Tools> {
  const path = [BIN, rust.env["PATH"] ?? process.env["PATH"]].join(delimiter);
  const missing = TOOL_LIST.filter(({ command, version }) => {
    return ask(command, ["--version"], { PATH: path })?.split(" ")[1] !== version;
  });
  for (const tool of missing) {
    await step(`Installing ${tool.crate} ${tool.version} under target/tools (a minute or two, once)`, () =>
      install(tool, rust),
    );
  }
  // All tools share one build folder, as they share dependencies; once they are installed it is only large.
  if (missing.length > 0) rmSync(join(TOOLS, "build"), { recursive: true, force: true });
  return { env: { PATH: path } };
}

async function install({ crate, version, features }: Tool, rust: Rust): Promise<void> {
  // Unoptimised tools are installed in half the time, and take no noticeable time more on files as small as ours.
  const args = ["install", "--debug", "--root", TOOLS, ...features, `${crate}@${version}`];
  const env = {
    ...rust.env,
    CARGO_TARGET_DIR: join(TOOLS, "build"),
    CARGO_PROFILE_DEV_DEBUG: "0",
    CARGO_PROFILE_DEV_OPT_LEVEL: "0",
    CARGO_INCREMENTAL: "0",
  };
  try {
    await run("cargo", [...args, "--locked"], { env });
  } catch {
    // A mirror of crates.io may lag behind the tool's own lock file: whatever versions it has will do for a tool.
    await run("cargo", args, { env });
  }
}

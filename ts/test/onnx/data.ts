/**
 * Where ONNX's own test cases lie: Debian's package `libonnx-testdata`, installed, or unpacked under `target/`. A machine
 * that has no way to get it goes without.
 */
import { existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "../../../crates/build/apt.ts";
import { TARGET } from "../../../crates/build/paths.ts";
import { run, step } from "../../../crates/build/process.ts";

const PACKAGE = "libonnx-testdata";
const UNPACKED = join(TARGET, "test", "onnx");
const FOLDER = join("usr", "share", PACKAGE, "data");

/** Makes sure that the cases are there, and gives their folder; undefined where they are not and cannot be had. */
export async function installData(): Promise<string | undefined> {
  return findData() ?? (await downloadData()) ?? (await installPackage());
}

/** The folder with the groups of cases, if it is there. */
export function findData(): string | undefined {
  return [join("/", FOLDER), join(UNPACKED, FOLDER)].find((folder) => existsSync(join(folder, "node")));
}

/** Needs no rights, if apt knows the package. */
async function downloadData(): Promise<string | undefined> {
  const script = 'cd "$1" && apt-get download "$2" && dpkg-deb --extract "$2"_*.deb .';
  rmSync(UNPACKED, { recursive: true, force: true });
  mkdirSync(UNPACKED, { recursive: true });
  try {
    await step("Fetching ONNX's test cases with apt-get", () => run("sh", ["-c", script, "sh", UNPACKED, PACKAGE]));
    for (const archive of globSync(join(UNPACKED, "*.deb"))) rmSync(archive);
  } catch {
    console.log("  apt-get could not download them");
  }
  return findData();
}

async function installPackage(): Promise<string | undefined> {
  await aptInstall("ONNX's test cases", [PACKAGE]);
  return findData();
}

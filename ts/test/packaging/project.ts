/** Projects as users have them: an empty folder into which the packed tarball is installed. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

const ROOT = findRoot(import.meta.dirname);

const execute = promisify(execFile);

/** What `npm pack --json` says. */
export interface Tarball {
  readonly path: string;
  /** Bytes on the wire. */
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Packs the package, as built, into a folder. */
export async function pack(folder: string): Promise<Tarball> {
  const { stdout } = await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], ROOT);
  const [packed] = JSON.parse(stdout) as (Omit<Tarball, "path"> & { readonly filename: string })[];
  if (packed === undefined) throw new Error("npm pack packed nothing");
  return { ...packed, path: join(folder, packed.filename) };
}

/** A new folder, removed when it is disposed of. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "lenslet-packaging-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Makes a project of some files in a folder and installs a tarball; nothing is fetched, as it has no dependencies. */
export async function createProject(
  folder: string,
  tarball: Tarball,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await npm(["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", tarball.path], folder);
}

/** Runs a script of a project in this Node; gives the JSON that it prints. */
export async function runScript(folder: string, script: string): Promise<unknown> {
  const args = ["--unhandled-rejections=strict", script];
  const { stdout } = await execute(process.execPath, args, { cwd: folder, timeout: 20_000 });
  return JSON.parse(stdout);
}

/** Runs a tool from this repository's devDependencies on a project. */
export async function runTool(folder: string, script: string, args: readonly string[]): Promise<void> {
  const path = join(ROOT, "node_modules", script);
  await execute(process.execPath, [path, ...args], { cwd: folder, timeout: 60_000 }).catch((error: unknown) => {
    // A tool says what is wrong in its output, which the error's own text leaves out.
    if (error instanceof Error && "stdout" in error) error.message += `\n${String(error.stdout)}`;
    throw error;
  });
}

/** The nearest folder with a package.json: for Node 20 these files are bundled, and lie elsewhere in the repository. */
function findRoot(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : findRoot(dirname(folder));
}

function npm(args: readonly string[], cwd: string): Promise<{ readonly stdout: string }> {
  // npm may need another Node than the one under test, which stands first in PATH where `npm run` put it.
  const PATH = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return execute("npm", args, { cwd, env: { ...process.env, PATH }, maxBuffer: 2 ** 24, timeout: 60_000 });
}

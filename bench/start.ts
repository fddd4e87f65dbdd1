/**
 * Installs the peers if they are missing or the lock file has changed since, then runs the benchmark. They come as they
 * are published: their install scripts would fetch what is not needed. A peer that does not install is left out.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const stamp = `${folder}node_modules/.installed`;
const lock = readFileSync(`${folder}package-lock.json`, "utf8");

function run(command: string, args: readonly string[], cwd?: string): void {
  const shell = process.platform === "win32" && command === "npm";
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit", shell });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  console.error("installing the peers, about 600 MB ...");
  // A prefix in the environment, as `npm --prefix` leaves it, would send the install elsewhere.
  delete process.env["npm_config_prefix"];
  delete process.env["npm_config_local_prefix"];
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  writeFileSync(stamp, lock);
}
process.env["NODE_NO_WARNINGS"] ??= "1";
run(process.execPath, [`${folder}run.ts`, ...process.argv.slice(2).filter((arg) => arg !== "--")]);

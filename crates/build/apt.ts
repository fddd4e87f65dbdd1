import { ask, run, step } from "./process.ts";

/**
 * Installs Debian packages if this machine has apt-get and lets us use it without asking for a password. Says whether
 * they are there afterwards.
 */
export async function aptInstall(what: string, packages: readonly string[]): Promise<boolean> {
  if (ask("apt-get", ["--version"]) === undefined) return false;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && ask("sudo", ["--non-interactive", "true"]) === undefined) return false;
  const apt = (...args: readonly string[]): Promise<void> => {
    const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", ...args];
    return isRoot ? run("env", command.slice(1)) : run("sudo", ["--non-interactive", ...command]);
  };
  try {
    await step(`Installing ${what} with apt-get`, async () => {
      await apt("update");
      await apt("install", "--no-install-recommends", ...packages);
    });
    return true;
  } catch {
    console.log("  apt-get could not install it");
    return false;
  }
}

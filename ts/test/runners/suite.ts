import { spawn } from "node:child_process";

/** What a runner ran. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** One runner's share of the tests. */
export interface Suite {
  readonly name: string;
  run(): Promise<Counts>;
}

/** How a command ended, and all that it printed. */
export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a command, shows its output as it comes, and keeps it. */
export function show(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => {
      output.push(chunk);
      process.stdout.write(chunk);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output: Buffer.concat(output).toString("utf8") }));
  });
}

/** A runner that ends badly without a failed test, as it could not start or was killed, has failed all the same. */
export function counted(code: number, passed: number, failed: number): Counts {
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

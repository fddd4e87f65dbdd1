import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { BuildError } from "./errors.ts";

export interface RunOptions {
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which the command is ended and counts as failed; none by default. */
  readonly timeout?: number;
  /** Show the output while it comes. Otherwise it is kept, and shown only if the command fails. */
  readonly live?: boolean;
}

/** Runs a command to its end; throws a `BuildError` if it fails, with its output unless that was shown already. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const { env, timeout, live = false } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", live ? "inherit" : "pipe", live ? "inherit" : "pipe"],
      ...(timeout === undefined ? {} : { timeout }),
    });
    const output: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => output.push(chunk));
    child.on("error", (cause) =>
      reject(new BuildError(`${command} could not be started: ${cause.message}`, { cause })),
    );
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      const how = signal === null ? `exit code ${code}` : `signal ${signal} (${constants.signals[signal]})`;
      const said = Buffer.concat(output).toString("utf8").trimEnd();
      reject(new BuildError(`\`${command} ${args.join(" ")}\` failed with ${how}.${said === "" ? "" : `\n${said}`}`));
    });
  });
}

/** What a command prints, trimmed, or `undefined` if it is not there or fails. */
export function ask(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string | undefined {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** Says what is being done, and afterwards how long it took: some steps take minutes. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  console.log(`- ${what} ...`);
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  console.log(`  done in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`);
  return result;
}

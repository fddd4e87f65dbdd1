/** PyTorch, native code in a process of Python, for scale: takes part if `python3`, or what PYTHON names, has it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MOMENTUM, RATE, type Steps, type Task, type Trained, type TrainingPeer } from "./runtime.ts";

export const torch: TrainingPeer = {
  name: "torch-native",
  async open({ clock }) {
    const python = process.env["PYTHON"] ?? "python3";
    const child = spawn(python, [fileURLToPath(new URL("torch_steps.py", import.meta.url))], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ask = conversation(child, `${python} has no torch`);
    const { version } = (await ask(undefined)) as { readonly version: string };
    return {
      about: `${version}, 1 thread`,
      close: () => child.stdin.end(),
      async prepare({ network, weights, batch }: Task): Promise<Trained> {
        const folder = await mkdtemp(join(tmpdir(), "lenslet-torch-"));
        try {
          const all = weights.flatMap(({ data }) => Array.from(data));
          await writeFile(join(folder, "weights"), Float32Array.from(all));
          await writeFile(join(folder, "x"), batch.x);
          await writeFile(join(folder, "y"), batch.y);
          await ask({ network, folder, rate: RATE, momentum: MOMENTUM });
        } finally {
          await rm(folder, { recursive: true });
        }
        return { run: async (steps) => (await ask({ steps, clock })) as Steps, dispose: () => undefined };
      },
    };
  },
};

/** Asks a process a question a line and waits for its answer; the first answer needs none. */
function conversation(child: ChildProcess, failed: string): (question: unknown) => Promise<unknown> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("a process without pipes");
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  // What cannot be started, or ends, says so by ending its output.
  stdin.on("error", () => undefined);
  const started = once(child, "spawn");
  return async (question) => {
    await started;
    if (question !== undefined) stdin.write(`${JSON.stringify(question)}\n`);
    const { done, value } = await lines.next();
    if (done === true) throw new Error(failed);
    return JSON.parse(value);
  };
}

/**
 * Feeds damaged ONNX files to the importer and what follows it: each must be refused with an error of ours or be accepted,
 * within 5 seconds and 1 GiB. Runs in child processes, so that one that hangs or dies is a finding like others.
 *
 *     node ts/test/onnx/fuzz.ts --count 200000 --seed 1 [--jobs 2] [--corpus DIR]... [--case INDEX]
 *
 * Damaged are ONNX's own test cases, if the machine has them, files built here, and those of `--corpus`. A finding names
 * its case, which depends on seed, index and corpus alone; `--case` runs that one in this process.
 */
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Random } from "../oracle/random.ts";
import { filesAt, ownFiles } from "./corpus.ts";
import { findData } from "./data.ts";
import { isWhole, type Judge } from "./judge.ts";
import { mutate } from "./mutate.ts";

const MOST_SECONDS = 5;
const MOST_MEMORY = 2 ** 30;

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "200000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
    corpus: { type: "string", multiple: true, default: [] },
    case: { type: "string" },
    // A child that says nothing for so many seconds hangs, however busy the machine is.
    silence: { type: "string", default: "60" },
    // For tests of this file: another judge of files, and another number of cases a child.
    judge: { type: "string", default: "./judge.ts" },
    batch: { type: "string", default: "5000" },
    from: { type: "string" },
    to: { type: "string" },
  },
});
const seed = Number(options.seed);
const { judge } = (await import(options.judge)) as { readonly judge: Judge };

/** Files that are whole before they are damaged. */
function corpus(): Uint8Array[] {
  const data = findData();
  return [...ownFiles(), ...filesAt([...(data === undefined ? [] : [data]), ...options.corpus])].filter(isWhole);
}

function fileOf(files: readonly Uint8Array[], index: number): Uint8Array {
  return mutate(files, new Random(Math.imul(seed, 0x9e3779b1) + index));
}

/** Runs cases in this process, and tells of each on standard output: before it begins, and what became of it. */
async function runBatch(from: number, to: number): Promise<void> {
  const files = corpus();
  for (let index = from; index < to; index++) {
    const bytes = fileOf(files, index);
    writeSync(1, `at ${index}\n`);
    const start = process.cpuUsage();
    try {
      writeSync(1, `${await judge(bytes)}\n`);
    } catch (error) {
      writeSync(
        1,
        `FOUND ${error instanceof Error ? `${error.stack ?? error.message}`.replaceAll("\n", " | ") : String(error)}\n`,
      );
    }
    const { user, system } = process.cpuUsage(start);
    if (user + system > MOST_SECONDS * 1e6) writeSync(1, `FOUND took ${(user + system) / 1e6} s\n`);
    const memory = process.resourceUsage().maxRSS * 1024;
    if (memory > MOST_MEMORY) {
      writeSync(1, `FOUND took ${Math.round(memory / 2 ** 20)} MiB\n`);
      // What follows would be blamed for it too.
      return;
    }
  }
}

interface Totals {
  readonly verdicts: Map<string, number>;
  readonly findings: string[];
}

/** Runs a batch in a child, and in further ones what is left where one dies. */
async function runChild(from: number, to: number, totals: Totals): Promise<void> {
  const silence = Number(options.silence) * 1000;
  let next = from;
  while (next < to) {
    const began = next;
    const range = ["--seed", `${seed}`, "--from", `${next}`, "--to", `${to}`, "--judge", options.judge];
    const paths = options.corpus.flatMap((path) => ["--corpus", path]);
    const args = ["--max-old-space-size=1024", import.meta.filename, ...range, ...paths];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    child.stderr.on("data", (chunk: Buffer) => {
      words = `${words}${chunk.toString()}`.slice(-2000);
    });
    // It first reads its files, on a busy machine.
    let timer = setTimeout(() => child.kill("SIGKILL"), 10 * silence);
    let judged = true;
    for await (const line of createInterface({ input: child.stdout })) {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), silence);
      if (line.startsWith("at ")) {
        next = Number(line.slice(3)) + 1;
        judged = false;
      } else {
        judged = true;
        if (line.startsWith("FOUND ")) totals.findings.push(`case ${next - 1}: ${line.slice(6)}`);
        else totals.verdicts.set(line, (totals.verdicts.get(line) ?? 0) + 1);
      }
    }
    clearTimeout(timer);
    if (!judged)
      totals.findings.push(
        `case ${next - 1}: the process hung or died: ${words.trim().split("\n").slice(-3).join(" | ")}`,
      );
    if (next === began) throw new Error(`a child could not start: ${words}`);
  }
}

async function runAll(): Promise<void> {
  const [count, batch] = [Number(options.count), Number(options.batch)];
  const totals: Totals = { verdicts: new Map(), findings: [] };
  const batches = Array.from({ length: Math.ceil(count / batch) }, (_, i) => i * batch);
  let done = 0;
  const work = async (): Promise<void> => {
    for (let from = batches.shift(); from !== undefined; from = batches.shift()) {
      const to = Math.min(from + batch, count);
      await runChild(from, to, totals);
      done += to - from;
      console.log(`${done} of ${count}: ${summary(totals)}`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, work));
  for (const finding of totals.findings) console.log(finding);
  if (totals.findings.length > 0) process.exitCode = 1;
}

function summary({ verdicts, findings }: Totals): string {
  const counts = [...verdicts].sort().map(([verdict, number]) => `${number} ${verdict}`);
  return [...counts, `${findings.length} findings`].join(", ");
}

if (options.case !== undefined) console.log(await judge(fileOf(corpus(), Number(options.case))));
else if (options.from !== undefined) await runBatch(Number(options.from), Number(options.to));
else await runAll();

/**
 * The cold start of one peer: `node cold.ts NAME` prints milliseconds from before the peer's import to its first result,
 * and the memory that it took. `coldStarts` runs that in fresh processes, the peers taking turns.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { convolutions, filters } from "./cases.ts";
import { type Clock, clock } from "./clock.ts";
import { asset } from "./installed.ts";
import { peers } from "./peers/all.ts";
import { LENSLET_NCHW } from "./peers/lenslet.ts";
import type { BuildChoice } from "./peers/peer.ts";
import type { ColdReport } from "./report.ts";
import { median } from "./statistics.ts";
import { workOf } from "./work.ts";

const STARTS = 7;

export interface ColdOptions {
  /** Names of the peers to start. */
  readonly peers: readonly string[];
  readonly build: BuildChoice;
  readonly clock: Clock;
}

export async function coldStarts(options: ColdOptions): Promise<readonly ColdReport[]> {
  const taking = peers.filter(
    ({ name, hosts }) => options.peers.includes(name) && name !== LENSLET_NCHW && hosts.includes("node"),
  );
  const found = new Map<string, { ms: number[]; memory: number[] }>();
  for (let turn = 0; turn < STARTS; turn++) {
    for (const { name } of taking) {
      try {
        const { ms, memory } = await start(name, options);
        const sums = found.get(name) ?? { ms: [], memory: [] };
        sums.ms.push(ms);
        sums.memory.push(memory);
        found.set(name, sums);
      } catch {
        // A peer that does not start has been reported by the run itself.
      }
    }
  }
  return [...found].map(([name, { ms, memory }]) => ({ name, ms: median(ms), memory: median(memory) }));
}

interface Start {
  readonly ms: number;
  readonly memory: number;
}

async function start(name: string, { build, clock: which }: ColdOptions): Promise<Start> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), name, build, which]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

async function main(name: string, build: BuildChoice, now: () => number): Promise<void> {
  const peer = peers.find((each) => each.name === name);
  const layer = peer?.name === "opencv" ? filters[0] : convolutions.find((each) => each.name.startsWith("lenet"));
  if (peer === undefined || layer === undefined) throw new Error(`no peer is called ${name}`);
  const work = workOf(layer);
  const before = process.memoryUsage.rss();
  const begin = now();
  const runtime = await peer.open({ host: "node", build, asset });
  const ready = await runtime.prepare(work);
  await ready?.compute();
  const ms = now() - begin;
  const memory = (process.memoryUsage.rss() - before) / 2 ** 20;
  console.log(JSON.stringify({ ms, memory } satisfies Start));
  process.exit(0);
}

if (import.meta.main) {
  const [name = "", build, which] = process.argv.slice(2);
  await main(name, build === "simd" || build === "relaxed" ? build : "auto", clock(which === "cpu" ? "cpu" : "wall"));
}

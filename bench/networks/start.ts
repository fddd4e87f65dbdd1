/**
 * One network's start in one runtime, in a process of its own: `node start.ts RUNTIME NETWORK BUILD` prints how long it
 * took from the file's bytes to a network that is loaded, and to its first result, and the memory that it took at most.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BuildChoice } from "../peers/peer.ts";
import { median } from "../statistics.ts";
import { inputOf, networks } from "./networks.ts";
import { runtimes } from "./runtimes.ts";

/** Milliseconds from bytes, and MiB above a process that has loaded the runtime and read the file. */
export interface Start {
  readonly load: number;
  readonly first: number;
  readonly memory: number;
}

const STARTS = 5;

/** Medians of several starts, the runtimes taking turns. */
export async function starts(
  network: string,
  names: readonly string[],
  build: BuildChoice,
): Promise<ReadonlyMap<string, Start>> {
  const found = new Map<string, Start[]>();
  for (let turn = 0; turn < STARTS; turn++) {
    for (const name of names) {
      const script = fileURLToPath(import.meta.url);
      const { stdout } = await promisify(execFile)(process.execPath, [script, name, network, build]);
      const start: Start = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
      found.set(name, [...(found.get(name) ?? []), start]);
    }
  }
  const middle = (all: readonly Start[]): Start => ({
    load: median(all.map(({ load }) => load)),
    first: median(all.map(({ first }) => first)),
    memory: median(all.map(({ memory }) => memory)),
  });
  return new Map([...found].map(([name, all]) => [name, middle(all)]));
}

/** The most memory that this process ever had in RAM, MiB. */
function peakMemory(): number {
  // On Linux, what getrusage tells begins with the peak of the process that started this one.
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const kibibytes = /VmHWM:\s*(\d+) kB/.exec(status)?.[1];
  return (kibibytes === undefined ? process.resourceUsage().maxRSS : Number(kibibytes)) / 1024;
}

async function main(name: string, wanted: string, build: BuildChoice): Promise<void> {
  const network = networks.find((each) => each.name === wanted);
  const runtime = runtimes.find((each) => each.name === name);
  if (network === undefined || runtime === undefined) throw new Error(`no network ${wanted} in ${name}`);
  const input = inputOf(network);
  const bytes = new Uint8Array(readFileSync(await network.file()));
  const load = await runtime.open(build);
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const loaded = await load(bytes, network, input);
  const ready = performance.now();
  await loaded.run();
  const end = performance.now();
  const memory = peakMemory() - before / 2 ** 20;
  console.log(JSON.stringify({ load: ready - begin, first: end - begin, memory } satisfies Start));
  process.exit(0);
}

if (import.meta.main) {
  const [name = "", network = "", build] = process.argv.slice(2);
  await main(name, network, build === "simd" || build === "relaxed" ? build : "auto");
}

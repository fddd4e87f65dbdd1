/** Whole networks: `npm run bench -- models`. Checked against each other first, then timed in rounds. */
import { readFileSync } from "node:fs";
import type { BuildChoice } from "../peers/peer.ts";
import { calibrate, guarded, reason, type Schedule, type Task, taskOf, timed } from "../timing.ts";
import type { Floats } from "../work.ts";
import { inputOf, networks } from "./networks.ts";
import { type LoadedNetwork, type NetworkRuntime, runtimes } from "./runtimes.ts";
import { type Start, starts } from "./start.ts";

/** One network in the runtimes. */
export interface NetworkReport {
  readonly name: string;
  /** Milliseconds a run, one number a round, by runtime. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
  /** By runtime; empty if not asked for. */
  readonly starts: Readonly<Record<string, Start>>;
  /** Largest difference from onnxruntime's native results, as a part of the largest of those. */
  readonly error: number;
}

export interface NetworkOptions extends Schedule {
  readonly build: BuildChoice;
  /** Names of the peers that take part beside lenslet. */
  readonly peers: readonly string[];
  /** Names of networks; all if empty. */
  readonly names: readonly string[];
  /** Whether to time starts as well, each in a process of its own. */
  readonly starts: boolean;
}

/** Native code in float32, another order of sums, Winograd: more than this is no rounding. */
const TOLERANCE = 1e-3;

export async function runNetworks(
  options: NetworkOptions,
  note: (line: string) => void,
): Promise<readonly NetworkReport[]> {
  const opened: { readonly runtime: NetworkRuntime; readonly load: Awaited<ReturnType<NetworkRuntime["open"]>> }[] = [];
  for (const runtime of runtimes) {
    if (runtime.kind !== "lenslet" && !options.peers.includes(runtime.name)) continue;
    try {
      opened.push({ runtime, load: await runtime.open(options.build) });
    } catch (error) {
      note(`${runtime.name} does not take part: ${reason(error)}`);
    }
  }
  const reports: NetworkReport[] = [];
  for (const network of networks) {
    if (options.names.length > 0 && !options.names.includes(network.name)) continue;
    note(network.name);
    const file = new Uint8Array(readFileSync(await network.file()));
    const loaded = new Map<string, LoadedNetwork>();
    for (const { runtime, load } of opened) {
      try {
        loaded.set(runtime.name, await load(file.slice(), network, inputOf(network)));
      } catch (error) {
        note(`  ${runtime.name}: ${reason(error)}`);
      }
    }
    const error = await difference(loaded);
    if (error > TOLERANCE) note(`  lenslet's results are wrong by ${error.toExponential(1)} of their largest`);
    const rounds = await rounded(loaded, options, note);
    for (const each of loaded.values()) await each.dispose();
    const started = options.starts ? await starts(network.name, [...loaded.keys()], options.build) : new Map();
    reports.push({ name: network.name, rounds, starts: Object.fromEntries(started), error });
  }
  return reports;
}

async function rounded(
  loaded: ReadonlyMap<string, LoadedNetwork>,
  schedule: Schedule,
  note: (line: string) => void,
): Promise<Record<string, readonly number[]>> {
  const tasks: Task[] = [...loaded].map(([name, network]) => taskOf(name, () => network.run()));
  for (const task of tasks) await guarded(task, () => calibrate(task, schedule));
  for (let round = 0; round < schedule.rounds; round++) {
    for (let turn = 0; turn < tasks.length; turn++) {
      const task = tasks[(turn + round) % tasks.length];
      if (task?.error === undefined && task !== undefined) {
        await guarded(task, async () => void task.rounds.push(await timed(task, schedule.now)));
      }
    }
  }
  for (const { name, error } of tasks) if (error !== undefined) note(`  ${name}: ${error}`);
  return Object.fromEntries(tasks.filter(({ error }) => error === undefined).map(({ name, rounds }) => [name, rounds]));
}

/** How far lenslet's results are from native code's, or else ort-web's. */
async function difference(loaded: ReadonlyMap<string, LoadedNetwork>): Promise<number> {
  const other = await (loaded.get("ort-native") ?? loaded.get("ort-web"))?.run();
  const ours = await loaded.get("lenslet")?.run();
  if (other === undefined || ours === undefined) return Number.NaN;
  return Math.max(...Object.entries(other).map(([name, values]) => relative(values, ours[name])));
}

function relative(expected: Floats, found: Floats | undefined): number {
  if (found?.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let error = 0;
  for (const [index, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value));
    error = Math.max(error, Math.abs(value - (found[index] ?? Number.NaN)));
  }
  // Probabilities that are all next to nothing differ by roundings of larger numbers.
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / Math.max(largest, 1e-2);
}

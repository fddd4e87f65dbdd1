/** One case in every runtime: checked first, then timed in rounds that visit each runtime once. */
import { Bench } from "tinybench";
import { type Begin, bytes, evenPadding, outputSize } from "./cases.ts";
import { answer, fault } from "./oracle.ts";
import type { Member } from "./groups.ts";
import type { Machine } from "./peak.ts";
import type { Prepared, Runtime } from "./peers/peer.ts";
import type { CaseReport, Times } from "./report.ts";
import { median } from "./statistics.ts";
import { type Floats, nchwToNhwc, type Work, workOf } from "./work.ts";

export interface Contender {
  readonly name: string;
  readonly runtime: Runtime;
}

export interface Schedule {
  readonly rounds: number;
  /** Milliseconds that a runtime gets in a round. */
  readonly budget: number;
  /** A clock in milliseconds: the wall's, or one of CPU time, which others on the machine disturb less. */
  readonly now: () => number;
}

/** A timed sample lasts at least this long, ms: small layers are called several times in one. */
const SAMPLE = 1;
const PEAK_MS = 4;

type Call = () => unknown;

/** Something to be timed: a runtime's call, and how often, found by calibration, the same in every round. */
interface Task {
  readonly name: string;
  readonly way: "compute" | "keep";
  readonly call: Call;
  batch: number;
  iterations: number;
  readonly rounds: number[];
  error: string | undefined;
}

/** A case, and the group as a part of which it is measured. */
export interface Selected extends Member {
  readonly group: string;
}

export async function measure(
  { layer, group, count }: Selected,
  contenders: readonly Contender[],
  machine: Machine,
  schedule: Schedule,
): Promise<CaseReport> {
  const work = workOf(layer);
  const answers = new Map<string, Float64Array>();
  const prepared: Prepared[] = [];
  const tasks: Task[] = [];
  const failed: [name: string, error: string][] = [];
  for (const { name, runtime } of contenders) {
    try {
      const ready = await runtime.prepare(work);
      if (ready === undefined) continue;
      prepared.push(ready);
      const wrong = await checked(work, ready, answers);
      if (wrong !== undefined) failed.push([name, wrong]);
      else tasks.push(...tasksOf(name, ready));
    } catch (error) {
      failed.push([name, reason(error)]);
    }
  }
  const peak: number[] = [];
  const copy: number[] = [];
  for (const task of tasks) await guarded(task, () => calibrate(task, schedule));
  for (let round = 0; round < schedule.rounds; round++) {
    peak.push(machine.peak(PEAK_MS));
    copy.push(machine.copy(bytes(layer).input));
    // Each round begins with another runtime, so that nobody always follows the same neighbour.
    for (let turn = 0; turn < tasks.length; turn++) {
      const task = tasks[(turn + round) % tasks.length];
      if (task?.error === undefined && task !== undefined) {
        await guarded(task, async () => void task.rounds.push(await timed(task, schedule.now)));
      }
    }
  }
  for (const ready of prepared) await ready.dispose();
  const times = (way: Task["way"]): Record<string, Times> =>
    Object.fromEntries(
      tasks
        .filter((task) => task.way === way)
        .map(({ name, rounds, error }) => [name, error === undefined ? { rounds } : { error }]),
    );
  const errors = Object.fromEntries(failed.map(([name, error]) => [name, { error }]));
  return { layer, group, count, compute: { ...times("compute"), ...errors }, keep: times("keep"), peak, copy };
}

function tasksOf(name: string, ready: Prepared): Task[] {
  const task = (way: Task["way"], call: Call): Task => ({
    name,
    way,
    call,
    batch: 1,
    iterations: 1,
    rounds: [],
    error: undefined,
  });
  const { keep } = ready;
  const compute = task("compute", () => ready.compute());
  return keep === undefined ? [compute] : [compute, task("keep", keep)];
}

async function checked(work: Work, ready: Prepared, answers: Map<string, Float64Array>): Promise<string | undefined> {
  const key = JSON.stringify(ready.begin ?? beginOf(work));
  let expected = answers.get(key);
  if (expected === undefined) {
    expected = answer(work, ready.begin);
    answers.set(key, expected);
  }
  const output = await ready.compute();
  return fault(work, ready.layout === "NHWC" ? output : inNhwc(work, output), expected);
}

function beginOf({ layer }: Work): Begin | undefined {
  return layer.kind === "filter" ? undefined : evenPadding(layer);
}

function inNhwc({ layer }: Work, output: Floats): Floats {
  const [outH, outW] = outputSize(layer);
  const n = layer.kind === "filter" ? 1 : layer.n;
  return nchwToNhwc(output, n, outH * outW, output.length / (n * outH * outW));
}

async function repeat(call: Call, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const result = call();
    if (result instanceof Promise) await result;
  }
}

/** Finds how many calls fill the budget, after enough of them for V8 to have replaced its quick code. */
async function calibrate(task: Task, { budget, now }: Schedule): Promise<void> {
  const times: number[] = [];
  const start = now();
  while (times.length < 3 || (now() - start < budget && times.length < 200)) {
    const before = now();
    await task.call();
    times.push(now() - before);
  }
  const once = Math.max(median(times.slice(times.length >> 1)), 1e-4);
  task.batch = Math.max(1, Math.ceil(SAMPLE / once));
  task.iterations = Math.max(1, Math.round(budget / (once * task.batch)));
}

/** The median of this round, ms a call. */
async function timed({ name, call, batch, iterations }: Task, now: () => number): Promise<number> {
  const bench = new Bench({ now, iterations, time: 0, warmupIterations: 1, warmupTime: 0, throws: true });
  bench.add(name, () => repeat(call, batch), { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== "completed") throw new Error(`tinybench ended ${task?.result.state}`);
  return task.result.latency.p50 / batch;
}

async function guarded(task: Task, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    task.error = reason(error);
  }
}

/** An error in one line. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? "").slice(0, 160);
}

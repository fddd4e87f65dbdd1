/** One case in every runtime: checked first, then timed in rounds that visit each runtime once. */
import { type Begin, bytes, evenPadding, outputSize } from "./cases.ts";
import { answer, fault } from "./oracle.ts";
import type { Member } from "./groups.ts";
import type { Machine } from "./peak.ts";
import type { Prepared, Runtime } from "./peers/peer.ts";
import type { CaseReport, Times } from "./report.ts";
import { calibrate, type Call, guarded, reason, type Schedule, type Task, taskOf, timed } from "./timing.ts";
import { type Floats, nchwToNhwc, type Work, workOf } from "./work.ts";

export interface Contender {
  readonly name: string;
  readonly runtime: Runtime;
}

const PEAK_MS = 4;

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
  const tasks: CaseTask[] = [];
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
  const times = (way: CaseTask["way"]): Record<string, Times> =>
    Object.fromEntries(
      tasks
        .filter((task) => task.way === way)
        .map(({ name, rounds, error }) => [name, error === undefined ? { rounds } : { error }]),
    );
  const errors = Object.fromEntries(failed.map(([name, error]) => [name, { error }]));
  return { layer, group, count, compute: { ...times("compute"), ...errors }, keep: times("keep"), peak, copy };
}

/** A call, and what it stands for. */
interface CaseTask extends Task {
  readonly way: "compute" | "keep";
}

function tasksOf(name: string, ready: Prepared): CaseTask[] {
  const task = (way: CaseTask["way"], call: Call): CaseTask => ({ ...taskOf(name, call), way });
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

/** Calls timed in rounds: how often each is called, found by calibration, is the same in every round. */
import { Bench } from "tinybench";
import { median } from "./statistics.ts";

export interface Schedule {
  readonly rounds: number;
  /** Milliseconds that a runtime gets in a round. */
  readonly budget: number;
  /** A clock in milliseconds: the wall's, or one of CPU time, which others on the machine disturb less. */
  readonly now: () => number;
}

/** A timed sample lasts at least this long, ms: small layers are called several times in one. */
const SAMPLE = 1;

export type Call = () => unknown;

/** Something to be timed: a runtime's call, and how often. */
export interface Task {
  readonly name: string;
  readonly call: Call;
  batch: number;
  iterations: number;
  /** Milliseconds a call, one number a round. */
  readonly rounds: number[];
  error: string | undefined;
}

export function taskOf(name: string, call: Call): Task {
  return { name, call, batch: 1, iterations: 1, rounds: [], error: undefined };
}

async function repeat(call: Call, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const result = call();
    if (result instanceof Promise) await result;
  }
}

/** Finds how many calls fill the budget, after enough of them for V8 to have replaced its quick code. */
export async function calibrate(task: Task, { budget, now }: Schedule): Promise<void> {
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
export async function timed({ name, call, batch, iterations }: Task, now: () => number): Promise<number> {
  const bench = new Bench({ now, iterations, time: 0, warmupIterations: 1, warmupTime: 0, throws: true });
  bench.add(name, () => repeat(call, batch), { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== "completed") throw new Error(`tinybench ended ${task?.result.state}`);
  return task.result.latency.p50 / batch;
}

export async function guarded(task: Task, action: () => Promise<void>): Promise<void> {
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

/** Steps of training: `npm run bench -- train`. The losses of the first steps must agree; then steps are timed in rounds. */
import type { Clock } from "../clock.ts";
import type { BuildChoice } from "../peers/peer.ts";
import { reason } from "../timing.ts";
import { type GradientReport, measureGradients } from "./gradients.ts";
import { jaxJs } from "./jax.ts";
import { lenslet } from "./lenslet.ts";
import { batchOf, type TrainedNetwork, trainedNetworks, weightsOf } from "./networks.ts";
import type { Trained, TrainingPeer, TrainingRuntime } from "./runtime.ts";
import { tfjsCpu } from "./tfjs.ts";
import { torch } from "./torch.ts";

/** lenslet first; the others' answers are compared with its. */
export const trainingPeers: readonly TrainingPeer[] = [lenslet, jaxJs, tfjsCpu, torch];

/** One network in the runtimes. */
export interface TrainingReport {
  readonly name: string;
  readonly batchSize: number;
  /** Milliseconds a step, one number a round, by runtime. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
  /** How far apart the losses of the first steps are, as a part of the loss; runtimes that are further apart are not timed. */
  readonly error: number;
  /** The part of lenslet's step that is spent in kernels of convolutions, dense layers and normalisations. */
  readonly share: number | undefined;
}

/** What was measured, and with what. */
export interface TrainingTable {
  readonly abouts: Readonly<Record<string, string>>;
  readonly reports: readonly TrainingReport[];
  /** Convolutions by themselves. */
  readonly gradients: readonly GradientReport[];
}

export interface TrainingOptions {
  readonly build: BuildChoice;
  readonly clock: Clock;
  /** Names of the peers that take part beside lenslet. */
  readonly peers: readonly string[];
  /** Names of networks; all if empty. */
  readonly names: readonly string[];
  readonly rounds: number;
  /** Milliseconds that a runtime gets in a round; a step at least. */
  readonly budget: number;
}

/** Steps whose losses are compared, at most: the second and third see what the first has changed. */
const CHECKED = 3;
/** Other orders of sums, in float32, over three steps: what is further off computes something else. */
const TOLERANCE = 1e-3;
/** Milliseconds: a runtime whose step takes longer takes part in no rounds; its time is that of the last step compared. */
const SLOW = 5000;
/** Milliseconds after which no more steps are compared: TensorFlow.js takes minutes for one of ResNet-20. */
const PATIENCE = 60_000;

/** Milliseconds of steps that are looked into. */
const SHARED = 2000;

interface Entrant {
  readonly name: string;
  readonly trained: Trained;
  /** Of one step, when it was compared. */
  readonly milliseconds: number;
}

export async function runTraining(options: TrainingOptions, note: (line: string) => void): Promise<TrainingTable> {
  const opened: { readonly name: string; readonly runtime: TrainingRuntime }[] = [];
  for (const peer of trainingPeers) {
    if (peer !== lenslet && !options.peers.includes(peer.name)) continue;
    try {
      opened.push({ name: peer.name, runtime: await peer.open(options) });
    } catch (error) {
      note(`${peer.name} does not take part: ${reason(error)}`);
    }
  }
  const reports: TrainingReport[] = [];
  for (const network of trainedNetworks) {
    if (options.names.length > 0 && !options.names.includes(network.name)) continue;
    note(network.name);
    reports.push(await measured(network, opened, options, note));
  }
  for (const { runtime } of opened) runtime.close();
  const gradients = options.names.length > 0 ? [] : await measureGradients(options, note);
  return { abouts: Object.fromEntries(opened.map(({ name, runtime }) => [name, runtime.about])), reports, gradients };
}

async function measured(
  network: TrainedNetwork,
  opened: readonly { readonly name: string; readonly runtime: TrainingRuntime }[],
  { rounds, budget }: TrainingOptions,
  note: (line: string) => void,
): Promise<TrainingReport> {
  const task = { network, weights: weightsOf(network), batch: batchOf(network) };
  const entrants: Entrant[] = [];
  let expected: readonly number[] | undefined;
  let error = 0;
  for (const { name, runtime } of opened) {
    try {
      const trained = await runtime.prepare(task);
      const { losses, milliseconds } = await firstSteps(trained);
      expected ??= losses;
      const off = difference(expected, losses);
      if (!(off <= TOLERANCE)) {
        await trained.dispose();
        throw new Error(`its losses are ${losses.join(", ")}; lenslet's are ${expected.join(", ")}`);
      }
      error = Math.max(error, off);
      entrants.push({ name, trained, milliseconds });
    } catch (failure) {
      note(`  ${name}: ${reason(failure)}`);
    }
  }
  const times: Record<string, number[]> = Object.fromEntries(
    entrants.map(({ name, milliseconds }) => [name, milliseconds > SLOW ? [milliseconds] : []]),
  );
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < entrants.length; turn++) {
      const entrant = entrants[(turn + round) % entrants.length];
      if (entrant === undefined || entrant.milliseconds > SLOW) continue;
      const steps = Math.max(1, Math.round(budget / entrant.milliseconds));
      times[entrant.name]?.push((await entrant.trained.run(steps)).milliseconds);
    }
  }
  const share = await entrants[0]?.trained.share?.(SHARED);
  for (const { trained } of entrants) await trained.dispose();
  return { name: network.name, batchSize: network.batchSize, rounds: times, error, share };
}

/** The steps that are compared, and how long the last of them took. */
async function firstSteps(
  trained: Trained,
): Promise<{ readonly losses: readonly number[]; readonly milliseconds: number }> {
  const losses: number[] = [];
  let milliseconds = 0;
  for (let spent = 0; losses.length < CHECKED && spent < PATIENCE; spent += milliseconds) {
    const step = await trained.run(1);
    losses.push(...step.losses);
    milliseconds = step.milliseconds;
  }
  return { losses, milliseconds };
}

/** The largest difference of two runs of losses, as a part of the loss, over as many steps as were found. */
export function difference(expected: readonly number[], found: readonly number[]): number {
  if (found.length === 0 || found.length > expected.length) return Number.POSITIVE_INFINITY;
  const seen = expected.slice(0, found.length);
  return Math.max(...seen.map((loss, i) => Math.abs((found[i] ?? Number.NaN) - loss) / Math.max(loss, 1e-2)));
}

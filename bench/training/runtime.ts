/** What a runtime must do to take part in the table of training. */
import type { Clock } from "../clock.ts";
import type { BuildChoice } from "../peers/peer.ts";
import type { Floats } from "../work.ts";
import type { TrainedNetwork, Weights } from "./networks.ts";

/** SGD with momentum, in every runtime: `v = momentum * v + gradient; weight -= rate * v`. */
export const RATE = 0.01;
export const MOMENTUM = 0.9;

/** A network in a runtime, with its weights and the one batch that every step sees. */
export interface Task {
  readonly network: TrainedNetwork;
  readonly weights: readonly Weights[];
  /** `[n, h, w, c]`; numbers of classes. */
  readonly batch: { readonly x: Floats; readonly y: Floats };
}

/** What steps took, and what the loss was before each of them. */
export interface Steps {
  /** For each step. */
  readonly milliseconds: number;
  readonly losses: readonly number[];
}

/** A network that can be trained on. */
export interface Trained {
  /** Does so many steps, and waits until the weights have changed. */
  run(steps: number): Promise<Steps>;
  /**
   * The part of a step's time that the kernels of convolutions, dense layers and normalisations take, where that is told: the median of
   * the second half of so many milliseconds.
   */
  share?(budget: number): Promise<number>;
  dispose(): Promise<void> | void;
}

/** A runtime that is loaded. */
export interface TrainingRuntime {
  readonly about: string;
  prepare(task: Task): Promise<Trained>;
  close(): void;
}

/** A runtime that takes part if it is installed. */
export interface TrainingPeer {
  readonly name: string;
  open(options: { readonly build: BuildChoice; readonly clock: Clock }): Promise<TrainingRuntime>;
}

/** Times steps of this process, the one by one awaited. */
export async function timedSteps(steps: number, now: () => number, step: () => Promise<number>): Promise<Steps> {
  const losses: number[] = [];
  const start = now();
  for (let i = 0; i < steps; i++) losses.push(await step());
  return { milliseconds: (now() - start) / steps, losses };
}

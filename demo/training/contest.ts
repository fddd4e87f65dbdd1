/** Trains a network, and finds out how good it is. */
import { adamW, type Dataset, type Engine, type Graph, type Model, schedules } from "lenslet";
import type { Point } from "./chart.ts";

/** What the networks learn from, and by what they are judged. */
export interface Samples {
  readonly training: Dataset;
  readonly test: Dataset;
  /** The test's pictures, moved by up to so many pixels. */
  readonly moved: readonly { readonly pixels: number; readonly dataset: Dataset }[];
}

/** How to train. */
export interface Recipe {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** What came of it. */
export interface Result {
  readonly model: Model;
  readonly parameters: number;
  /** Multiply-adds for one picture. */
  readonly macs: number;
  /** Of the training alone. */
  readonly seconds: number;
  /** The share of the test's pictures that are named rightly. */
  readonly accuracy: number;
  /** The same, where they were moved by up to so many pixels. */
  readonly moved: readonly number[];
  /** The loss, step by step: means over a few dozen. */
  readonly losses: readonly Point[];
  /** The accuracy on the test, epoch by epoch. */
  readonly accuracies: readonly Point[];
}

/** Takes away, step by step, what weights began with by chance and the pictures do not ask for. */
const WEIGHT_DECAY = 0.1;
/** Points of the curve of losses. */
const POINTS = 60;

/** Trains a network by a recipe. `progress` is told, at every step, which part is done and what the accuracy is on what was seen. */
export async function train(
  engine: Engine,
  graph: Graph,
  samples: Samples,
  recipe: Recipe,
  progress: (part: number, accuracy: number) => void,
): Promise<Result> {
  const model = await engine.load(graph);
  const { parameters, macs } = model.summary();
  const { epochs, batchSize, learningRate, seed } = recipe;
  const steps = epochs * Math.ceil(samples.training.size / batchSize);
  const stretch = Math.max(1, Math.floor(steps / POINTS));
  const losses: Point[] = [];
  const accuracies: Point[] = [];
  let sum = 0;
  let testing = 0;
  const start = performance.now();
  await model.fit({
    dataset: samples.training,
    ...{ epochs, batchSize, seed },
    loss: "crossEntropy",
    optimizer: adamW({ learningRate, weightDecay: WEIGHT_DECAY }),
    // Grows for half an epoch, and falls along half a cosine to nothing: small steps in the end find the bottom.
    schedule: schedules.warmUp({ epochs: 0.5 }, schedules.cosine()),
    metrics: ["accuracy"],
    onBatch({ step, loss, running }) {
      sum += loss;
      if (step % stretch === 0) {
        losses.push({ x: step, y: sum / stretch });
        sum = 0;
      }
      progress(step / steps, running.metrics["accuracy"] ?? 0);
    },
    async onEpoch({ epoch }) {
      const before = performance.now();
      accuracies.push({ x: epoch, y: await accuracyOn(model, samples.test) });
      testing += performance.now() - before;
    },
  });
  const seconds = (performance.now() - start - testing) / 1000;
  const moved: number[] = [];
  for (const { dataset } of samples.moved) moved.push(await accuracyOn(model, dataset));
  const accuracy = accuracies.at(-1)?.y ?? 0;
  return { model, parameters, macs, seconds, accuracy, moved, losses, accuracies };
}

async function accuracyOn(model: Model, dataset: Dataset): Promise<number> {
  const { metrics } = await model.evaluate({ dataset, loss: "crossEntropy", metrics: ["accuracy"], batchSize: 100 });
  return metrics["accuracy"] ?? 0;
}

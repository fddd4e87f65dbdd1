/** How the statistics that inference normalises by follow those of the batches. */
import { describe, expect, test } from "vitest";
import type { Graph } from "../model/graph.ts";
import { batchNorm, dense, sequential } from "../model/layers/index.ts";
import { sketchGraph } from "../model/testing/sketch.ts";
import { sgd } from "./optimiser.ts";
import { trainingEngine } from "./testing/engine.ts";
import { rejection } from "./testing/rejection.ts";

const engine = trainingEngine();

/** Two features, which are normalised before anything else. */
function network(momentum?: number): Graph {
  const mean = [5, -1];
  const variance = [2, 3];
  return sequential([batchNorm({ momentum, weights: { mean, variance } }), dense({ units: 1 })], { input: [2] });
}

const x = { data: Float32Array.of(1, 2, 3, 6, 5, 1), shape: [3, 2] };
const y = { data: Float32Array.of(1, 0, 1), shape: [3, 1] };
/** Of the columns of `x`; variances as of a sample. */
const batch = { mean: [3, 3], variance: [4, 7] };

function statistics({ constants }: Graph): readonly (readonly number[])[] {
  return ["batchNorm_1.mean", "batchNorm_1.variance"].map((name) => [...(constants.get(name)?.data ?? [])]);
}

describe("running statistics", () => {
  test.each([undefined, 0, 0.25, 0.99, 1])("with a momentum of %s", async (momentum) => {
    using model = await engine().load(network(momentum));
    const [mean, variance] = statistics(model.graph);
    await model.fit({ x, y, loss: "meanSquaredError", batchSize: 3, optimizer: sgd({ learningRate: 0.1 }) });
    const kept = momentum ?? 0.9;
    const moved = (from: readonly number[] = [], to: readonly number[] = []): number[] =>
      from.map((value, i) => kept * value + (1 - kept) * (to[i] ?? Number.NaN));
    const [newMean = [], newVariance = []] = statistics(model.graph);
    for (const [i, value] of moved(mean, batch.mean).entries()) expect(newMean[i]).toBeCloseTo(value, 5);
    for (const [i, value] of moved(variance, batch.variance).entries()) expect(newVariance[i]).toBeCloseTo(value, 5);
  });

  test("the momentum is saved with the network, and loaded with it", async () => {
    using model = await engine().load(network(0.75));
    using again = await engine().load(await model.save());
    const momentum = ({ nodes }: Graph): readonly unknown[] =>
      nodes.flatMap((node) => (node.op === "BatchNormalization" ? [node.attributes.momentum] : []));
    expect(momentum(again.graph)).toEqual([0.75]);
  });

  test("a momentum that is no share is named, and only where statistics follow it", async () => {
    const text = "x: [n, 2]\na = BatchNormalization(x, s: [2], o: [2], m: [2], var.v: [2]) momentum=1.5\n-> a";
    using model = await engine().load(sketchGraph(text));
    const options = { x, y: { data: x.data, shape: [3, 2] }, loss: "meanSquaredError" } as const;
    const error = await rejection(model.fit(options));
    expect(error.code).toBe("model-unsupported");
    expect(error.message).toContain('fit: node "a" (BatchNormalization) has a momentum of 1.5');
    await model.fit({ ...options, freeze: ["m", "var.v"] });
  });
});

/** Traces of optimisers as PyTorch computed them, walked by `model.train`. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEngine } from "../create.ts";
import type { Engine } from "../engine.ts";
import { dense, sequential } from "../model/layers/index.ts";
import { readReferences } from "../test/reference/files.ts";
import { unpack } from "../test/reference/unpack.ts";
import { parseOptimizer } from "./optimiser.ts";
import { readSafetensors } from "./safetensors.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ training: true });
});
afterAll(() => engine.dispose());

const references = readReferences(join(import.meta.dirname, "../.."), ["optimisers"]).map(unpack);
const traces = references.flatMap(({ group, numbers }) =>
  group.cases.map(({ name, params: { optimiser, ...params }, tensors }) => {
    const tensor = (key: string): Float32Array => {
      const { shape, offset } = tensors[key] ?? { shape: [0], offset: 0 };
      return numbers.slice(offset, offset + shape.reduce((product, size) => product * size, 1));
    };
    const optimizer = parseOptimizer("test", { kind: optimiser === "adamw" ? "adamW" : optimiser, ...params });
    return { name, optimizer, start: tensor("start"), grads: tensor("grads"), wanted: tensor("params") };
  }),
);

/**
 * A network whose output is its bias, so that the gradient of `Σ(v - t)² / n` is `2 (v - t) / n`: targets that give it the
 * trace's gradient at each step.
 */
function targetsOf(start: Float32Array, grads: Float32Array, wanted: Float32Array): Float32Array {
  const n = start.length;
  return grads.map((gradient, i) => (i < n ? (start[i] ?? 0) : (wanted[i - n] ?? 0)) - (gradient * n) / 2);
}

test.each(traces)("$name", async ({ optimizer, start, grads, wanted }) => {
  const n = start.length;
  const steps = wanted.length / n;
  const weights = { weights: { data: new Float32Array(n), shape: [1, n] }, bias: start };
  using model = await engine.load(sequential([dense({ units: n, name: "layer", weights })], { input: [1] }));
  const training = model.train({
    x: { data: new Float32Array(steps), shape: [steps, 1] },
    y: { data: targetsOf(start, grads, wanted), shape: [steps, n] },
    loss: "meanSquaredError",
    batchSize: 1,
    shuffle: false,
    optimizer,
    freeze: ["layer.weights"],
  });
  let walked = 0;
  for await (const { step } of training) {
    const { tensors } = readSafetensors("test", await model.saveWeights());
    const found = tensors.get("layer.bias")?.data ?? [];
    for (let i = 0; i < n; i++) {
      const value = wanted[(step - 1) * n + i] ?? Number.NaN;
      expect(Math.abs((found[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
    }
    walked++;
  }
  expect(walked).toBe(steps);
});

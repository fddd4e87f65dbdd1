/** Networks from files, trained as they are: what a step promises is what it does. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ModelName, modelFile } from "../../demo/models/fetch.ts";
import type { Graph } from "../model/graph.ts";
import { importOnnx } from "../onnx/import.ts";
import type { Shape } from "../shape.ts";
import { Random } from "../test/oracle/random.ts";
import { binaryCrossEntropy, crossEntropy, meanSquaredError } from "./loss.ts";
import { sgd } from "./optimiser.ts";
import { trainingEngine } from "./testing/engine.ts";
import { Trainer, type TrainerOptions } from "./trainer.ts";

const engine = trainingEngine();

function read(name: ModelName): Graph {
  return importOnnx(new Uint8Array(readFileSync(modelFile(name))));
}

interface Case {
  readonly network: () => Graph;
  /** Without the batch. */
  readonly sample: Shape;
  readonly batchSize: number;
  readonly targets: number;
  readonly options: Pick<TrainerOptions, "loss" | "freeze">;
}

const CASES: Readonly<Record<string, Case>> = {
  "BlazeFace, for two faces at once": {
    network: () => read("blazeface-front"),
    sample: [128, 128, 3],
    batchSize: 2,
    targets: 2 * 512,
    options: { loss: meanSquaredError() },
  },
  "PP-OCR's classifier, batch norm unfolded": {
    network: () => read("ppocr-cls"),
    sample: [3, 48, 192],
    batchSize: 3,
    targets: 3,
    options: { loss: crossEntropy() },
  },
  "PP-OCR's detector, with transposed convolutions and resized maps": {
    network: () => read("ppocr-det"),
    sample: [3, 64, 64],
    batchSize: 1,
    targets: 64 * 64,
    options: { loss: binaryCrossEntropy() },
  },
};

/** A batch of noise. */
function noise({ network, sample, batchSize, targets, options }: Case): Parameters<Trainer["step"]>[0] {
  const random = new Random(4);
  const [input = ""] = [...network().inputs.keys()];
  const values = options.loss.kind === "crossEntropy" ? () => 0 : () => random.next();
  return {
    inputs: new Map([[input, random.nd([batchSize, ...sample], 0, 1).data]]),
    targets: Float32Array.from({ length: targets }, values),
    size: batchSize,
  };
}

describe.each(Object.entries(CASES))("%s", (_, found) => {
  it.each([false, true])("steps along the gradient, recompute: %s", { timeout: 60_000 }, async (recompute) => {
    const { network, sample, options } = found;
    const graph = network();
    const samples = new Map(Array.from(graph.inputs.keys(), (name) => [name, sample]));
    using trainer = Trainer.create(engine(), graph, { ...options, optimizer: sgd(), seed: 1, samples, recompute });
    const batch = noise(found);
    const state = await trainer.read();
    const { loss, norms } = await trainer.step(batch, 0);
    // As far as the loss is to fall by a thousandth: on its way it bends little.
    const square = (norms[0] ?? 0) ** 2;
    const rate = (0.001 * loss) / square;
    const after: number[] = [];
    for (const sign of [1, -1]) {
      trainer.write(state);
      await trainer.step(batch, sign * rate);
      after.push((await trainer.step(batch, 0)).loss);
    }
    const [down = 0, up = 0] = after;
    expect(down).toBeLessThan(loss);
    expect((up - down) / (2 * rate * square)).toBeCloseTo(1, 1.5);
  });
});

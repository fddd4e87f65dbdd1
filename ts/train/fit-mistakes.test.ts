/** What goes wrong in training, and what its errors say. */
import { describe, expect, test } from "vitest";
import { createEngine } from "../create.ts";
import type { Model } from "../model/model.ts";
import { arrays } from "./data/arrays.ts";
import { sgd } from "./optimiser.ts";
import type { FitOptions } from "./options.ts";
import { trainingEngine } from "./testing/engine.ts";
import { rejection } from "./testing/rejection.ts";
import { base, bitsOf, held, lineNetwork, samples } from "./testing/tiny.ts";

const engine = trainingEngine("fast");

function loaded(): Promise<Model> {
  return engine().load(lineNetwork());
}

describe("what is wrong is named", () => {
  test("a model that is being trained", async () => {
    using model = await loaded();
    const running = model.fit({ ...base, epochs: 2 });
    const error = await rejection(model.fit(base));
    expect(error).toMatchObject({ code: "training-busy" });
    expect(error.message).toContain("fit: the model is being trained by fit(); wait until that settles");
    const steps = model.train(base);
    expect(await rejection(steps.next())).toMatchObject({ code: "training-busy" });
    expect(await rejection(model.loadWeights(new Uint8Array(8)))).toMatchObject({ code: "training-busy" });
    // Running is allowed.
    await model.predict(held.x);
    await running;
  });

  test("an engine that cannot train", async () => {
    using plain = await createEngine();
    using model = await plain.load(lineNetwork());
    const error = await rejection(model.fit(base));
    expect(error).toMatchObject({ code: "training-unavailable" });
    expect(error.message).toContain("createEngine({ training: true })");
    // All else does not need gradients.
    await model.evaluate({ ...held, loss: "crossEntropy" });
    await model.loadWeights(await model.saveWeights());
  });

  test.each([
    [{ x: undefined }, "fit: x is undefined; expected inputs x and targets y, or a dataset"],
    [{ dataset: arrays(samples) }, "fit: dataset and x are both given"],
    [{ x: { data: samples.x.data, shape: [160, 64] } }, "a sample of x has shape [64]; expected [8, 8, 1]"],
    [{ y: samples.y.map((label) => label + 1) }, "y has 5 classes, from 0 to 4, but the network has 4 outputs"],
    [{ y: Float32Array.from(samples.y, (label) => label / 2) }, "expected the number of a class, from 0 to 3"],
    [{ loss: "meanSquaredError" }, "a target of y has shape [], what the network gives for a sample [4]"],
    [{ epochs: 0 }, "fit: epochs is 0; expected a positive integer"],
    [{ clipNorm: -1 }, "fit: clipNorm is -1; expected a positive number"],
    [{ validation: 0.001 }, "fit: validation is 0.001; expected samples, or a share between 0 and 1"],
    [{ validation: { x: samples.x } }, "fit: validation.y is undefined; expected inputs x and targets y"],
    [{ output: "z" }, 'fit: output is "z"; expected an output of the network: "output"'],
    [{ optimizer: "adam" }, 'fit: optimizer is "adam"; expected sgd(...)'],
    [{ shuffle: "yes" }, 'fit: shuffle is "yes"; expected true, false or a number'],
    [{ resume: new Uint8Array(3) }, "fit: the safetensors file has 3 bytes"],
    [{ lr: 1 }, 'fit: options has the unknown key "lr"'],
    [{ freeze: ["conv9"] }, 'fit: freeze is "conv9"; expected names of the network\'s nodes or weights'],
  ])("%o", async (options, text) => {
    using model = await loaded();
    const before = engine().memory().tensors;
    const error = await rejection(model.fit({ ...base, ...options } as FitOptions));
    expect(error.message).toContain(text);
    expect(engine().memory().tensors).toBe(before);
    // It can be trained again.
    await model.fit({ ...base, batchSize: 160 });
  });

  test("a sample whose label is no class is named by its number", async () => {
    using model = await loaded();
    const y = Float32Array.from(samples.y);
    y[77] = 9;
    const { x: _x, y: _y, ...rest } = base;
    const dataset = { ...arrays({ x: samples.x, y }), classes: undefined };
    const error = await rejection(model.fit({ ...rest, dataset }));
    expect(error.message).toContain("fit: y[77] is 9; expected the number of a class, from 0 to 3");
  });

  test("what a dataset or a callback throws ends it behind a whole step", async () => {
    using model = await loaded();
    let bits: unknown;
    const failing = model.fit({
      ...base,
      onBatch: async ({ step }) => {
        bits = await model.saveWeights();
        if (step === 3) throw new RangeError("enough");
      },
    });
    await expect(failing).rejects.toThrow(new RangeError("enough"));
    expect(await model.saveWeights()).toEqual(bits);
  });

  test("a training that diverges names the step, the layer and the remedy, and leaves the model as before that step", async () => {
    using model = await loaded();
    const before = bitsOf(model.graph);
    const data = samples.x.data.slice();
    data.fill(Number.NaN, 64 * 70, 64 * 71);
    const x = { data: data as Float32Array, shape: samples.x.shape };
    let bits: unknown;
    const failing = model.fit({
      ...base,
      x,
      shuffle: false,
      onBatch: async () => {
        bits = await model.saveWeights();
      },
    });
    const error = await rejection(failing);
    expect(error.code).toBe("training-diverged");
    expect(error.message).toMatch(/the loss is NaN at step 3 \(epoch 1, batch 3\)/);
    expect(error.message).toMatch(/the largest gradient at step 2 was that of ".+", of ".+" \(\w+\), with a norm of/);
    expect(error.message).toContain("x has NaN in this batch: expected finite numbers");
    expect(await model.saveWeights()).toEqual(bits);
    expect(bitsOf(model.graph)).not.toEqual(before);
  });

  test("a learning rate that is too large is what the error speaks of", async () => {
    using model = await loaded();
    const failing = model.fit({ ...base, loss: "crossEntropy", epochs: 50, optimizer: sgd({ learningRate: 1e25 }) });
    const error = await rejection(failing);
    expect(error.code).toBe("training-diverged");
    expect(error.message).toContain("try a learning rate below 1e+25, or shorten gradients by clipNorm: 1");
    for (const { data } of model.graph.constants.values()) expect(data.every(Number.isFinite)).toBe(true);
  });
});

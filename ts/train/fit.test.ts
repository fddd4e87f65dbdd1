import { describe, expect, test } from "vitest";
import type { ValueInfo } from "../model/graph.ts";
import { dense, flatten, sequential, softmax } from "../model/layers/index.ts";
import type { Model } from "../model/model.ts";
import { Random } from "../test/oracle/random.ts";
import { arrays } from "./data/arrays.ts";
import type { StepReport } from "./history.ts";
import { binaryCrossEntropy, crossEntropy, huber, type Loss, meanSquaredError } from "./loss.ts";
import { rmsprop, sgd } from "./optimiser.ts";
import type { FitOptions } from "./options.ts";
import { cosine, warmUp } from "./schedule.ts";
import { trainingEngine } from "./testing/engine.ts";
import { rejection } from "./testing/rejection.ts";
import { base, bitsOf, held, lineNetwork, samples } from "./testing/tiny.ts";

const engine = trainingEngine("fast");

function loaded(): Promise<Model> {
  return engine().load(lineNetwork());
}

describe("fit", () => {
  test("a small network learns, and history, evaluate and predict agree", async () => {
    using model = await loaded();
    const before = await model.evaluate({ ...held, loss: "crossEntropy", metrics: ["accuracy"] });
    const { epochs, steps, stoppedEarly } = await model.fit({
      ...base,
      epochs: 8,
      metrics: ["accuracy"],
      validation: held,
      schedule: warmUp({ steps: 5 }, cosine()),
    });
    expect(before.metrics["accuracy"]).toBeLessThan(0.6);
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([steps, stoppedEarly]).toEqual([40, false]);
    const last = epochs.at(-1)?.validation;
    expect(last?.metrics["accuracy"]).toBeGreaterThan(0.97);
    const after = await model.evaluate({ ...held, loss: "crossEntropy", metrics: ["accuracy"], batchSize: 13 });
    expect(after.metrics).toEqual(last?.metrics);
    expect(after.loss).toBeCloseTo(last?.loss ?? Number.NaN, 5);
    const { data, shape } = await model.predict(held.x, { batchSize: 7 });
    expect(shape).toEqual([80, 4]);
    const { output } = await model.run({ data: held.x.data, shape: held.x.shape });
    const expected = await output?.data();
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected?.[i] ?? Number.NaN, 4);
  });

  test("the model runs and saves with what it has learnt after each epoch", async () => {
    using model = await loaded();
    const first = bitsOf(model.graph);
    const seen: Record<string, string>[] = [];
    await model.fit({ ...base, epochs: 2, onEpoch: () => seen.push(bitsOf(model.graph)) });
    expect(seen).toHaveLength(2);
    expect(seen[0]).not.toEqual(first);
    expect(seen[1]).not.toEqual(seen[0]);
    expect(bitsOf(model.graph)).toEqual(seen[1]);
    // Weights, biases, and the normalisation's scale, offset, mean and variance: all of them.
    expect(Object.keys(first).filter((name) => first[name] === seen[1]?.[name])).toEqual([]);
    using again = await engine().load(await model.save());
    const [a, b] = await Promise.all([model.predict(held.x), again.predict(held.x)]);
    expect(b.data).toEqual(a.data);
  });

  test("events tell of every step and epoch in their order", async () => {
    using model = await loaded();
    const told: string[] = [];
    const reports: StepReport[] = [];
    await model.fit({
      ...base,
      epochs: 2,
      batchSize: 100,
      metrics: ["accuracy"],
      onBatch: (report) => {
        told.push(`step ${report.step}`);
        reports.push(report);
      },
      onEpoch: ({ epoch }) => told.push(`epoch ${epoch}`),
    });
    expect(told).toEqual(["step 1", "step 2", "epoch 1", "step 3", "step 4", "epoch 2"]);
    const [, second] = reports;
    expect(second).toMatchObject({ step: 2, epoch: 1, batch: 2, batches: 2, size: 60, learningRate: 0.01 });
    expect(second?.gradientNorm).toBeGreaterThan(0);
    const mean = ((reports[0]?.loss ?? 0) * 100 + (second?.loss ?? 0) * 60) / 160;
    expect(second?.running.loss).toBeCloseTo(mean, 12);
    expect(second?.epochEnd).toMatchObject({ epoch: 1, loss: second?.running.loss, metrics: second?.running.metrics });
  });

  test("with `profile`, a step tells what its kernels took", async () => {
    using model = await loaded();
    let seen = 0;
    for await (const { kernels = [] } of model.train({ ...base, profile: true })) {
      seen++;
      const names = kernels.map(({ name, kernel }) => `${kernel} ${name}`);
      expect(names[0]).toBe("conv2d conv2d_1");
      for (const name of [
        "batchNormTraining batchNorm_1",
        "denseGrad dense_1",
        "conv2dGrad conv2d_1",
        "crossEntropy loss",
      ])
        expect(names).toContain(name);
      expect(names.filter((name) => name.startsWith("optimiserStep "))).toHaveLength(5);
      expect(kernels.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
      expect(kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeGreaterThan(0);
    }
    expect(seen).toBe(5);
    for await (const step of model.train(base)) expect(step).not.toHaveProperty("kernels");
  });

  test("the same seed gives the same bits, another other ones", async () => {
    const bits = async (options: Partial<FitOptions>): Promise<Record<string, string>> => {
      using model = await loaded();
      await model.fit({ ...base, epochs: 1, ...options });
      return bitsOf(model.graph);
    };
    const first = await bits({ seed: 5 });
    expect(await bits({ seed: 5 })).toEqual(first);
    expect(await bits({ seed: 5, recompute: true })).toEqual(first);
    expect(await bits({ seed: 6 })).not.toEqual(first);
    expect(await bits({ seed: 5, shuffle: 6 })).not.toEqual(first);
    expect(await bits({ seed: 5, shuffle: false })).not.toEqual(first);
  });

  test("what is frozen keeps its bits", async () => {
    using model = await loaded();
    const before = bitsOf(model.graph);
    await model.fit({ ...base, freeze: ["conv2d_1", "batchNorm_1"] });
    const after = bitsOf(model.graph);
    const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
    expect(changed).toEqual(["dense_1.weights", "dense_1.bias"]);
  });

  test("a share of the samples is held out, and none of them is trained on", async () => {
    using model = await loaded();
    const whole = arrays(samples);
    const batches: Int32Array[] = [];
    const dataset = {
      ...whole,
      batch: (indices: Int32Array, epoch: number) => {
        batches.push(indices);
        return whole.batch(indices, epoch);
      },
    };
    const { x: _x, y: _y, ...rest } = base;
    const measured = { name: "samples", measure: ({ size }: { readonly size: number }) => size };
    const options = { ...rest, dataset, validation: 0.25, batchSize: 120, metrics: [measured], epochs: 2 };
    const { epochs } = await model.fit(options);
    expect(epochs.map(({ validation }) => validation?.metrics["samples"])).toEqual([40, 40]);
    const trained = new Set(batches.filter(({ length }) => length === 120).flatMap((indices) => [...indices]));
    const validated = new Set(batches.filter(({ length }) => length === 40).flatMap((indices) => [...indices]));
    expect([trained.size, validated.size]).toEqual([120, 40]);
    expect(trained.isDisjointFrom(validated)).toBe(true);
  });

  test("early stopping ends it and brings the best weights back", async () => {
    using model = await loaded();
    const seen: Record<string, string>[] = [];
    // After two good epochs the rate makes it worse.
    const schedule = (_: number, epoch: number): number => (epoch < 2 ? 1 : 300);
    const history = await model.fit({
      ...base,
      epochs: 10,
      validation: held,
      schedule,
      earlyStopping: { patience: 2 },
      onEpoch: () => seen.push(bitsOf(model.graph)),
    });
    expect(history).toMatchObject({ stoppedEarly: true, best: 2, steps: 20 });
    expect(history.epochs).toHaveLength(4);
    expect(bitsOf(model.graph)).toEqual(seen[1]);
    const validation = await model.evaluate({ ...held, loss: "crossEntropy" });
    expect(validation.loss).toBeCloseTo(history.epochs[1]?.validation?.loss ?? Number.NaN, 5);
  });

  test("evaluate computes the losses of the core's operators", async () => {
    using model = await loaded();
    const truths = { data: new Random(4).nd([80, 4], 0, 1).data.map(Math.round), shape: [80, 4] };
    const cases: readonly (readonly [Loss, FitOptions["y"]])[] = [
      [crossEntropy(), held.y],
      [crossEntropy({ labelSmoothing: 0.3 }), held.y],
      [binaryCrossEntropy(), truths],
      [meanSquaredError(), truths],
      [huber({ delta: 0.2 }), truths],
    ];
    for (const [loss, y] of cases) {
      const measured = { x: held.x, y, loss };
      const own = await model.evaluate(measured);
      const { epochs } = await model.fit({
        ...measured,
        validation: { x: held.x, y },
        optimizer: sgd({ learningRate: 1e-30 }),
        freeze: ["batchNorm_1"],
      });
      expect(own.loss).toBeCloseTo(epochs[0]?.validation?.loss ?? Number.NaN, 5);
    }
  });

  test("an output of probabilities is measured by what goes into them", async () => {
    const probable = sequential([flatten(), dense({ units: 4 }), softmax()], { input: [8, 8, 1] });
    using model = await engine().load(probable);
    const { epochs } = await model.fit({ ...base, validation: held, epochs: 2 });
    const { loss } = await model.evaluate({ ...held, loss: "crossEntropy" });
    expect(loss).toBeCloseTo(epochs[1]?.validation?.loss ?? Number.NaN, 5);
    const { data } = await model.predict(held.x);
    expect(data.subarray(0, 4).reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 5);
  });

  test("a network that was saved for batches of one size is trained, measured and asked by others", async () => {
    const input: ValueInfo = { type: "float32", shape: [3, 8, 8, 1] };
    using model = await engine().load({ ...lineNetwork(), inputs: new Map([["input", input]]) });
    using open = await loaded();
    await model.fit(base);
    await open.fit(base);
    expect(bitsOf(model.graph)).toEqual(bitsOf(open.graph));
    const [a, b] = [await model.predict(held.x), await open.predict(held.x)];
    expect(a.shape).toEqual([80, 4]);
    for (const [i, value] of a.data.entries()) expect(value).toBeCloseTo(b.data[i] ?? Number.NaN, 4);
    const options = { ...held, loss: "crossEntropy", metrics: ["accuracy"] } as const;
    expect((await model.evaluate(options)).metrics).toEqual((await open.evaluate(options)).metrics);
  });

  test("normalisations are folded into what is saved, if that is wanted", async () => {
    using model = await loaded();
    await model.fit({ ...base, epochs: 3 });
    using kept = await engine().load(await model.save());
    using folded = await engine().load(await model.save({ foldBatchNorm: true }));
    const norms = (of: Model): number => of.graph.nodes.filter(({ op }) => op === "BatchNormalization").length;
    expect([kept, folded].map(norms)).toEqual([1, 0]);
    const [a, b] = [await kept.predict(held.x), await folded.predict(held.x)];
    for (const [i, value] of a.data.entries()) expect(b.data[i]).toBeCloseTo(value, 4);
    expect(await rejection(model.save({ foldBatchNorm: 1 as never }))).toMatchObject({ code: "invalid-argument" });
  });

  test("losses of numbers and of truths", async () => {
    using model = await loaded();
    const random = new Random(4);
    const y = { data: random.nd([160, 4], 0, 1).data.map(Math.round), shape: [160, 4] };
    for (const loss of ["meanSquaredError", "huber", "binaryCrossEntropy"] as const) {
      const { epochs } = await model.fit({ ...base, y, loss, epochs: 6, metrics: ["binaryAccuracy"] });
      expect(epochs.at(-1)?.loss).toBeLessThan((epochs[0]?.loss ?? 0) * 0.95);
    }
  });
});

describe("train", () => {
  test("hands the loop over, and gives the history in the end", async () => {
    using model = await loaded();
    using other = await loaded();
    const steps = model.train({ ...base, epochs: 2 });
    const losses: number[] = [];
    let history: unknown;
    for (;;) {
      const { done, value } = await steps.next();
      if (done === true) {
        history = value;
        break;
      }
      losses.push(value.loss);
    }
    const fitted = await other.fit({ ...base, epochs: 2 });
    expect(losses).toHaveLength(10);
    expect(bitsOf(model.graph)).toEqual(bitsOf(other.graph));
    expect(history).toMatchObject({ steps: 10, epochs: fitted.epochs.map(({ loss, epoch }) => ({ loss, epoch })) });
  });

  test("leaving the loop leaves the model as after the last whole step", async () => {
    using model = await loaded();
    using other = await loaded();
    for await (const { step } of model.train({ ...base, epochs: 3 })) if (step === 7) break;
    let bits: unknown;
    for await (const { step } of other.train({ ...base, epochs: 3 })) {
      if (step !== 7) continue;
      bits = await other.saveWeights();
      break;
    }
    expect(await model.saveWeights()).toEqual(bits);
    expect(await other.saveWeights()).toEqual(bits);
    // It can be trained again.
    await model.fit(base);
  });
});

test("samples may be tensors of an engine", async () => {
  using model = await loaded();
  using other = await loaded();
  using x = engine().tensor(samples.x.data, samples.x.shape);
  using y = engine().tensor(samples.y);
  await model.fit({ ...base, x, y });
  await other.fit(base);
  expect(bitsOf(model.graph)).toEqual(bitsOf(other.graph));
  expect((await model.predict(x)).data).toEqual((await model.predict(samples.x)).data);
});

test("RMSprop and clipping go through the loop, too", async () => {
  using model = await loaded();
  const { epochs } = await model.fit({
    ...base,
    epochs: 4,
    optimizer: rmsprop({ learningRate: 0.003 }),
    clipNorm: 0.5,
  });
  expect(epochs.at(-1)?.loss).toBeLessThan(epochs[0]?.loss ?? 0);
});

test("memory is known before the first step", async () => {
  using model = await loaded();
  const before = engine().memory().tensors;
  const { weights, states, activations, peak } = await model.trainingMemory({ loss: "crossEntropy", batchSize: 32 });
  const parameters = 72 + 16 + 512 + 4;
  expect([weights, states]).toEqual([4 * (parameters + 16), 8 * parameters]);
  expect(peak).toBeGreaterThan(weights + states + activations);
  const half = await model.trainingMemory({ loss: "crossEntropy", batchSize: 16, optimizer: sgd() });
  expect(half.states).toBe(0);
  expect(half.activations).toBeLessThan(activations);
  expect(engine().memory().tensors).toBe(before);
});

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "../create.ts";
import type { Engine } from "../engine.ts";
import { LensletError } from "../errors.ts";
import { dense, sequential } from "../model/layers/index.ts";
import type { Model } from "../model/model.ts";
import { Random } from "../test/oracle/random.ts";
import type { EpochReport, StepReport } from "./history.ts";
import { adam, adamW, type Optimizer, rmsprop, sgd } from "./optimiser.ts";
import type { FitOptions } from "./options.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { cosine } from "./schedule.ts";
import { rejection } from "./testing/rejection.ts";
import { bitsOf, lineNetwork, lines } from "./testing/tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ training: true });
});
afterAll(() => engine.dispose());

const samples = lines(100);
/** Four steps an epoch, the last one of four samples. */
const base: FitOptions = {
  ...samples,
  loss: "crossEntropy",
  batchSize: 32,
  epochs: 3,
  metrics: ["accuracy"],
  validation: lines(40, 2),
  schedule: cosine(),
};

/** All of an epoch but its time. */
function timeless({ milliseconds: _, ...report }: EpochReport): object {
  return report;
}

/** Trains to a step, saves there and stops. */
async function checkpointAt(options: FitOptions, wanted: number): Promise<Uint8Array<ArrayBuffer>> {
  using model = await engine.load(lineNetwork());
  for await (const { step } of model.train(options))
    if (step === wanted) return await model.saveWeights({ optimizer: true });
  throw new Error(`there is no step ${wanted}`);
}

describe("resume", () => {
  const optimizers: readonly Optimizer[] = [
    sgd({ learningRate: 0.1 }),
    sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
    adam({ learningRate: 0.01 }),
    adamW({ learningRate: 0.01 }),
    rmsprop({ learningRate: 0.01, momentum: 0.5 }),
  ];

  test.each(optimizers)("$kind: from any step, the bits are those of never having stopped", async (optimizer) => {
    const options = { ...base, optimizer, earlyStopping: { patience: 5 } };
    using model = await engine.load(lineNetwork());
    const reports: StepReport[] = [];
    const history = await model.fit({ ...options, onBatch: (report) => reports.push(report) });
    const bits = bitsOf(model.graph);
    // In the middle of an epoch, at the end of one, before the last step.
    for (const step of [1, 3, 4, 6, 8, 11]) {
      const resume = await checkpointAt(options, step);
      using other = await engine.load(lineNetwork(7));
      const rest: StepReport[] = [];
      const again = await other.fit({ ...options, resume, onBatch: (report) => rest.push(report) });
      expect(bitsOf(other.graph)).toEqual(bits);
      expect(again.epochs.map(timeless)).toEqual(history.epochs.map(timeless));
      expect({ ...again, epochs: [] }).toEqual({ ...history, epochs: [] });
      expect(rest.map(({ step, loss, running }) => [step, loss, running])).toEqual(
        reports.slice(step).map(({ step, loss, running }) => [step, loss, running]),
      );
    }
  });

  test("a training that was aborted goes on from its last whole step", async () => {
    using model = await engine.load(lineNetwork());
    await model.fit(base);
    using other = await engine.load(lineNetwork());
    const controller = new AbortController();
    const aborted = other.fit({
      ...base,
      signal: controller.signal,
      onBatch: ({ step }) => {
        if (step === 5) controller.abort();
      },
    });
    expect(await rejection(aborted)).toMatchObject({ code: "aborted" });
    const resume = await other.saveWeights({ optimizer: true });
    await other.fit({ ...base, resume });
    expect(bitsOf(other.graph)).toEqual(bitsOf(model.graph));
  });

  test("one that was aborted behind an epoch's last step validates that epoch first", async () => {
    using model = await engine.load(lineNetwork());
    const { epochs } = await model.fit(base);
    using other = await engine.load(lineNetwork());
    const controller = new AbortController();
    let measured = 0;
    // The first sample of the validation is measured behind the fourth step.
    const measure = (): number => {
      if (++measured === 5) controller.abort();
      return 0;
    };
    const metrics = [{ name: "accuracy", measure }];
    const aborted = other.fit({ ...base, metrics, signal: controller.signal });
    expect(await rejection(aborted)).toMatchObject({ code: "aborted" });
    const resume = await other.saveWeights({ optimizer: true });
    const again = await other.fit({ ...base, resume });
    expect(bitsOf(other.graph)).toEqual(bitsOf(model.graph));
    expect(again.epochs.map(({ loss, validation }) => [loss, validation])).toEqual(
      epochs.map(({ loss, validation }) => [loss, validation]),
    );
  });

  test("a longer training goes on from where a shorter one ended", async () => {
    const options = { ...base, schedule: undefined };
    using model = await engine.load(lineNetwork());
    await model.fit(options);
    using other = await engine.load(lineNetwork());
    await other.fit({ ...options, epochs: 2 });
    const { epochs } = await other.fit({ ...options, resume: await other.saveWeights({ optimizer: true }) });
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(bitsOf(other.graph)).toEqual(bitsOf(model.graph));
  });

  test("the best weights survive a stop", async () => {
    // Two good epochs, and from then on worse ones.
    const schedule = (_: number, epoch: number): number => (epoch < 2 ? 1 : 300);
    const options = {
      ...base,
      epochs: 6,
      schedule,
      optimizer: adam({ learningRate: 0.01 }),
      earlyStopping: { patience: 3 },
    };
    using model = await engine.load(lineNetwork());
    const history = await model.fit(options);
    expect(history).toMatchObject({ best: 2, stoppedEarly: true });
    for (const step of [8, 9, 12, 14]) {
      using other = await engine.load(lineNetwork(7));
      const again = await other.fit({ ...options, resume: await checkpointAt(options, step) });
      expect(again).toMatchObject({ best: 2, stoppedEarly: true });
      expect(bitsOf(other.graph)).toEqual(bitsOf(model.graph));
    }
    // What the model goes on from is its best epoch, not its last one.
    const { metadata } = readSafetensors("test", await model.saveWeights({ optimizer: true }));
    expect(JSON.parse(metadata.get("lenslet") ?? "")).toMatchObject({ steps: 8, position: { epoch: 2, batch: 0 } });
  });

  test("another training is refused by name", async () => {
    const resume = await checkpointAt(base, 3);
    using model = await engine.load(lineNetwork());
    const held = engine.memory().tensors;
    const refused = async (options: Partial<FitOptions>): Promise<string> => {
      const { message } = await rejection(model.fit({ ...base, resume, ...options }));
      expect(engine.memory().tensors).toBe(held);
      return message;
    };
    expect(await refused({ batchSize: 16 })).toContain(
      "fit: batchSize is 16, but was 32 in the training that resume goes on with",
    );
    expect(await refused({ seed: 1, shuffle: 0 })).toContain("fit: seed is 1, but was 0");
    expect(await refused({ shuffle: false })).toContain("fit: shuffle is false, but was 0");
    expect(await refused(lines(90))).toContain("fit: the number of samples is 90, but was 100");
    expect(await refused({ optimizer: sgd() })).toContain("fit: optimizer is sgd(...), but was adam(...)");
    expect(await refused({ freeze: ["conv2d_1"] })).toContain("the state to go on from");
    expect(await refused({ resume: await model.saveWeights() })).toContain("fit: resume is a file of weights alone");
    using other = await engine.load(sequential([dense({ units: 4 })], { input: [64] }));
    const x = { data: samples.x.data, shape: [100, 64] };
    const error = await rejection(other.fit({ ...base, x, validation: undefined, resume }));
    expect(error.message).toContain(
      'the state to go on from has "dense_1.weights" of shape [128, 4]; expected [64, 4]',
    );
  });
});

describe("files of weights", () => {
  test("keep every bit, in a loaded model and in another", async () => {
    using model = await engine.load(lineNetwork());
    const before = bitsOf(model.graph);
    await model.fit({ ...base, epochs: 1 });
    const bits = bitsOf(model.graph);
    const file = await model.saveWeights();
    using fresh = await engine.load(lineNetwork(3), { weights: file });
    expect(bitsOf(fresh.graph)).toEqual(bits);
    using blob = await engine.load(lineNetwork(3), { weights: new Blob([file]) });
    expect(bitsOf(blob.graph)).toEqual(bits);
    using other = await engine.load(lineNetwork());
    expect(bitsOf(other.graph)).toEqual(before);
    await other.loadWeights(file.buffer);
    expect(bitsOf(other.graph)).toEqual(bits);
    const [a, b, c] = await Promise.all([model, fresh, other].map((each: Model) => each.predict(samples.x)));
    expect(b?.data).toEqual(a?.data);
    expect(c?.data).toEqual(a?.data);
  });

  test("one with the optimiser's memory serves as one without", async () => {
    using model = await engine.load(lineNetwork());
    await model.fit({ ...base, epochs: 1 });
    using fresh = await engine.load(lineNetwork(3), { weights: await model.saveWeights({ optimizer: true }) });
    expect(bitsOf(fresh.graph)).toEqual(bitsOf(model.graph));
    // It was not trained itself.
    expect((await rejection(fresh.saveWeights({ optimizer: true }))).message).toContain(
      "the model was not trained since",
    );
  });

  test("weights of another network are refused by name", async () => {
    using model = await engine.load(lineNetwork());
    using other = await engine.load(sequential([dense({ units: 4, name: "head" })], { input: [64] }));
    const file = await other.saveWeights();
    const error = await rejection(model.loadWeights(file));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toContain('loadWeights: the file of weights lacks "conv2d_1.filter", "batchNorm_1.scale"');
    expect(error.message).toContain('and has "head.weights", "head.bias", which the network has not');
    const narrow = sequential([dense({ units: 3, name: "head" })], { input: [64] });
    const shape = await rejection(engine.load(narrow, { weights: file }));
    expect(shape.message).toContain("load: the file's \"head.weights\" has shape [64, 4], the network's [64, 3]");
    expect(await rejection(model.loadWeights(file.subarray(0, 40)))).toMatchObject({ code: "model-invalid" });
    expect((await rejection(model.loadWeights(readFileSync as never))).message).toContain("loadWeights: weights is");
  });

  test("texts about the training that were changed are refused or harmless", async () => {
    const bytes = await checkpointAt({ ...base, earlyStopping: {} }, 6);
    const { tensors, metadata } = readSafetensors("test", bytes);
    const text = metadata.get("lenslet") ?? "";
    const random = new Random(9);
    const characters = '{}[]",:0123456789.-truefalsn';
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const at = random.int(0, text.length - 1);
      const cut = random.int(0, 3);
      const changed =
        text.slice(0, at) + (characters[random.int(0, characters.length - 1)] ?? "") + text.slice(at + cut);
      using model = await engine.load(lineNetwork());
      const resume = writeSafetensors({ tensors, metadata: new Map([["lenslet", changed]]) });
      const controller = new AbortController();
      controller.abort();
      try {
        await model.fit({ ...base, resume, earlyStopping: {}, signal: controller.signal });
      } catch (error) {
        if (!(error instanceof LensletError)) throw new Error(`round ${round}: ${changed}`, { cause: error });
        if (error.code !== "aborted") refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

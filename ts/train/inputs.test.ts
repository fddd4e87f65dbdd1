/** Networks with several inputs: samples by the names of these. */
import { describe, expect, test } from "vitest";
import { createEngine } from "../create.ts";
import type { Graph } from "../model/graph.ts";
import { activation, concat, conv2d, dense, flatten, globalAvgPool2d, graph } from "../model/layers/index.ts";
import { Random } from "../test/oracle/random.ts";
import { arrays, type NamedArrays } from "./data/arrays.ts";
import type { MultiInputDataset } from "./data/dataset.ts";
import { split, subset } from "./data/subset.ts";
import { adam } from "./optimiser.ts";
import type { FitOptions } from "./options.ts";
import { trainingEngine } from "./testing/engine.ts";
import { rejection } from "./testing/rejection.ts";
import { bitsOf } from "./testing/tiny.ts";

const engine = trainingEngine();

/** A picture and a number; whether the picture is brighter than the number says. */
function network(): Graph {
  return graph({ picture: [4, 4, 1], level: [1] }, ({ picture, level }) => {
    const brightness = flatten()(globalAvgPool2d()(conv2d({ filters: 3, size: 3, padding: "same" })(picture)));
    const both = activation("tanh")(dense({ units: 8 })(concat([brightness, level])));
    return { logits: dense({ units: 2 })(both) };
  });
}

function brighter(n: number, seed = 1): { readonly x: NamedArrays; readonly y: Uint8Array } {
  const random = new Random(seed);
  const picture = random.nd([n, 4, 4, 1], -1, 1);
  const level = random.nd([n, 1], -1, 1);
  for (let i = 0; i < n; i++) {
    const brightness = 2 * random.next() - 1;
    for (let pixel = 16 * i; pixel < 16 * (i + 1); pixel++)
      picture.data[pixel] = 0.2 * (picture.data[pixel] ?? 0) + brightness;
  }
  const mean = (i: number): number => picture.data.subarray(16 * i, 16 * (i + 1)).reduce((sum, v) => sum + v / 16, 0);
  return { x: { picture, level }, y: Uint8Array.from({ length: n }, (_, i) => Number(mean(i) > (level.data[i] ?? 0))) };
}

const samples = brighter(120);
const held = brighter(60, 2);
const base: FitOptions = {
  ...samples,
  ...{ loss: "crossEntropy", metrics: ["accuracy"], batchSize: 16, optimizer: adam({ learningRate: 0.03 }) },
};

describe("several inputs", () => {
  test("are learnt from, measured and predicted by name", async () => {
    using model = await engine().load(network());
    const { epochs } = await model.fit({ ...base, epochs: 12, validation: held });
    const validation = epochs.at(-1)?.validation;
    expect(validation?.metrics["accuracy"]).toBeGreaterThan(0.9);
    const scores = await model.evaluate({ ...held, loss: "crossEntropy", metrics: ["accuracy"], batchSize: 13 });
    expect(scores.metrics).toEqual(validation?.metrics);
    expect(scores.loss).toBeCloseTo(validation?.loss ?? Number.NaN, 5);
    const { data, shape } = await model.predict(held.x, { batchSize: 7 });
    expect(shape).toEqual([60, 2]);
    const { logits } = await model.run({ picture: held.x["picture"] ?? [], level: held.x["level"] ?? [] } as never);
    const expected = await logits?.data();
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected?.[i] ?? Number.NaN, 5);
  });

  test("come from arrays, tensors and datasets to the same bits, in any order", async () => {
    const bits = async (options: Partial<FitOptions>): Promise<Record<string, string>> => {
      using model = await engine().load(network());
      await model.fit({ ...base, ...options });
      return bitsOf(model.graph);
    };
    const first = await bits({});
    const { picture, level } = samples.x as Readonly<Record<"picture" | "level", NamedArrays[string]>>;
    using tensor = engine().tensor(picture.data, picture.shape);
    expect(await bits({ x: { level, picture: tensor } })).toEqual(first);
    const none = { x: undefined, y: undefined };
    expect(await bits({ ...none, dataset: arrays(samples) })).toEqual(first);
    const own: MultiInputDataset = {
      ...{ size: 120, inputShapes: { level: [1], picture: [4, 4, 1] }, targetShape: [] },
      batch: async (indices) => arrays(samples).batch(indices, 0),
    };
    expect(await bits({ ...none, dataset: own })).toEqual(first);
    expect(await bits({ ...none, dataset: own, validation: 0.25, shuffle: false })).not.toEqual(first);
  });

  test("a worker comes to the same bits", async () => {
    using worker = await createEngine({ training: true, accuracy: "strict", worker: true });
    using there = await worker.load(network());
    using here = await engine().load(network());
    const [a, b] = [await there.fit(base), await here.fit(base)];
    expect(a.epochs[0]?.loss).toBe(b.epochs[0]?.loss);
    expect(bitsOf(there.graph)).toEqual(bitsOf(here.graph));
    expect((await there.predict(held.x)).data).toEqual((await here.predict(held.x)).data);
  });

  test("one input may be named, too", async () => {
    const one = graph({ a: [3] }, ({ a }) => ({ y: dense({ units: 2 })(a) }));
    const x = { data: new Random(1).nd([8, 3], -1, 1).data, shape: [8, 3] };
    const y = [0, 1, 0, 1, 0, 1, 0, 1];
    using model = await engine().load(one);
    using other = await engine().load(one);
    await model.fit({ x, y, loss: "crossEntropy" });
    await other.fit({ x: { a: x }, y, loss: "crossEntropy" });
    expect(bitsOf(other.graph)).toEqual(bitsOf(model.graph));
  });

  test("a network that was made for batches of one size", async () => {
    const open = network();
    const inputs = new Map(
      Array.from(open.inputs, ([name, { type, shape = [] }]) => [name, { type, shape: [7, ...shape.slice(1)] }]),
    );
    using model = await engine().load({ ...open, inputs });
    using other = await engine().load(open);
    const [a, b] = [await model.predict(held.x), await other.predict(held.x)];
    expect(a.shape).toEqual([60, 2]);
    for (const [i, value] of a.data.entries()) expect(value).toBeCloseTo(b.data[i] ?? Number.NaN, 5);
    await model.fit(base);
    await other.fit(base);
    expect(bitsOf(model.graph)).toEqual(bitsOf(other.graph));
  });

  test("memory is known, with shapes by name", async () => {
    using model = await engine().load(network());
    const memory = await model.trainingMemory({ loss: "crossEntropy" });
    const inputShape = { picture: [4, 4, 1] };
    expect(await model.trainingMemory({ loss: "crossEntropy", inputShape })).toEqual(memory);
    const error = await rejection(model.trainingMemory({ loss: "crossEntropy", inputShape: [4, 4, 1] }));
    expect(error.message).toContain(
      "trainingMemory: inputShape is [4, 4, 1]; expected an object with picture or level",
    );
  });

  test("parts of datasets keep all inputs", async () => {
    const whole = arrays(samples);
    const { training, validation } = split(whole, 0.25, { shuffle: false });
    expect([training.size, validation.size, validation.inputShapes]).toEqual([90, 30, whole.inputShapes]);
    const a = await subset(validation, 3, 5).batch(Int32Array.of(1, 0), 0);
    expect(a).toEqual(await whole.batch(Int32Array.of(94, 93), 0));
  });
});

describe("what is wrong is named", () => {
  const { picture, level } = samples.x as Readonly<Record<"picture" | "level", NamedArrays[string]>>;
  const expected = 'expected { "picture", "level" }, each { data, shape }, or a dataset of these inputs';
  test.each<[string, FitOptions["x"], string, string]>([
    ["one input", picture, "invalid-argument", `x is one input, the network has 2; ${expected}`],
    ["a missing one", { picture }, "invalid-argument", `x has no "level"; ${expected}`],
    [
      "one too many",
      { picture, level, extra: level },
      ...(["invalid-argument", `x has "extra", which is no input of the network; ${expected}`] as const),
    ],
    [
      "lengths that differ",
      { picture, level: { data: level.data.subarray(0, 119), shape: [119, 1] } },
      ...(["shape-mismatch", "x.level has 119 samples, x.picture has 120; expected as many of each input"] as const),
    ],
    [
      "another shape",
      { picture, level: { data: level.data, shape: [120] } },
      ...(["shape-mismatch", 'a sample of x.level has shape []; expected [1], the network\'s input "level"'] as const),
    ],
    ["no array", { picture, level: [1, 2] as never }, "invalid-argument", "x.level is [1, 2]; expected { data:"],
  ])("%s", async (_, x, code, text) => {
    using model = await engine().load(network());
    for (const call of ["fit", "evaluate"] as const) {
      const error = await rejection(model[call]({ x, y: samples.y, loss: "crossEntropy" }));
      expect([error.code, error.message.slice(0, call.length + 2 + text.length)]).toEqual([code, `${call}: ${text}`]);
    }
    const error = await rejection(model.predict(x as never));
    expect(error.message).toContain(`predict: ${text}`);
  });

  test("a dataset that gives other arrays than it says", async () => {
    using model = await engine().load(network());
    const whole = arrays(samples);
    const dataset = {
      ...whole,
      batch: async (indices: Int32Array) => {
        const { inputs, targets } = await whole.batch(indices, 0);
        return { inputs: { ...inputs, level: new Float32Array(3) }, targets };
      },
    };
    const error = await rejection(model.fit({ dataset, loss: "crossEntropy", batchSize: 16 }));
    expect(error.message).toContain("the dataset's batch(indices) gave as inputs.level");
    expect(error.message).toContain("expected a Float32Array of 16 elements, 16 samples of shape [1]");
  });

  test("numbers that are none, by the name of the input", async () => {
    using model = await engine().load(network());
    const x = { picture, level: { data: Float32Array.from(level.data, () => Number.NaN), shape: level.shape } };
    const error = await rejection(model.fit({ ...base, x }));
    expect(error.message).toContain("x.level has NaN in this batch");
  });
});

/** Classes of every pixel: what the loss, the metrics and `evaluate` make of them, however their axes lie. */
import { describe, expect, test } from "vitest";
import type { Graph } from "../model/graph.ts";
import { conv2d, relu, sequential, sigmoid, softmax } from "../model/layers/index.ts";
import type { Model } from "../model/model.ts";
import { sketchGraph } from "../model/testing/sketch.ts";
import { Random } from "../test/oracle/random.ts";
import { arrays, type SampleArray } from "./data/arrays.ts";
import { binaryCrossEntropy, crossEntropy, type Loss } from "./loss.ts";
import { topK } from "./metric.ts";
import { adam, sgd } from "./optimiser.ts";
import { trainingEngine } from "./testing/engine.ts";
import { rejection } from "./testing/rejection.ts";

const engine = trainingEngine();

const SIZE = 8;
const CLASSES = 3;

/** Noise with a bright rectangle and a dark one; of every pixel, whether it is in neither, in the bright or in the dark one. */
function rectangles(n: number, seed: number): { readonly x: SampleArray; readonly y: SampleArray } {
  const random = new Random(seed);
  const { data } = random.nd([n, SIZE, SIZE, 1], -0.4, 0.4);
  const labels = new Float32Array(n * SIZE * SIZE);
  for (let i = 0; i < n; i++) {
    for (const [label, brightness] of [
      [1, 1],
      [2, -1],
    ] as const) {
      const [top, left, height, width] = [random.int(0, 4), random.int(0, 4), random.int(2, 4), random.int(2, 4)];
      for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
        const [row, column] = [Math.floor(pixel / SIZE) - top, (pixel % SIZE) - left];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const place = i * SIZE * SIZE + pixel;
        data[place] = (data[place] ?? 0) + brightness - (labels[place] === 1 ? 1 : 0);
        labels[place] = label;
      }
    }
  }
  return { x: { data, shape: [n, SIZE, SIZE, 1] }, y: { data: labels, shape: [n, SIZE, SIZE] } };
}

const samples = rectangles(48, 1);
const held = rectangles(20, 2);

/** Images in, images of one score a class out. */
function network(...end: Parameters<typeof sequential>[0]): Graph {
  const conv = (filters: number): (typeof end)[number] => conv2d({ filters, size: 3, padding: "same" });
  return sequential([conv(8), relu(), conv(CLASSES), ...end], { input: [SIZE, SIZE, 1] });
}

/** As ONNX has images, `[n, c, h, w]`. */
function channelsFirst(end = "y = Identity(b)"): Graph {
  return sketchGraph(`x: [n, 1, ${SIZE}, ${SIZE}]
    a = Conv(x, w: [8, 1, 3, 3], c: [8]) pads=[1, 1, 1, 1]
    r = Relu(a)
    b = Conv(r, v: [${CLASSES}, 8, 3, 3], d: [${CLASSES}]) pads=[1, 1, 1, 1]
    ${end}
    -> y`);
}

function turned({ data }: SampleArray): SampleArray {
  return { data, shape: [data.length / SIZE ** 2, 1, SIZE, SIZE] };
}

/** The share of pixels whose class is told right, and the mean of `-log p`, of outputs with classes along `axis`. */
async function measured(model: Model, x: SampleArray, y: SampleArray, axis: 1 | 3, smoothing = 0): Promise<number[]> {
  const { data } = await model.predict(x);
  const [n, pixels] = [y.data.length / SIZE ** 2, SIZE ** 2];
  let [right, loss] = [0, 0];
  for (let i = 0; i < n; i++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const scores = Array.from({ length: CLASSES }, (_, label) =>
        axis === 3 ? data[(i * pixels + pixel) * CLASSES + label] : data[(i * CLASSES + label) * pixels + pixel],
      ).map((score = Number.NaN) => score);
      const label = y.data[i * pixels + pixel] ?? Number.NaN;
      const total = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
      if (scores.indexOf(Math.max(...scores)) === label) right++;
      for (const [place, score] of scores.entries())
        loss -= (score - total) * ((place === label ? 1 - smoothing : 0) + smoothing / CLASSES);
    }
  }
  return [right / (n * pixels), loss / (n * pixels)];
}

describe("classes of pixels", () => {
  test("are learnt", async () => {
    using model = await engine().load(network());
    const metrics = ["accuracy"] as const;
    const before = await model.evaluate({ ...held, loss: "crossEntropy", metrics });
    const { epochs } = await model.fit({
      ...samples,
      ...{ epochs: 12, batchSize: 8, optimizer: adam({ learningRate: 0.02 }) },
      ...{ loss: "crossEntropy", metrics, validation: held },
    });
    const after = await model.evaluate({ ...held, loss: "crossEntropy", metrics, batchSize: 7 });
    expect(before.metrics["accuracy"]).toBeLessThan(0.85);
    expect(after.metrics["accuracy"]).toBeGreaterThan(0.95);
    expect(after.loss).toBeLessThan(before.loss / 4);
    // What validation says, computed by the core, is what evaluate does.
    const validation = epochs.at(-1)?.validation;
    expect(after.metrics["accuracy"]).toBeCloseTo(validation?.metrics["accuracy"] ?? Number.NaN, 6);
    expect(after.loss).toBeCloseTo(validation?.loss ?? Number.NaN, 5);
  });

  test.each([
    ["[n, h, w, c]", (): Graph => network(), held.x, 3],
    ["[n, c, h, w]", (): Graph => channelsFirst(), turned(held.x), 1],
    [
      "[n, c, h, w] turned to [n, h, w, c]",
      (): Graph => channelsFirst("y = Transpose(b) perm=[0, 2, 3, 1]"),
      turned(held.x),
      3,
    ],
  ] as const)("are measured in %s as they are defined", async (_, graph, x, axis) => {
    using model = await engine().load(graph());
    for (const smoothing of [0, 0.2]) {
      const loss = crossEntropy({ labelSmoothing: smoothing });
      const scores = await model.evaluate({ x, y: held.y, loss, metrics: ["accuracy", topK({ k: 3 })] });
      const [accuracy = Number.NaN, value = Number.NaN] = await measured(model, x, held.y, axis, smoothing);
      expect(scores.metrics["accuracy"]).toBeCloseTo(accuracy, 10);
      expect(scores.metrics["top3"]).toBe(1);
      expect(scores.loss).toBeCloseTo(value, 5);
    }
  });

  const ends: readonly (readonly [string, () => Graph, SampleArray, Loss])[] = [
    ["a softmax", () => network(softmax()), held.x, crossEntropy()],
    ["a softmax of [n, c, h, w]", () => channelsFirst("y = Softmax(b) axis=1"), turned(held.x), crossEntropy()],
    [
      "a softmax of what was turned",
      () => channelsFirst("t = Transpose(b) perm=[0, 2, 3, 1]\ny = LogSoftmax(t) axis=3"),
      ...([turned(held.x), crossEntropy()] as const),
    ],
    ["a sigmoid", () => network(sigmoid()), held.x, binaryCrossEntropy()],
    [
      "a sigmoid in another form",
      () => channelsFirst(`s = Sigmoid(b)\ny = Reshape(s, i[0, ${CLASSES}, -1])`),
      ...([turned(held.x), binaryCrossEntropy()] as const),
    ],
  ];
  test.each(ends)("behind %s evaluate computes the core's loss", async (_, graph, x, loss) => {
    using model = await engine().load(graph());
    const random = new Random(3);
    const truths = random.nd([20, SIZE, SIZE, CLASSES], 0, 1);
    const y = loss.kind === "crossEntropy" ? held.y : { data: truths.data.map(Math.round), shape: truths.shape };
    const metrics = [loss.kind === "crossEntropy" ? "accuracy" : "binaryAccuracy"] as const;
    const options = { x, y, loss, metrics };
    const { epochs } = await model.fit({
      ...options,
      ...{ validation: { x, y }, optimizer: sgd({ learningRate: 1e-30 }) },
    });
    const own = await model.evaluate(options);
    expect(own.loss).toBeCloseTo(epochs[0]?.validation?.loss ?? Number.NaN, 5);
    expect(own.metrics).toEqual(epochs[0]?.validation?.metrics);
  });

  test("a metric of one's own is told how its outputs lie", async () => {
    using model = await engine().load(channelsFirst());
    const seen: unknown[] = [];
    const own = {
      name: "own",
      measure: ({ shape, classAxis, outputs, targets }: Parameters<ReturnType<typeof topK>["measure"]>[0]) => {
        seen.push([shape, classAxis, outputs.length, targets.length]);
        return 0;
      },
    };
    const x = turned(held.x);
    await model.evaluate({ x, y: held.y, loss: "crossEntropy", metrics: [own], batchSize: 20 });
    await model.fit({ x, y: held.y, loss: "crossEntropy", metrics: [own], batchSize: 20 });
    const expected = [[20, CLASSES, SIZE, SIZE], 1, 20 * CLASSES * SIZE ** 2, 20 * SIZE ** 2];
    expect(seen).toEqual([expected, expected]);
  });
});

describe("what is wrong is named", () => {
  test.each(["fit", "evaluate"] as const)("by %s", async (call) => {
    using model = await engine().load(network());
    const short = { data: held.y.data.subarray(0, 20 * 9), shape: [20, 3, 3] };
    const options = { x: held.x, y: short, loss: "crossEntropy" } as const;
    const error = await rejection(model[call](options));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toBe(
      `${call}: a target of y has shape [3, 3]; expected [8, 8], the number of a class for each place of the output, as the loss is "crossEntropy"`,
    );
    const data = held.y.data.slice();
    data[13 * SIZE ** 2 + 5] = CLASSES;
    const dataset = arrays({ x: held.x, y: { data: data as Float32Array, shape: held.y.shape } });
    const label = await rejection(model[call]({ dataset, loss: "crossEntropy", batchSize: 20 }));
    expect(label.message).toBe(`${call}: y[13] is 3; expected the number of a class, from 0 to 2`);
  });
});

/** Where networks end: losses see logits through whatever only shows them in another form, and refuse probabilities. */
import { describe, expect, test } from "vitest";
import type { Constant } from "../model/constant.ts";
import type { Graph } from "../model/graph.ts";
import { conv2d, extend, flatten, sequential, sigmoid } from "../model/layers/index.ts";
import { sketchGraph } from "../model/testing/sketch.ts";
import { Random } from "../test/oracle/random.ts";
import type { SampleArray } from "./data/arrays.ts";
import type { Scores } from "./history.ts";
import { binaryCrossEntropy, crossEntropy, type Loss, meanSquaredError } from "./loss.ts";
import { sgd } from "./optimiser.ts";
import type { EvaluateOptions, FitOptions } from "./options.ts";
import { trainingEngine } from "./testing/engine.ts";
import { rejection } from "./testing/rejection.ts";
import { bitsOf } from "./testing/tiny.ts";

const engine = trainingEngine();

const SAMPLES = 5;
const CLASSES = 3;
/** Images `[2, 2, 4]` as ONNX has them, of which a convolution makes `[3, 2, 4]`. */
const IMAGE = [2, 2, 4];
const PLACES = 8;

const random = new Random(7);
const x: SampleArray = random.nd([SAMPLES, ...IMAGE]);
/** A class, and a truth for every class, of each place. */
const labels = Float32Array.from({ length: SAMPLES * PLACES }, () => random.int(0, CLASSES - 1));
const truths = Float32Array.from({ length: SAMPLES * PLACES * CLASSES }, () => random.int(0, 1));

function images(end: string): Graph {
  return sketchGraph(`x: [n, ${IMAGE.join(", ")}]
    a = Conv(x, w: [${CLASSES}, 2, 1, 1], b: [${CLASSES}])
    ${end}
    -> y`);
}

/** The place of a logit `[n, c, h, w]` in a form of it: `[n, c, h, w]`, `[n, h, w, c]` or `[n, w, h, c]`. */
type Form = "nchw" | "nhwc" | "nwhc";

function placeIn(form: Form, sample: number, label: number, place: number): number {
  if (form === "nchw") return (sample * CLASSES + label) * PLACES + place;
  const [row, column] = [Math.floor(place / 4), place % 4];
  return (sample * PLACES + (form === "nhwc" ? place : column * 2 + row)) * CLASSES + label;
}

/** The loss and its gradient by the convolution's bias, in double precision. */
function byHand({ constants }: Graph, { kind }: Loss, form: Form): { readonly loss: number; readonly bias: number[] } {
  const numbers = (name: string): Constant["data"] => constants.get(name)?.data ?? new Float32Array();
  const [w, b] = [numbers("w"), numbers("b")];
  const bias = new Array<number>(CLASSES).fill(0);
  const total = SAMPLES * PLACES * (kind === "crossEntropy" ? 1 : CLASSES);
  let loss = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (let place = 0; place < PLACES; place++) {
      const pixel = [0, 1].map((channel) => x.data[(sample * 2 + channel) * PLACES + place] ?? Number.NaN);
      const logits = bias.map((_, label) =>
        pixel.reduce((sum, value, i) => sum + value * Number(w[label * 2 + i]), Number(b[label])),
      );
      const sum = logits.reduce((all, logit) => all + Math.exp(logit), 0);
      for (const [label, logit] of logits.entries()) {
        const at = placeIn(form, sample, label, place);
        const target =
          kind === "crossEntropy" ? Number(labels[Math.floor(labelPlace(form, at))] === label) : Number(truths[at]);
        const p = kind === "crossEntropy" ? Math.exp(logit) / sum : 1 / (1 + Math.exp(-logit));
        loss -= target * Math.log(p) + (kind === "crossEntropy" ? 0 : (1 - target) * Math.log(1 - p));
        bias[label] = (bias[label] ?? 0) + (p - target) / total;
      }
    }
  }
  return { loss: loss / total, bias };
}

/** The place of the label that an output's place has: outputs without their axis of classes. */
function labelPlace(form: Form, at: number): number {
  if (form !== "nchw") return at / CLASSES;
  return Math.floor(at / (CLASSES * PLACES)) * PLACES + (at % PLACES);
}

const SHAPE_ONLY: readonly (readonly [string, string, Form])[] = [
  ["nothing", "y = Identity(p)", "nchw"],
  ["a Transpose, then a Reshape", "t = Transpose(p) perm=[0, 2, 3, 1]\ny = Reshape(t, i[0, -1, 3])", "nhwc"],
  ["a Reshape, then a Transpose", "r = Reshape(p, i[0, 3, -1])\ny = Transpose(r) perm=[0, 2, 1]", "nhwc"],
  [
    "Transposes with a Reshape between them",
    "t = Transpose(p) perm=[0, 2, 3, 1]\nr = Reshape(t, i[0, -1, 3])\ny = Transpose(r) perm=[0, 2, 1]",
    "nchw",
  ],
  [
    "columns before rows",
    "t = Transpose(p) perm=[0, 2, 3, 1]\nr = Reshape(t, i[0, 1, 2, 4, 3])\ny = Transpose(r) perm=[0, 1, 3, 2, 4]",
    "nwhc",
  ],
  [
    "samples in between",
    "t = Transpose(p) perm=[2, 3, 0, 1]\nr = Reshape(t, i[8, -1, 3])\ny = Transpose(r) perm=[1, 2, 0]",
    "nchw",
  ],
  [
    "a form without classes in between",
    "f = Flatten(p)\nr = Reshape(f, i[-1, 3, 2, 4])\nt = Transpose(r) perm=[0, 2, 3, 1]\ny = Reshape(t, i[0, 8, 3])",
    "nhwc",
  ],
  [
    "Unsqueeze, Transpose, Squeeze, Dropout, Cast and Identity",
    `u = Unsqueeze(p, i[2])
    t = Transpose(u) perm=[0, 2, 3, 4, 1]
    s = Squeeze(t, i[1])
    d = Dropout(s) ratio=0.5
    c = Cast(d)
    y = Identity(c)`,
    "nhwc",
  ],
];

const ACTIVATIONS: readonly (readonly [string, string, Loss])[] = [
  ["Sigmoid", "p = Sigmoid(a)", binaryCrossEntropy()],
  ["Softmax", "p = Softmax(a) axis=1", crossEntropy()],
  ["LogSoftmax", "p = LogSoftmax(a) axis=1", crossEntropy()],
];

describe.each(ACTIVATIONS)("%s, then", (_, activation, loss) => {
  const y = {
    data: loss.kind === "crossEntropy" ? labels : truths,
    shape: [SAMPLES, PLACES * (loss.kind === "crossEntropy" ? 1 : CLASSES)],
  };
  const metric = loss.kind === "crossEntropy" ? "accuracy" : "binaryAccuracy";
  const options: EvaluateOptions = { x, y, loss, metrics: [metric], batchSize: 5 };

  test.each(SHAPE_ONLY)("%s: loss and gradient are those of the logits", async (__, views, form) => {
    const graph = images(`${activation}\n${views}`);
    const { loss: expected, bias } = byHand(graph, loss, form);
    using model = await engine().load(graph);
    // Batches of other sizes, one of them the last: elements lie elsewhere in each.
    for (const batchSize of [5, 3, 1]) {
      const scores = await model.evaluate({ ...options, batchSize });
      expect(scores.loss).toBeCloseTo(expected, 5);
    }
    const before = await model.evaluate(options);
    const { epochs } = await model.fit({ ...options, validation: { x, y }, optimizer: sgd({ learningRate: 1e-30 }) });
    expect(epochs[0]?.loss).toBeCloseTo(expected, 5);
    expect(epochs[0]?.metrics).toEqual(before.metrics);
    expect(epochs[0]?.validation?.loss).toBeCloseTo(expected, 5);
    expect(epochs[0]?.validation?.metrics).toEqual(before.metrics);
    // One step of gradient descent moves each weight by its gradient.
    await model.fit({ ...options, optimizer: sgd({ learningRate: 1 }) });
    const [old, moved] = [graph, model.graph].map(({ constants }) => constants.get("b")?.data ?? []);
    for (const [label, gradient] of bias.entries())
      expect(Number(old?.[label]) - Number(moved?.[label])).toBeCloseTo(gradient, 5);
  });
});

/** The bits of all weights, without the integers that say shapes. */
function weightsOf(graph: Graph): unknown {
  return Object.entries(bitsOf(graph)).filter(([name]) => graph.constants.get(name)?.type === "float32");
}

/** What one step of training makes of a network, and what is said of it before. */
async function trained(
  graph: Graph,
  options: FitOptions,
): Promise<{ before: number; loss: number | undefined; validation: Scores | undefined; weights: unknown }> {
  using model = await engine().load(graph);
  const { x: inputs, y, loss, output } = options;
  const { loss: before } = await model.evaluate({ x: inputs, y, loss, output, batchSize: 2 });
  const { epochs } = await model.fit({ ...options, validation: { x: inputs, y } });
  return { before, loss: epochs[0]?.loss, validation: epochs[0]?.validation, weights: weightsOf(model.graph) };
}

describe("the same comes of", () => {
  test("probabilities and logits, whichever output of several is chosen", async () => {
    const graph = images(
      "s = Sigmoid(a)\nt = Transpose(s) perm=[0, 2, 3, 1]\ny = Flatten(t)\nz = Reshape(a, i[0, -1])",
    );
    const several = { ...graph, outputs: ["z", "s", "y", "a"] };
    const targets = (form: Form): SampleArray => {
      const data = new Float32Array(truths.length);
      for (let sample = 0; sample < SAMPLES; sample++)
        for (let label = 0; label < CLASSES; label++)
          for (let place = 0; place < PLACES; place++)
            data[placeIn(form, sample, label, place)] = truths[placeIn("nchw", sample, label, place)] ?? 0;
      return { data, shape: [SAMPLES, CLASSES * PLACES] };
    };
    const options = (output: string, form: Form): FitOptions => ({
      x,
      y: targets(form),
      loss: "binaryCrossEntropy",
      output,
    });
    const logits = await trained(several, options("a", "nchw"));
    for (const output of ["z", "s"]) expect(await trained(several, options(output, "nchw"))).toEqual(logits);
    // In another order sums are of other bits.
    const turned = await trained(several, options("y", "nhwc"));
    expect(turned.before).toBeCloseTo(logits.before, 6);
    expect(turned.loss).toBeCloseTo(logits.loss ?? Number.NaN, 5);
    expect(turned.validation?.loss).toBeCloseTo(logits.validation?.loss ?? Number.NaN, 5);
  });

  test("layers of images [h, w, c] and the same flattened", async () => {
    const conv = (): ReturnType<typeof conv2d> => conv2d({ filters: 3, size: 3, padding: "same" });
    const input = [2, 4, 2];
    const options: FitOptions = {
      ...{ x: { data: x.data, shape: [SAMPLES, ...input] }, loss: "binaryCrossEntropy" },
      y: { data: truths, shape: [SAMPLES, CLASSES * PLACES] },
    };
    const logits = await trained(sequential([conv()], { input }), options);
    expect(await trained(sequential([conv(), sigmoid(), flatten()], { input }), options)).toEqual(logits);
    expect(await trained(sequential([conv(), flatten(), sigmoid()], { input }), options)).toEqual(logits);
  });

  test("a softmax over all axes from one on, as older files have it", async () => {
    const image = "x: [n, 2, 2, 4]\na = Conv(x, w: [3, 2, 2, 4], b: [3])";
    const options: FitOptions = { x, y: [0, 2, 1, 1, 0], loss: "crossEntropy" };
    const logits = await trained(sketchGraph(`${image}\n-> a`), options);
    for (const end of ["y = Softmax(a) axis=1 flatten=true", "s = Softmax(a) axis=1 flatten=true\ny = Flatten(s)"])
      expect(await trained(sketchGraph(`${image}\n${end}\n-> y`), options)).toEqual(logits);
    const places: FitOptions = { x, y: { data: labels, shape: [SAMPLES, PLACES] }, loss: "crossEntropy" };
    const form = "r = Reshape(a, i[0, 3, 8])\nt = Transpose(r) perm=[0, 2, 1]";
    const last = (end: string): ReturnType<typeof trained> => trained(images(`${form}\n${end}`), places);
    const expected = await last("y = Softmax(t) axis=2");
    expect(await last("y = Softmax(t) axis=2 flatten=true")).toEqual(expected);
    expect(await last("u = Unsqueeze(t, i[3])\nm = Softmax(u) axis=2 flatten=true\ny = Squeeze(m, i[3])")).toEqual(
      expected,
    );
  });

  test("a network for any batch and one for batches of three, with samples in the middle", async () => {
    const end =
      "p = Sigmoid(a)\nt = Transpose(p) perm=[2, 3, 0, 1]\nr = Reshape(t, i[8, -1, 3])\ny = Transpose(r) perm=[1, 2, 0]";
    const open = images(end);
    const inputs = new Map([["x", { type: "float32", shape: [3, ...IMAGE] }]] as const);
    const y = { data: truths, shape: [SAMPLES, CLASSES * PLACES] };
    const loss = "binaryCrossEntropy";
    using model = await engine().load({ ...open, inputs });
    using other = await engine().load(open);
    const scores = await model.evaluate({ x, y, loss });
    expect(scores.loss).toBeCloseTo((await other.evaluate({ x, y, loss })).loss, 6);
    expect(scores.loss).toBeCloseTo(byHand(open, binaryCrossEntropy(), "nchw").loss, 5);
  });
});

describe("probabilities in other hands", () => {
  const remedy = 'train the network up to what goes into that node: extend(model.graph, { at: "a" })';
  const rebuilt = "train a network that makes its output of what goes into those nodes";
  const madeOf = (node: string, kind: string, own: string, choice = ""): string =>
    `the output "y" is made of the probabilities of ${node}, but the loss "${kind}" takes logits, to which it applies a ${own} of its own; ${choice}${remedy}`;
  const softmax = 'node "s" (Softmax)';
  const sigmoidNode = 'node "s" (Sigmoid)';
  test.each<[string, string, Loss, string]>([
    [
      "a Clip",
      "s = Softmax(a) axis=1\ny = Clip(s, 0.001, 0.999)",
      crossEntropy(),
      madeOf(softmax, "crossEntropy", "softmax"),
    ],
    [
      "a number that multiplies, among views",
      "s = Softmax(a) axis=1\nt = Transpose(s) perm=[0, 2, 3, 1]\nm = Mul(t, 0.5)\ny = Reshape(m, i[0, 8, 3])",
      ...([crossEntropy(), madeOf(softmax, "crossEntropy", "softmax")] as const),
    ],
    [
      "a mean over places",
      "s = Softmax(a) axis=1\ny = ReduceMean(s, i[2, 3])",
      crossEntropy(),
      madeOf(softmax, "crossEntropy", "softmax"),
    ],
    [
      "joined sigmoids",
      "q = Sigmoid(a)\ns = Sigmoid(x)\nc = Concat(q, s) axis=1\ny = Sub(1, c)",
      ...([
        binaryCrossEntropy(),
        madeOf('node "q" (Sigmoid), node "s" (Sigmoid)', "binaryCrossEntropy", "sigmoid").replace(remedy, rebuilt),
      ] as const),
    ],
    [
      "halves in another order",
      "s = Sigmoid(a)\nl, r = Split(s) axis=3\ny = Concat(r, l) axis=3",
      ...([binaryCrossEntropy(), madeOf(sigmoidNode, "binaryCrossEntropy", "sigmoid")] as const),
    ],
    [
      "a hard sigmoid",
      "s = HardSigmoid(a)\ny = Flatten(s)",
      binaryCrossEntropy(),
      madeOf('node "s" (HardSigmoid)', "binaryCrossEntropy", "sigmoid"),
    ],
    [
      "a sigmoid for one class of several",
      "s = Sigmoid(a)\ny = Flatten(s)",
      ...([
        crossEntropy(),
        madeOf(sigmoidNode, "crossEntropy", "softmax", 'choose the loss "binaryCrossEntropy", or '),
      ] as const),
    ],
    [
      "a softmax for truths",
      "s = Softmax(a) axis=1\ny = Identity(s)",
      ...([
        binaryCrossEntropy(),
        madeOf(softmax, "binaryCrossEntropy", "sigmoid", 'choose the loss "crossEntropy", or '),
      ] as const),
    ],
    [
      "a form without classes",
      "s = Softmax(a) axis=1\nt = Transpose(s) perm=[0, 2, 3, 1]\nr = Reshape(t, i[0, 2, 12])\ny = Transpose(r) perm=[0, 2, 1]",
      crossEntropy(),
      'the output "y" has the classes of node "s" (Softmax) along no axis of their own, because of node "r" (Reshape), but the loss is "crossEntropy"; train the network up to "s": extend(model.graph, { at: "s" })',
    ],
    [
      "a softmax over all axes of images",
      "y = Softmax(a) axis=1 flatten=true",
      crossEntropy(),
      'the output "y" has the classes of node "y" (Softmax) along no axis of their own, because of node "y" (Softmax), but the loss is "crossEntropy"; export the model with an output [n, classes]',
    ],
  ])("%s is refused", async (_, end, loss, text) => {
    const graph = images(end);
    using model = await engine().load(graph);
    const options: FitOptions = { x, y: { data: truths, shape: [SAMPLES, CLASSES * PLACES] }, loss };
    for (const call of ["fit", "train", "evaluate"] as const) {
      const error = await rejection(call === "train" ? model.train(options).next() : model[call](options));
      expect([error.code, error.argument]).toEqual(["model-unsupported", "output"]);
      expect(error.message).toBe(`${call}: ${text}`);
    }
    expect((await rejection(model.trainingMemory({ loss }))).message).toContain(text);
    // What the network gives can still be asked for, and learnt by another loss.
    const { data, shape } = await model.predict(x);
    const { loss: error } = await model.evaluate({ x, y: { data, shape }, loss: meanSquaredError() });
    expect(error).toBe(0);
    await model.fit({ x, y: { data, shape }, loss: "meanSquaredError" });
  });

  test("the remedy is one", async () => {
    const graph = images("s = Softmax(a) axis=1\ny = Clip(s, 0.001, 0.999)");
    using model = await engine().load(graph);
    using rest = await engine().load(extend(model.graph, { at: "a" }));
    const y = { data: labels, shape: [SAMPLES, PLACES] };
    const { loss } = await rest.evaluate({ x, y, loss: "crossEntropy" });
    expect(loss).toBeCloseTo(byHand(graph, crossEntropy(), "nchw").loss, 5);
    await rest.fit({ x, y, loss: "crossEntropy" });
  });

  test.each([
    ["a gate", "s = Sigmoid(a)\ny = Mul(a, s)"],
    ["a scale of each channel", "s = Sigmoid(a)\ny = Mul(s, scale: [3, 1, 1])"],
    ["a layer", "s = Sigmoid(a)\ny = Conv(s, v: [3, 3, 1, 1])"],
    ["attention", "r = Reshape(a, i[0, 3, 8])\ns = Softmax(r)\nt = Transpose(r) perm=[0, 2, 1]\ny = MatMul(s, t)"],
  ])("%s: of these come other numbers, which are logits", async (_, end) => {
    using model = await engine().load(images(end));
    const { data, shape } = await model.predict(x);
    const y = { data: truths.subarray(0, data.length), shape };
    const { loss } = await model.evaluate({ x, y, loss: "binaryCrossEntropy" });
    const sum = data.reduce((all, logit, i) => all + Math.log1p(Math.exp(logit)) - (truths[i] ?? 0) * logit, 0);
    expect(loss).toBeCloseTo(sum / data.length, 5);
    await model.fit({ x, y, loss: "binaryCrossEntropy" });
  });
});

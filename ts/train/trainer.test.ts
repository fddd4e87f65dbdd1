import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { createEngine } from "../create.ts";
import type { Engine } from "../engine.ts";
import type { Constant } from "../model/constant.ts";
import type { Graph, Node } from "../model/graph.ts";
import { extend } from "../model/layers/index.ts";
import { sketchGraph } from "../model/testing/sketch.ts";
import type { Activation } from "../ops/activation.ts";
import { binaryCrossEntropy, crossEntropy, huber, type Loss } from "./loss.ts";
import { adam, sgd } from "./optimiser.ts";
import { checkGradients, oracle } from "./testing/check.ts";
import { trainingEngine } from "./testing/engine.ts";
import { deep, pixels, small } from "./testing/networks.ts";
import { type Batch, Trainer, type TrainerOptions, type TrainingState } from "./trainer.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const engine = trainingEngine();

const OPTIONS: TrainerOptions = { loss: crossEntropy(), optimizer: sgd({ momentum: 0.9 }), seed: 3 };

/** Bits of all that training changes. */
function bits({ parameters, statistics, slots }: TrainingState): Map<string, string> {
  const text = ({ data }: Constant<"float32">): string => new Uint32Array(data.slice().buffer).join();
  return new Map(Array.from([...parameters, ...statistics, ...slots], ([name, values]) => [name, text(values)]));
}

/** Trains for some steps on batches of changing pixels; gives the losses and what came of it. */
async function train(trainer: Trainer, network: Graph, steps: number, classes = 3): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    losses.push((await trainer.step(pixels(network, 6, classes, trainer.steps + 1), 0.05)).loss);
  }
  return losses;
}

describe("gradients of networks", () => {
  const losses: readonly (readonly [string, Loss, number | undefined])[] = [
    ["cross-entropy", crossEntropy(), 3],
    ["cross-entropy with smooth labels", crossEntropy({ labelSmoothing: 0.2 }), 3],
    ["binary cross-entropy", binaryCrossEntropy(), undefined],
    ["Huber's loss", huber({ delta: 0.2 }), undefined],
  ];
  it.each(losses)("%s", async (_, loss, classes) => {
    // Its softmax is for one class of several: truths are of what goes into it.
    const network = loss.kind === "binaryCrossEntropy" ? extend(small(), { at: "dense_1" }) : small();
    expect(await checkGradients(engine(), network, { loss, classes })).toHaveLength(4);
  });

  it.each([false, true])(
    "batch norm, a residual, a depthwise convolution and dropout; recompute: %s",
    async (recompute) => {
      const names = await checkGradients(engine(), deep(), {
        loss: crossEntropy(),
        classes: 4,
        batchSize: 3,
        recompute,
        tolerance: 1e-4,
      });
      expect(names).toHaveLength(15);
    },
  );

  it("of a part, when the rest is frozen", async () => {
    const freeze = ["stem", "norm_a", "norm_b.mean", "depthwise.filter"];
    const names = await checkGradients(engine(), deep(), {
      loss: crossEntropy(),
      classes: 4,
      batchSize: 3,
      freeze,
      tolerance: 1e-4,
    });
    expect(names).toEqual([
      "depthwise.bias",
      "norm_b.scale",
      "norm_b.offset",
      "point.filter",
      "point.bias",
      "norm_c.scale",
      "norm_c.offset",
      "last.filter",
      "last.bias",
      "head.weights",
      "head.bias",
    ]);
  });

  it("of classes along any axis", async () => {
    const image = "x: [n, 2, 3, 4]\na = Conv(x, w: [3, 2, 1, 1], b: [3])";
    const loss = crossEntropy();
    await checkGradients(engine(), sketchGraph(`${image}\n-> a`), { loss, classes: 3 });
    await checkGradients(engine(), sketchGraph(`${image}\ny = Softmax(a) axis=1\n-> y`), { loss, classes: 3 });
    await checkGradients(engine(), sketchGraph(`${image}\nt = Transpose(a) perm=[0, 2, 3, 1]\n-> t`), {
      loss,
      classes: 3,
    });
    await checkGradients(
      engine(),
      sketchGraph(`${image}\ny = LogSoftmax(a) axis=1\nt = Transpose(y) perm=[0, 3, 1, 2]\n-> t`),
      { loss, classes: 3 },
    );
    await checkGradients(engine(), sketchGraph(`${image}\ny = Softmax(a) axis=3\n-> y`), { loss, classes: 4 });
  });
});

describe("steps", () => {
  it("learn", async () => {
    using trainer = Trainer.create(engine(), small(), OPTIONS);
    const losses = await train(trainer, small(), 40);
    expect(losses[0]).toBeGreaterThan(0.8);
    expect(losses.at(-1)).toBeLessThan(0.1);
    expect(trainer.steps).toBe(40);
  });

  it("tell the norms of all gradients, and what the network gave", async () => {
    const network = small();
    using trainer = Trainer.create(engine(), network, { ...OPTIONS, optimizer: sgd(), clipNorm: 1e-3 });
    const before = await trainer.read();
    const { norms, outputs } = await trainer.step(pixels(network, 4, 3), 1);
    const after = await trainer.read();
    expect(norms).toHaveLength(1 + trainer.parameters.length);
    expect(norms[0]).toBeCloseTo(Math.hypot(...norms.subarray(1)), 4);
    expect(outputs).toHaveLength(4 * 3);
    // Shortened to the length that was asked for.
    const moved = [...after.parameters].flatMap(([name, { data }]) =>
      Array.from(data, (x, i) => x - (before.parameters.get(name)?.data[i] ?? 0)),
    );
    expect(Math.hypot(...moved)).toBeCloseTo(1e-3, 6);
  });

  it("give the same bits when some of it is computed again", async () => {
    const runs: Map<string, string>[] = [];
    for (const recompute of [false, true]) {
      using trainer = Trainer.create(engine(), deep(), { ...OPTIONS, optimizer: adam(), recompute });
      await train(trainer, deep(), 5, 4);
      runs.push(bits(await trainer.read()));
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it("leave what is frozen as it is, bit by bit", async () => {
    const network = deep();
    using trainer = Trainer.create(engine(), network, { ...OPTIONS, freeze: ({ name }) => !name.startsWith("head") });
    expect(trainer.parameters.map(({ name }) => name)).toEqual(["head.weights", "head.bias"]);
    const before = await trainer.read();
    await train(trainer, network, 3, 4);
    const after = await trainer.read();
    expect([...after.parameters.keys()]).toEqual(["head.weights", "head.bias"]);
    expect(after.statistics.size).toBe(0);
    expect(bits(after)).not.toEqual(bits(before));
    for (const [name, { data }] of network.constants) {
      if (after.parameters.has(name)) continue;
      expect(data).toEqual(deep().constants.get(name)?.data);
    }
  });

  it("of which the loss is not finite change nothing", async () => {
    const network = deep();
    using trainer = Trainer.create(engine(), network, OPTIONS);
    await train(trainer, network, 2, 4);
    const before = await trainer.read();
    const batch = pixels(network, 6, 4);
    for (const data of batch.inputs.values()) data[17] = Number.NaN;
    const { loss } = await trainer.step(batch, 0.1);
    expect(loss).toBeNaN();
    expect(trainer.steps).toBe(2);
    expect(bits(await trainer.read())).toEqual(bits(before));
    expect((await train(trainer, network, 1, 4))[0]).toBeLessThan(3);
  });

  it("refuse batches of another size", async () => {
    using trainer = Trainer.create(engine(), small(), OPTIONS);
    const batch = pixels(small(), 4, 3);
    await expect(trainer.step({ ...batch, size: 5 }, 0.1)).rejects.toMatchObject({
      code: "shape-mismatch",
      argument: "input",
    });
    const targets = new Float32Array(3);
    await expect(trainer.step({ ...batch, targets }, 0.1)).rejects.toMatchObject({
      code: "shape-mismatch",
      argument: "targets",
    });
  });
});

describe("states", () => {
  it("let another trainer go on with the same bits", async () => {
    const options = { ...OPTIONS, optimizer: adam() };
    using whole = Trainer.create(engine(), deep(), options);
    await train(whole, deep(), 6, 4);
    using first = Trainer.create(engine(), deep(), options);
    await train(first, deep(), 3, 4);
    const state = await first.read();
    using second = Trainer.create(engine(), deep(), options);
    second.write(state);
    expect(second.steps).toBe(3);
    await train(second, deep(), 3, 4);
    expect(bits(await second.read())).toEqual(bits(await whole.read()));
  });

  it("that belong to another network are refused", async () => {
    using trainer = Trainer.create(engine(), small(), OPTIONS);
    using other = Trainer.create(engine(), small(), { ...OPTIONS, optimizer: adam() });
    const state = await trainer.read();
    expect(() => other.write(state)).toThrow(/has no "conv2d_1.filter\/mean"/);
    const slots = new Map([
      ...state.slots,
      ["more", { type: "float32", shape: [1], data: new Float32Array(1) } as const],
    ]);
    expect(() => trainer.write({ ...state, slots })).toThrow(/has "more", which is not trained/);
  });
});

describe("evaluation", () => {
  it("is what a model with the trained weights gives", async () => {
    const network = deep();
    using trainer = Trainer.create(engine(), network, OPTIONS);
    await train(trainer, network, 4, 4);
    const { parameters, statistics } = await trainer.read();
    const batch = pixels(network, 3, 4, 99);
    const { loss, outputs } = await trainer.evaluate(batch);
    using model = await engine().load({
      ...network,
      constants: new Map([...network.constants, ...parameters, ...statistics]),
    });
    const [[, data]] = [...batch.inputs] as [[string, Float32Array]];
    const { logits } = await model.run({ data, shape: [3, 8, 8, 2] });
    const expected = await logits?.data();
    for (const [i, value] of outputs.entries()) expect(value).toBeCloseTo(expected?.[i] ?? Number.NaN, 4);
    const row = (i: number): number[] => [...outputs.subarray(4 * i, 4 * i + 4)];
    const losses = [0, 1, 2].map((i) => {
      const logits = row(i);
      return Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0)) - (logits[batch.targets[i] ?? 0] ?? 0);
    });
    expect(loss).toBeCloseTo(losses.reduce((sum, x) => sum + x, 0) / 3, 4);
  });
});

describe("memory", () => {
  it.each([false, true])("is known before the first step; recompute: %s", async (recompute) => {
    const other = await createEngine({ training: true });
    const network = deep();
    const trainer = Trainer.create(other, network, { ...OPTIONS, recompute });
    const memory = trainer.memory(16);
    const held = other.memory();
    await trainer.step(pixels(network, 16, 4), 0.01);
    const after = other.memory().core;
    expect(after.arena).toBe(memory.activations);
    expect(held.bytes).toBe(memory.weights + memory.states);
    trainer.dispose();
    expect(other.memory().tensors).toBe(0);
    await other.idle();
    expect(other.memory().core.tensors).toBe(0);
    other.dispose();
  });

  it("is given back for a trainer that nobody holds any more", async () => {
    const other = await createEngine({ training: true });
    const use = async (): Promise<void> => {
      const trainer = Trainer.create(other, deep(), { ...OPTIONS, freeze: ["stem"] });
      await trainer.step(pixels(deep(), 4, 4), 0.01);
      await trainer.evaluate(pixels(deep(), 4, 4));
    };
    await use();
    await vi.waitFor(
      async () => {
        collectGarbage();
        await other.idle();
        expect(other.memory().core).toMatchObject({ tensors: 0, arena: 0, packed: 0 });
      },
      { timeout: 10_000 },
    );
    other.dispose();
  });

  it("is less when some of it is computed again", () => {
    const sizes = [false, true].map((recompute) => {
      using trainer = Trainer.create(engine(), deep(), { ...OPTIONS, recompute });
      return trainer.memory(64).activations;
    });
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) * 0.8);
  });

  it("stays flat over steps of changing sizes", async () => {
    const network = deep();
    using trainer = Trainer.create(engine(), network, OPTIONS);
    const sizes = [4, 7, 2, 5, 3];
    const held: number[] = [];
    for (let i = 0; i < 60; i++) {
      await trainer.step(pixels(network, sizes[i % sizes.length] ?? 2, 4), 0.01);
      if (i % 20 === 19) held.push(engine().memory().core.linear, engine().memory().bytes);
    }
    expect(held.slice(2, 4)).toEqual(held.slice(4));
  });
});

describe("hosts", () => {
  async function trained(engine: Engine): Promise<Map<string, string>> {
    using trainer = Trainer.create(engine, deep(), { ...OPTIONS, optimizer: adam() });
    await train(trainer, deep(), 4, 4);
    return bits(await trainer.read());
  }

  it("give the same bits: this thread, again, and a worker", async () => {
    const [thread, worker] = [
      await createEngine({ training: true }),
      await createEngine({ training: true, worker: true }),
    ];
    const first = await trained(thread);
    expect(await trained(thread)).toEqual(first);
    expect(await trained(worker)).toEqual(first);
    thread.dispose();
    worker.dispose();
  });
});

describe("what cannot be trained", () => {
  const image = "x: [n, 2, 4, 4]\na = Conv(x, w: [3, 2, 1, 1], b: [3])";

  it("is told at once, all of it", () => {
    const network = sketchGraph(`${image}\nc = Conv(a, u: [2, 3, 1, 1])\ny = ConvTranspose(c, v: [2, 3, 1, 1])\n-> y`);
    // As passes merge them for inference; importers and layers make nodes of them.
    const within: Readonly<Record<string, Activation>> = {
      c: "silu",
      y: { type: "leakyRelu", alpha: -0.5 },
      a: "relu",
    };
    const nodes = network.nodes.map((node) => {
      return { ...node, attributes: { ...node.attributes, activation: within[node.name] } } as Node;
    });
    expect(() => Trainer.create(engine(), { ...network, nodes }, OPTIONS)).toThrow(
      expect.objectContaining({
        code: "model-unsupported",
        message: expect.stringMatching(
          /through: "c" \(Conv\): its activation is .*; "y" \(ConvTranspose\): /,
        ) as string,
      }) as Error,
    );
  });

  it("may lie before what is trained", () => {
    const network = sketchGraph(`${image}\ny = Conv(a, u: [2, 3, 1, 1])\n-> y`);
    const nodes = network.nodes.map((node) =>
      node.name === "a" ? ({ ...node, attributes: { ...node.attributes, activation: "gelu" } } as Node) : node,
    );
    using trainer = Trainer.create(engine(), { ...network, nodes }, { ...OPTIONS, freeze: ["a"] });
    expect(trainer.parameters).toEqual([{ name: "u", shape: [2, 3, 1, 1] }]);
  });

  it("is a network without weights, or with none left", () => {
    const none = sketchGraph("x: [n, 3]\ny = Relu(x)\n-> y");
    expect(() => Trainer.create(engine(), none, OPTIONS)).toThrow(/no weights that could be trained/);
    expect(() => Trainer.create(engine(), sketchGraph(`${image}\n-> a`), { ...OPTIONS, freeze: ["w", "b"] })).toThrow(
      /freeze leaves none of the network's 2 weights/,
    );
    expect(() => Trainer.create(engine(), sketchGraph(`${image}\n-> a`), { ...OPTIONS, freeze: ["c"] })).toThrow(
      /freeze is "c"; expected names/,
    );
    const apart = sketchGraph(`${image}\ny = Relu(x)\n-> y, a`);
    expect(() => Trainer.create(engine(), apart, OPTIONS)).toThrow(/"y" depends on none of the weights/);
    using trainer = Trainer.create(engine(), apart, { ...OPTIONS, output: "a" });
    expect(trainer.parameters).toHaveLength(2);
  });

  it("is a batch of one value a channel, of which there are no statistics", async () => {
    const network = sketchGraph(
      "x: [n, 3]\na = Gemm(x, w: [3, 2])\nb = BatchNormalization(a, s: [2], o: [2], m: [2], var: [2])\n-> b",
    );
    using trainer = Trainer.create(engine(), network, { ...OPTIONS, loss: huber() });
    const batch: Batch = { inputs: new Map([["x", new Float32Array(3)]]), targets: new Float32Array(2), size: 1 };
    await expect(trainer.step(batch, 0.1)).rejects.toMatchObject({
      argument: "b",
      message: expect.stringMatching(/^fit: node "b" \(BatchNormalization\).*one value a channel/) as string,
    });
    expect(trainer.steps).toBe(0);
  });

  it("labels that are no classes", async () => {
    using trainer = Trainer.create(engine(), small(), OPTIONS);
    const batch: Batch = { ...pixels(small(), 2, 3), targets: Float32Array.of(0, 3) };
    await expect(trainer.step(batch, 0.1)).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

it("the oracle's loss changes with every weight", () => {
  const network = small();
  const { lossOf } = oracle(network, { batchSize: 2, loss: crossEntropy(), classes: 3 });
  const values = new Map(Array.from(network.constants, ([name, { data }]) => [name, Float64Array.from(data)]));
  const loss = lossOf(values);
  for (const [name, data] of values)
    expect(
      lossOf(
        new Map(values).set(
          name,
          data.map((x) => x + 0.1),
        ),
      ),
    ).not.toBe(loss);
});

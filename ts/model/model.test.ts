import { describe, expect, it } from "vitest";
import { createEngine } from "../create.ts";
import type { LensletError } from "../errors.ts";
import { Random } from "../test/oracle/random.ts";
import type { Model } from "./model.ts";
import { optimise } from "./passes/optimise.ts";
import { compute, expectSameOutputs } from "./testing/compute.ts";
import { testEngine } from "./testing/engine.ts";
import { randomNetwork } from "./testing/random-network.ts";
import { sketchGraph } from "./testing/sketch.ts";
import { specialise } from "./specialise/specialise.ts";

const { engine, executor } = testEngine();
const random = new Random(1);

/** A small network with a residual, of any size. */
const RESIDUAL = `x: [n, 3, h, w]
  a = Conv(x, w1: [4, 3, 3, 3]) pads=[1, 1, 1, 1]
  b = BatchNormalization(a, var.s: [4], t: [4], m: [4], var.v: [4])
  c = Relu(b)
  d = Conv(c, w2: [4, 4, 3, 3], b2: [4]) pads=[1, 1, 1, 1]
  e = Add(d, c)
  f = Relu(e)
  g = GlobalAveragePool(f)
  k = Flatten(g)
  y = Gemm(k, w3: [4, 5], b3: [5])
  -> y`;

async function rejected(promise: Promise<unknown>): Promise<LensletError> {
  try {
    await promise;
  } catch (error) {
    return error as LensletError;
  }
  throw new Error("nothing was rejected");
}

describe("Model", () => {
  it("computes what its graph says, for every size, and keeps the plans that were used last", async () => {
    const graph = sketchGraph(RESIDUAL);
    using model = await engine().load(graph);
    expect(model.inputs).toEqual([{ name: "x", shape: ["n", 3, "h", "w"], type: "float32" }]);
    expect(model.outputs).toEqual([{ name: "y", shape: null, type: "float32" }]);
    for (const size of [4, 5, 6, 7, 8, 9, 4, 9]) {
      const x = random.nd([2, 3, size, size + 1]);
      const known = specialise(graph, new Map([["x", x.shape]]));
      const expected = await compute(executor(), known, new Map([["x", x]]));
      const { y } = await model.run({ x });
      if (y === undefined) throw new Error("no y");
      expectSameOutputs(new Map([["y", { shape: y.shape, data: await y.data() }]]), expected);
      y.dispose();
    }
  });

  it("computes random networks in one arena as it does with a buffer for each value", async () => {
    for (let seed = 0; seed < 60; seed++) {
      const graph = sketchGraph(randomNetwork(new Random(seed)));
      using model = await engine().load(graph);
      const x = random.nd([1, 4, 9, 8]);
      const expected = await compute(executor(), optimise(specialise(graph, new Map())), new Map([["x", x]]));
      const outputs = await model.run(x);
      for (const [name, { data }] of expected) expect(await outputs[name]?.data(), `seed ${seed}`).toEqual(data);
      for (const tensor of Object.values(outputs)) tensor.dispose();
    }
  });

  it("writes each weight once, and leaves nothing behind", async () => {
    const before = engine().memory();
    const model = await engine().load(sketchGraph(RESIDUAL));
    const x = random.nd([1, 3, 8, 8]);
    const held: number[] = [];
    for (let i = 0; i < 30; i++) {
      const shape = [1, 3, 8, i % 3 === 0 ? 8 : 4 + (i % 5)];
      const data = x.data.slice(0, 3 * 8 * (shape[3] ?? 0));
      const { y } = await model.run({ data, shape });
      y?.dispose();
      held.push(engine().memory().tensors);
    }
    // w1 scaled, its bias, w2, b2, w3, b3; and for sizes that are not the first, the filters that the core has packed alone.
    expect(new Set(held)).toEqual(new Set([before.tensors + 6, before.tensors + 9]));
    model.dispose();
    expect(engine().memory().tensors).toBe(before.tensors);
    expect(engine().memory().core.tensors).toBe(before.core.tensors);
    expect(engine().memory().core.arena).toBe(0);
  });

  it("holds filters once, packed, for the size that comes first", async () => {
    const layers = Array.from({ length: 16 }, (_, i) => `v${i + 1} = Conv(v${i}, w${i}: [512, 512, 1, 1])`);
    const fixed = await createEngine({ accuracy: "strict" });
    using model = await fixed.load(sketchGraph(`v0: [1, 512, 2, 2]\n${layers.join("\n")}\n-> v16`));
    await fixed.idle();
    const { core } = fixed.memory();
    const weights = 16 * 512 * 512 * 4;
    expect(model.memory().weights).toBe(weights);
    expect(core.tensors).toBeLessThan(0.05 * weights);
    expect(core.packed).toBeLessThan(1.05 * weights);
    // What needs them in another form gets them again.
    const { v1 } = await model.activations(["v1", "w0"], {
      data: new Float32Array(2048).fill(1),
      shape: [1, 512, 2, 2],
    });
    expect((await v1?.data())?.every((value) => value !== 0)).toBe(true);
    fixed.dispose();
  });

  it("takes the operand itself where there is one input, tensors and numbers alike", async () => {
    using model = await engine().load(sketchGraph("x: [2, 3]\ny = Relu(x)\n-> y"));
    expect(model.outputs).toEqual([{ name: "y", shape: [2, 3], type: "float32" }]);
    const data = [1, -2, 3, -4, 5, -6];
    using x = engine().tensor(data, [2, 3]);
    for (const inputs of [x, { data, shape: [2, 3] }, { x }, { x: { data: Float32Array.from(data), shape: [2, 3] } }]) {
      const { y } = await model.run(inputs);
      expect([...((await y?.data()) ?? [])]).toEqual([1, 0, 3, 0, 5, 0]);
      y?.dispose();
    }
    expect(x.disposed).toBe(false);
  });

  it("gives inputs, constants and repeated values as outputs of their own", async () => {
    using model = await engine().load(sketchGraph("x: [3]\na = Relu(x)\nb = Reshape(a, i[3, 1])\n-> x, a, b"));
    const { x, a, b } = await model.run({ data: [1, -2, 3], shape: [3] });
    expect([...((await x?.data()) ?? [])]).toEqual([1, -2, 3]);
    expect([...((await a?.data()) ?? [])]).toEqual([1, 0, 3]);
    expect([...((await b?.data()) ?? [])]).toEqual([1, 0, 3]);
    expect(b?.shape).toEqual([3, 1]);
    for (const tensor of [x, a, b]) tensor?.dispose();
  });

  it("shows values that a run merges away", async () => {
    const graph = sketchGraph(RESIDUAL);
    using model = await engine().load(graph);
    const x = random.nd([1, 3, 6, 6]);
    const names = ["a", "d", "f", "y", "x"];
    const outputs = await model.activations(names, x);
    expect(Object.keys(outputs)).toEqual(names);
    const known = specialise({ ...graph, outputs: names }, new Map([["x", x.shape]]));
    const expected = await compute(executor(), known, new Map([["x", x]]));
    for (const name of names) {
      const tensor = outputs[name];
      if (tensor === undefined) throw new Error(`no ${name}`);
      const actual = new Map([[name, { shape: tensor.shape, data: await tensor.data() }]]);
      expectSameOutputs(actual, new Map([...expected].filter(([each]) => each === name)));
      tensor.dispose();
    }
    const error = await rejected(model.activations(["z"], x));
    expect(error.message).toBe(
      'activations: names is "z"; expected names of the network\'s values or nodes: see model.summary()',
    );
  });

  it("runs what is asked for at once one after the other", async () => {
    using model = await engine().load(sketchGraph(RESIDUAL));
    const inputs = Array.from({ length: 6 }, (_, i) => random.nd([1, 3, 4 + (i % 2), 4]));
    const single: number[][] = [];
    for (const x of inputs) {
      const { y } = await model.run(x);
      single.push([...((await y?.data()) ?? [])]);
      y?.dispose();
    }
    const together = await Promise.all(inputs.map((x) => model.run(x, { onProgress: () => undefined })));
    for (const [i, { y }] of together.entries()) {
      expect([...((await y?.data()) ?? [])]).toEqual(single[i]);
      y?.dispose();
    }
  });

  it("is not freed by a scope in which it is used", async () => {
    using model = await engine().load(sketchGraph(RESIDUAL));
    const x = random.nd([1, 3, 4, 4]);
    const running: Promise<Awaited<ReturnType<Model["run"]>>>[] = [];
    engine().scope(() => {
      running.push(model.run(x));
    });
    for (const promise of running) (await promise)["y"]?.dispose();
    const { y } = await model.run(x);
    expect((await y?.data())?.every(Number.isFinite)).toBe(true);
    y?.dispose();
  });

  it("says what is wrong with inputs", async () => {
    using model = await engine().load(sketchGraph("x: [n, 3]\nz: [n]\ny = MatMul(z, x)\n-> y"));
    const x = { data: [1, 2, 3], shape: [1, 3] };
    const z = { data: [1], shape: [1] };
    const messages = [
      model.run({ x, z, u: x }),
      model.run({ x }),
      model.run(x),
      model.run({ x, z: { data: [1, 2], shape: [2] } }),
      model.run({ x: { data: [1, 2], shape: [1, 2] }, z }),
      model.run({ x, z: { data: [1, 2], shape: [1] } }),
      model.run({ x, z: 3 as never }),
      model.run({ x, z }, { onprogress: 1 } as never),
    ];
    expect(await Promise.all(messages.map(async (each) => (await rejected(each)).message))).toEqual([
      'run: inputs has the unknown key "u"; expected x or z',
      'run: inputs has no "z"; expected { "x", "z" }, each a tensor or { data, shape }',
      'run: inputs is one operand, the model has 2 inputs; expected { "x", "z" }, each a tensor or { data, shape }',
      'input "z" of shape [2]: axis 0 (n) is 2; expected 1 as axis 0 of "x" has',
      'input "x" of shape [1, 2]: axis 1 is 2; expected 3, the network\'s shape is [n, 3]',
      "run: z.data has 2 elements; expected 1 for shape [1]",
      "run: z is 3; expected a tensor or { data, shape }",
      'run: options has the unknown key "onprogress"; expected signal or onProgress',
    ]);
  });

  it("ends a run when it is aborted, and runs again", async () => {
    using model = await engine().load(sketchGraph(RESIDUAL));
    const x = random.nd([1, 3, 8, 8]);
    const before = engine().memory().tensors;
    const error = await rejected(model.run(x, { signal: AbortSignal.abort() }));
    expect(error.code).toBe("aborted");
    expect(engine().memory().tensors).toBe(before + 6);
    const { y } = await model.run(x);
    expect(await y?.data()).toHaveLength(5);
    y?.dispose();
  });

  it("refuses to run once it was disposed", async () => {
    const model = await engine().load(sketchGraph(RESIDUAL));
    model.dispose();
    model.dispose();
    expect(model.disposed).toBe(true);
    const error = await rejected(model.run(random.nd([1, 3, 4, 4])));
    expect(error.message).toBe("run: the model was disposed; engine.load() makes a new one");
  });

  it("knows its memory before it runs", async () => {
    using model = await engine().load(sketchGraph(RESIDUAL));
    const weights = 4 * (4 * 27 + 4 + 4 * 36 + 4 + 20 + 5);
    // c, channels last, is the residual; the input is moved to its order. Then d, and what comes after is small.
    const { weights: held, activations, peak } = model.memory([1, 3, 8, 8]);
    expect(held).toBe(weights);
    expect(activations).toBe(4 * (2 * 4 * 64));
    expect(peak).toBe(held + activations + 4 * (3 * 64 + 5));
    expect(() => model.memory()).toThrow('input "x" ([n, 3, h, w]) needs a shape');
  });

  it("gives as many rows as turn up, and none", async () => {
    const text = `b: [1, 4, 4]
      s: [1, 1, 4]
      y = NonMaxSuppression(b, s, i[3], 0.5, 0.4)
      c = Gather(y, i[2]) axis=1
      z = Squeeze(c, i[1])
      -> y, z`;
    using model = await engine().load(sketchGraph(text));
    const boxes = [0, 0, 1, 1, 0, 0, 1, 1.1, 0, 5, 1, 6, 0, 9, 1, 10];
    const b = { data: boxes, shape: [1, 4, 4] };
    const before = engine().memory().tensors;
    for (const [scores, expected] of [
      [
        [0.6, 0.9, 0.7, 0.1],
        [1, 2],
      ],
      [[0.1, 0.2, 0.3, 0.4], []],
      [
        [0.5, 0.1, 0.8, 0.7],
        [2, 3, 0],
      ],
    ] as const) {
      const { y, z } = await model.run<"int32">({ b, s: { data: scores, shape: [1, 1, 4] } });
      expect(y?.shape).toEqual([expected.length, 3]);
      expect(await y?.data()).toEqual(Int32Array.from(expected.flatMap((box) => [0, 0, box])));
      expect(z?.shape).toEqual([expected.length]);
      expect(await z?.data()).toEqual(Int32Array.from(expected));
      y?.dispose();
      z?.dispose();
      expect(engine().memory().tensors).toBe(before);
    }
    await engine().idle();
  });

  it("takes one image where nothing but their number is open", async () => {
    using model = await engine().load(sketchGraph("x: [n, 4]\ny = MatMul(x, w: [4, 3])\n-> y"));
    expect(model.summary().macs).toBe(12);
    expect(model.memory().peak).toBe(4 * (12 + 4 + 3));
    expect((await model.profile(undefined, { rounds: 1 })).nodes[0]?.outputShape).toEqual([1, 3]);
    expect(model.memory([5, 4]).peak).toBe(4 * (12 + 20 + 15));
  });

  it("profiles its nodes", async () => {
    using model = await engine().load(sketchGraph(RESIDUAL));
    const profile = await model.profile(random.nd([1, 3, 8, 8]), { rounds: 2 });
    expect(profile.nodes.map(({ name, op }) => `${name} ${op}`)).toEqual([
      "a Layout",
      "a Conv",
      "d Conv",
      "g GlobalAveragePool",
      "y Gemm",
    ]);
    const [, first] = profile.nodes;
    expect(first?.macs).toBe(4 * 27 * 64);
    expect(first?.inputShapes[0]).toEqual([1, 3, 8, 8]);
    expect(first?.outputShape).toEqual([1, 4, 8, 8]);
    expect(first?.bytes).toBe(4 * (3 * 64 + 108 + 4 + 256));
    expect(first?.strategy).not.toBe("");
    expect(profile.total).toBeGreaterThan(0);
    expect(String(profile)).toContain("GFLOP/s");
    const error = await rejected(model.profile());
    expect(error.message).toBe('profile: inputs is undefined; expected inputs: the size of "x" is open');
  });
});

/** Reductions, extremes, products of matrices, selections, and norms that find their statistics themselves. */
import type { Engine, Tensor } from "lenslet";
import { flatIndex, indicesOf, matmul, normalise, type ReductionName, reduce, topK } from "../oracle/along.ts";
import { exactly, within } from "../oracle/compare.ts";
import { at, counting, type Nd, nd, sizeOf } from "../oracle/nd.ts";
import { checkImage } from "./both-layouts.ts";
import { type Case, check, compare, equal, randomFor, rejects, take, upload } from "./case.ts";

const reductions: readonly ReductionName[] = [
  ...(["reduceSum", "reduceMean", "reduceMax", "reduceMin", "reduceProd", "reduceSumSquare", "reduceL1"] as const),
  ...(["reduceL2", "reduceLogSum", "reduceLogSumExp"] as const),
];

const reduced: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[], []],
  [[1], [0]],
  [[37], [0]],
  [[3, 5], [1]],
  [[3, 5], [0]],
  [[3, 5], []],
  [
    [2, 7, 9, 5],
    [1, 2],
  ],
  [
    [2, 7, 3, 33],
    [0, 2],
  ],
  [
    [2, 3, 2, 3, 2],
    [1, 3],
  ],
  [[4, 300], [1]],
];

const sums: readonly Case[] = reductions.flatMap((name) =>
  reduced.map(([shape, axes]) => ({
    name: `${name} of [${shape.join(", ")}] over [${axes.join(", ")}]`,
    async run(engine) {
      const positive = name === "reduceLogSum" || name === "reduceProd";
      const x = randomFor(name).nd(shape, positive ? 0.8 : -2, positive ? 1.2 : 2);
      for (const keepAxes of [false, true]) {
        const y = engine.scope(() => engine[name](upload(engine, x), { axes, keepAxes }));
        await compare(y, reduce(name, x, axes, keepAxes), `keepAxes ${keepAxes}`);
      }
      const all = shape.map((_, axis) => axis);
      const whole = engine.scope(() => engine[name](upload(engine, x)));
      await compare(whole, reduce(name, x, all, false), "all axes");
    },
  })),
);

const extremes: readonly Case[] = (
  [
    [[1], 0],
    [[9], 0],
    [[3, 10], 1],
    [[3, 10], 0],
    [[2, 40, 3], 1],
    [[1, 1000], 1],
  ] as const
).map(([shape, axis]) => ({
  name: `argMax, argMin and topK of [${shape.join(", ")}] over axis ${axis}`,
  async run(engine) {
    const random = randomFor("extremes");
    // Few values, so that some are equal.
    const x = nd(
      shape,
      Array.from({ length: sizeOf(shape) }, () => random.int(-4, 4)),
    );
    const size = at(shape, axis);
    const without = shape.filter((_, each) => each !== axis);
    for (const largest of [true, false]) {
      const name = largest ? "argMax" : "argMin";
      const best = topK(x, axis, 1, largest).indices;
      const y = engine.scope(() => engine[name](upload(engine, x), { axis }));
      check(y.dtype === "int32", `${name} gives ${y.dtype}`);
      await compare(y, { ...best, shape: without }, name);
      await compare(
        engine.scope(() => engine[name](upload(engine, x), { axis: axis - shape.length, keepAxis: true })),
        best,
        `${name}, kept`,
      );
      for (const k of new Set([1, Math.ceil(size / 2), size])) {
        const expected = topK(x, axis, k, largest);
        const found = engine.scope(() => engine.topK(upload(engine, x), { k, axis, largest }));
        await compare(found.values, expected.values, `${k} of ${size}, values`);
        await compare(found.indices, expected.indices, `${k} of ${size}, indices`);
      }
    }
  },
}));

const products: readonly Case[] = (
  [
    [[3, 4], [4, 5], []],
    [[1, 7], [7, 1], []],
    [[2, 3, 9], [9, 4], [2]],
    [[4, 6], [3, 6, 8], [3]],
    [
      [2, 1, 5, 17],
      [3, 17, 9],
      [2, 3],
    ],
    [[13, 64], [64, 33], []],
  ] as const
).map(([a, b, batch]) => ({
  name: `matmul of [${a.join(", ")}] and [${b.join(", ")}]`,
  async run(engine) {
    const random = randomFor("matmul");
    const [left, right] = [random.nd(a), random.nd(b)];
    await compare(
      engine.scope(() => engine.matmul(upload(engine, left), upload(engine, right))),
      matmul(left, right, batch),
      "product",
    );
  },
}));

function moved(x: Nd, shape: readonly number[], from: (index: readonly number[]) => readonly number[]) {
  const data = indicesOf(shape).map((index) => at(x.data, flatIndex(from(index), x.shape)));
  return exactly({ shape, data });
}

const selections: readonly Case[] = [
  {
    name: "where: broadcasting, numbers, zeros of either sign and NaN",
    async run(engine) {
      const condition = engine.tensor([0, -0, Number.NaN, 1e-40, -3]);
      equal(await take(engine.where(condition, 1, 2)), [2, 2, 1, 1, 1], "numbers");
      equal(await take(engine.where(condition, [1, 2, 3, 4, 5], condition)), [0, 0, 3, 4, 5], "itself");
      const column = engine.where(condition, { data: [10, 20], shape: [2, 1] }, [1, 2, 3, 4, 5]);
      equal(column.shape, [2, 5], "shape");
      equal(await take(column), [1, 2, 10, 10, 10, 1, 2, 20, 20, 20], "column");
      condition.dispose();
    },
  },
  {
    name: "where of 300 elements of three shapes",
    async run(engine) {
      const random = randomFor("where");
      const [c, a, b] = [random.nd([4, 1, 75]), random.nd([3, 1]), random.nd([75])];
      const truth = nd(
        c.shape,
        c.data.map((x) => (x < 0 ? 0 : x)),
      );
      const shape = [4, 3, 75];
      const data = indicesOf(shape).map((index) => {
        const [, row = 0, column = 0] = index;
        return at(truth.data, flatIndex(index, c.shape)) === 0 ? at(b.data, column) : at(a.data, row);
      });
      const y = engine.scope(() => engine.where(upload(engine, truth), upload(engine, a), upload(engine, b)));
      await compare(y, exactly({ shape, data }), "where");
    },
  },
  {
    name: "slices forwards, backwards and by steps",
    async run(engine) {
      const x = counting(4, 5, 7);
      const part = (options: Parameters<Engine["slice"]>[1]): Tensor =>
        engine.scope(() => engine.slice(upload(engine, x), options));
      await compare(part({}), exactly(x), "whole");
      await compare(
        part({ start: [1, -2, 2], end: [3, 99, -1] }),
        moved(x, [2, 2, 4], ([a = 0, b = 0, c = 0]) => [a + 1, b + 3, c + 2]),
        "a part",
      );
      await compare(
        part({ step: [-1, 2, -3] }),
        moved(x, [4, 3, 3], ([a = 0, b = 0, c = 0]) => [3 - a, 2 * b, 6 - 3 * c]),
        "by steps",
      );
      await compare(
        part({ start: [2, 3], end: [0, -99], step: [-1, -2] }),
        moved(x, [2, 2, 7], ([a = 0, b = 0, c = 0]) => [2 - a, 3 - 2 * b, c]),
        "backwards",
      );
    },
  },
  {
    name: "gather along each axis, and what is out of range",
    async run(engine) {
      const x = counting(3, 4, 5);
      for (const axis of [0, 1, 2]) {
        const size = at(x.shape, axis);
        const y = engine.scope(() => engine.gather(upload(engine, x), [size - 1, 0, -1], { axis }));
        const picks = [size - 1, 0, size - 1];
        const expected = moved(x, x.shape.with(axis, 3), (index) => index.with(axis, at(picks, at(index, axis))));
        await compare(y, expected, `axis ${axis}`);
      }
      const table = engine.scope(() =>
        engine.gather(upload(engine, x), { data: [2, 0, 1, 2], shape: [2, 2] }, { axis: 0 }),
      );
      await compare(
        table,
        moved(x, [2, 2, 4, 5], ([a = 0, b = 0, c = 0, d = 0]) => [at([2, 0, 1, 2], 2 * a + b), c, d]),
        "a table of indices",
      );
      const beyond = engine.scope(() => engine.gather(upload(engine, x), [7]));
      await rejects(beyond.data(), "invalid-argument", /gather: indices has 7/, /out of range for an axis of 3/);
      await rejects(engine.idle(), "invalid-argument");
      beyond.dispose();
    },
  },
  {
    name: "broadcastTo",
    async run(engine) {
      const x = counting(3, 1, 2);
      const y = engine.scope(() => engine.broadcastTo(upload(engine, x), [4, 3, 5, 2]));
      await compare(
        y,
        moved(x, [4, 3, 5, 2], ([, a = 0, , b = 0]) => [a, 0, b]),
        "y",
      );
      await compare(
        engine.scope(() => engine.broadcastTo(engine.tensor([7], []), [2, 3])),
        exactly({ shape: [2, 3], data: [7, 7, 7, 7, 7, 7] }),
        "a number",
      );
    },
  },
];

const norms: readonly Case[] = [
  ...[
    [1, 5],
    [3, 33],
    [2, 3, 7],
  ].map(
    (shape): Case => ({
      name: `layerNorm of [${shape.join(", ")}]`,
      async run(engine) {
        const random = randomFor("layerNorm");
        const x = random.nd(shape, 2, 5);
        const inner = at(shape, shape.length - 1);
        const vector = (): number[] => [...random.nd([inner]).data];
        for (const options of [{}, { scale: vector(), offset: vector(), epsilon: 1e-3 }, { offset: vector() }]) {
          const expected = normalise(
            x,
            (flat) => Math.floor(flat / inner),
            (flat) => flat % inner,
            options,
          );
          await compare(
            engine.scope(() => engine.layerNorm(upload(engine, x), options)),
            expected,
            Object.keys(options).join(", "),
          );
        }
        const whole = normalise(
          x,
          () => 0,
          () => 0,
          {},
        );
        await compare(
          engine.scope(() => engine.layerNorm(upload(engine, x), { axis: 0 })),
          whole,
          "over all axes",
        );
      },
    }),
  ),
  ...[1, 4, 6, 12].map(
    (c): Case => ({
      name: `instanceNorm and groupNorm of ${c} channels`,
      async run(engine) {
        const random = randomFor("groupNorm");
        const x = random.nd([2, 5, 7, c], -1, 3);
        const vector = (): number[] => [...random.nd([c]).data];
        for (const groups of [1, 2, c].filter((each) => c % each === 0)) {
          const options = { scale: vector(), offset: vector() };
          const near = c / groups;
          const expected = normalise(
            x,
            (flat) => Math.floor(flat / (35 * c)) * groups + Math.floor((flat % c) / near),
            (flat) => flat % c,
            options,
          );
          await checkImage(engine, x, expected, `${groups} groups`, (layout, image) =>
            engine.groupNorm(image, { ...options, groups, layout }),
          );
          if (groups !== c) continue;
          await checkImage(engine, x, expected, "instances", (layout, image) =>
            engine.instanceNorm(image, { ...options, layout }),
          );
        }
      },
    }),
  ),
  {
    name: "localResponseNorm",
    async run(engine) {
      const c = 7;
      const x = randomFor("lrn").nd([1, 3, 4, c], -3, 3);
      for (const size of [1, 2, 5, 14]) {
        const before = Math.floor((size - 1) / 2);
        const data = Array.from(x.data, (value, flat) => {
          const channel = flat % c;
          let sum = 0;
          for (let i = channel - before; i < channel - before + size; i++)
            if (i >= 0 && i < c) sum += at(x.data, flat - channel + i) ** 2;
          return value / (2 + (0.5 / size) * sum) ** 0.75;
        });
        await checkImage(engine, x, within({ shape: x.shape, data }, 40), `size ${size}`, (layout, image) =>
          engine.localResponseNorm(image, { size, alpha: 0.5, beta: 0.75, bias: 2, layout }),
        );
      }
    },
  },
  {
    name: "l1Pool2d, and pads that wrap",
    async run(engine) {
      const x = nd([1, 2, 4, 1], [1, -2, 3, -4, -5, 6, -7, 8]);
      await checkImage(engine, x, exactly({ shape: [1, 1, 2, 1], data: [14, 22] }), "l1Pool2d", (layout, image) =>
        engine.l1Pool2d(image, { size: 2, layout }),
      );
      await checkImage(engine, x, exactly({ shape: [1, 1, 1, 1], data: [36] }), "globalL1Pool2d", (layout, image) =>
        engine.globalL1Pool2d(image, { layout }),
      );
      const row = engine.scope(() => engine.pad(engine.tensor([1, 2, 3]), { padding: [[4, 2]], mode: "wrap" }));
      equal(await take(row), [3, 1, 2, 3, 1, 2, 3, 1, 2], "wrap");
    },
  },
  {
    name: "explain tells strategies and computes nothing",
    async run(engine) {
      const x = engine.tensor(new Float32Array(64 * 64 * 64), [1, 64, 64, 64]);
      const filter = { data: new Float32Array(9 * 64 * 64), shape: [3, 3, 64, 64] };
      const { packs } = engine.memory().core;
      equal(await engine.explain("conv2d", x, filter, { padding: "same" }), { strategy: "winograd" }, "conv2d");
      equal(await engine.explain("conv2d", x, filter, { stride: 2 }), { strategy: "winograd" }, "conv2d, stride 2");
      const depthwise = { data: new Float32Array(9 * 64), shape: [3, 3, 1, 64] };
      equal(await engine.explain("conv2d", x, depthwise, { groups: 64 }), { strategy: "depthwise" }, "depthwise");
      const { strategy } = await engine.explain("convTranspose2d", x, filter, { stride: 2 });
      equal(strategy, "sub-pixel", "convTranspose2d");
      const flat = engine.reshape(x, [64, 4096]);
      const weights = { data: new Float32Array(4096 * 2), shape: [4096, 2] };
      equal(await engine.explain("dense", flat, weights), { strategy: "gemm" }, "dense");
      equal(engine.memory().core.packs, packs, "filters packed");
      for (const tensor of [x, flat]) tensor.dispose();
    },
  },
];

export const cases: readonly Case[] = [...sums, ...extremes, ...products, ...selections, ...norms];

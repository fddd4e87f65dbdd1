/** conv2d: geometry, groups, bias, activation, and the ways to pass operands. */
import type { Tensor } from "lenslet";
import type { Activation } from "../oracle/activation.ts";
import { reshapeExpected } from "../oracle/compare.ts";
import { type ConvOptions, conv2d, matmul } from "../oracle/conv.ts";
import { counting, type Nd, nd, transpose } from "../oracle/nd.ts";
import { checkConv2d } from "./both-layouts.ts";
import { type Case, check, compare, equal, randomFor, take, upload } from "./case.ts";

type Sizes = readonly [number, number, number, number];
type Row = readonly [name: string, input: Sizes, filter: Sizes, options?: ConvOptions];

const rows: readonly Row[] = [
  ["1x1", [1, 5, 4, 3], [1, 1, 3, 8]],
  ["1x1 of many channels", [2, 3, 5, 33], [1, 1, 33, 17]],
  ["3x3", [1, 7, 6, 3], [3, 3, 3, 4]],
  ["3x3 over a batch", [3, 5, 6, 2], [3, 3, 2, 9]],
  ["one pixel", [1, 1, 1, 1], [1, 1, 1, 1]],
  ["a kernel as large as the image", [1, 4, 5, 2], [4, 5, 2, 3]],
  ["a kernel larger than the image", [1, 2, 3, 2], [5, 5, 2, 3], { padding: 2 }],
  ["a kernel that reaches over both sides", [1, 1, 1, 1], [7, 7, 1, 2], { padding: 3 }],
  ["uneven kernel", [1, 6, 9, 2], [2, 5, 2, 3]],
  ["stride 2", [1, 9, 8, 3], [3, 3, 3, 5], { stride: 2 }],
  ["stride [1, 3]", [1, 7, 11, 2], [3, 2, 2, 3], { stride: [1, 3] }],
  ["stride larger than the kernel", [1, 9, 9, 2], [2, 2, 2, 3], { stride: 4 }],
  ["1x1 with stride", [1, 7, 7, 5], [1, 1, 5, 4], { stride: 2 }],
  ["1x1 with padding", [1, 3, 3, 4], [1, 1, 4, 4], { padding: 1, bias: [1, 2, 3, 4] }],
  ["same", [1, 5, 7, 2], [3, 3, 2, 3], { padding: "same" }],
  ["same with an even kernel", [1, 5, 7, 2], [4, 2, 2, 3], { padding: "same" }],
  ["same-lower with an even kernel", [1, 5, 7, 2], [4, 2, 2, 3], { padding: "same-lower" }],
  ["same with stride", [1, 6, 7, 2], [3, 3, 2, 3], { padding: "same", stride: 2 }],
  ["same-lower with stride", [1, 6, 7, 2], [3, 3, 2, 3], { padding: "same-lower", stride: 2 }],
  ["same where stride exceeds the kernel", [1, 7, 8, 2], [2, 1, 2, 3], { padding: "same", stride: 3 }],
  ["padding [2, 1]", [1, 5, 5, 2], [3, 3, 2, 3], { padding: [2, 1] }],
  ["uneven padding", [1, 5, 5, 2], [3, 3, 2, 3], { padding: { top: 2, left: 0, bottom: 1, right: 3 } }],
  ["padding of one side", [1, 4, 4, 1], [3, 3, 1, 1], { padding: { right: 2 } }],
  ["padding beyond the kernel", [1, 3, 3, 2], [2, 2, 2, 2], { padding: 4, bias: [5, -5] }],
  ["dilation", [1, 9, 9, 2], [3, 3, 2, 3], { dilation: 2 }],
  ["dilation [3, 1] with padding", [1, 7, 6, 2], [3, 3, 2, 3], { dilation: [3, 1], padding: [3, 1] }],
  ["dilation with stride", [1, 11, 12, 2], [3, 3, 2, 3], { dilation: 2, stride: [2, 3], padding: 1 }],
  ["same with dilation and stride", [1, 10, 11, 2], [3, 2, 2, 3], { dilation: [2, 3], stride: 2, padding: "same" }],
  ["two groups", [1, 6, 6, 4], [3, 3, 2, 6], { groups: 2 }],
  ["three groups of uneven width", [2, 5, 5, 9], [3, 3, 3, 15], { groups: 3, padding: 1 }],
  ["depthwise", [1, 7, 7, 8], [3, 3, 1, 8], { groups: 8, padding: 1 }],
  ["depthwise of odd channels", [1, 7, 6, 7], [3, 3, 1, 7], { groups: 7, stride: 2, padding: "same" }],
  ["depthwise 5x5 with dilation", [1, 12, 11, 5], [5, 5, 1, 5], { groups: 5, dilation: 2, padding: 4 }],
  ["depth multiplier 3", [1, 6, 6, 4], [3, 3, 1, 12], { groups: 4, padding: 1, bias: [...counting(12).data] }],
  ["1-D convolution", [2, 1, 20, 3], [1, 5, 3, 4], { stride: [1, 2], padding: [0, 2], dilation: [1, 2] }],
  ["vertical 1-D convolution", [1, 20, 1, 3], [5, 1, 3, 4], { padding: [2, 0] }],
  ["bias", [1, 4, 4, 2], [3, 3, 2, 3], { bias: [0.5, -2, 1e3] }],
  ["five input channels, three output channels", [1, 8, 9, 5], [3, 3, 5, 3], { padding: 1 }],
  ["many channels", [1, 6, 6, 65], [3, 3, 65, 31], { padding: 1 }],
  ["a wide image", [1, 3, 65, 4], [3, 3, 4, 8], { padding: 1 }],
  ["many channels with stride 2", [1, 20, 27, 24], [3, 3, 24, 64], { stride: 2, padding: 1 }],
  ["7x7 with stride, as in a ResNet's first layer", [1, 23, 22, 3], [7, 7, 3, 16], { stride: 2, padding: 3 }],
];

const geometry: readonly Case[] = rows.map(([name, input, filter, options = {}]) => ({
  name,
  async run(engine) {
    const random = randomFor(name);
    await checkConv2d(engine, random.nd(input), random.nd(filter), options, name);
  },
}));

const tiles: readonly Case[] = [
  {
    name: "3x3 of large and small numbers in a tile",
    async run(engine) {
      const random = randomFor("tiles");
      const image = random.nd([1, 13, 17, 20]);
      // Every eighth column: of a tile of four, two outputs do not see it.
      const uneven = image.data.map((value, index) => ((Math.floor(index / 20) % 17) % 8 === 0 ? value * 1e6 : value));
      const weights = random.nd([3, 3, 20, 12]);
      await checkConv2d(engine, { ...image, data: uneven }, weights, { padding: 1 }, "uneven");
    },
  },
];

const activations: readonly Activation[] = [
  "identity",
  "relu",
  "relu6",
  "sigmoid",
  "tanh",
  "hardSigmoid",
  "hardSwish",
  "silu",
  "gelu",
  { type: "clamp", min: -0.5, max: 0.75 },
  { type: "leakyRelu", alpha: 0.2 },
  { type: "elu", alpha: 1.5 },
  { type: "hardSigmoid", alpha: 0.25, beta: 0.4 },
  { type: "gelu", approximate: "tanh" },
];

const fused: readonly Case[] = activations.map((activation) => ({
  name: `fused ${typeof activation === "string" ? activation : JSON.stringify(activation)}`,
  async run(engine) {
    const random = randomFor("activation");
    const bias = [...random.nd([9], -3, 3).data];
    for (const [filter, groups] of [
      [[3, 3, 4, 9], 1],
      [[1, 1, 4, 9], 1],
      [[3, 3, 1, 4], 4],
    ] as const) {
      const options = { activation, groups, padding: 1, bias: bias.slice(0, filter[3]) };
      await checkConv2d(
        engine,
        random.nd([1, 5, 5, 4], -2, 2),
        random.nd(filter),
        options,
        `filter ${filter.join("x")}`,
      );
    }
  },
}));

/** One case for each way in which convolutions are computed. */
const residualRows: readonly Row[] = [
  ["1x1", [2, 5, 3, 9], [1, 1, 9, 13]],
  ["1x1 of many channels", [1, 4, 4, 65], [1, 1, 65, 70]],
  ["1x1 over one pixel, the same in both layouts", [3, 1, 1, 5], [1, 1, 5, 7]],
  ["3x3 of few channels", [2, 5, 6, 3], [3, 3, 3, 5]],
  ["3x3 of many channels", [2, 13, 9, 16], [3, 3, 16, 20], { padding: 1 }],
  ["3x3 with stride", [2, 7, 9, 96], [3, 3, 96, 9], { stride: 2, padding: 1 }],
  ["groups", [2, 6, 5, 6], [3, 3, 3, 4], { groups: 2 }],
  ["depthwise", [2, 5, 7, 8], [3, 3, 1, 8], { groups: 8, padding: 1 }],
  ["depthwise 5x5 of odd channels", [2, 8, 7, 5], [5, 5, 1, 5], { groups: 5, padding: 2 }],
  ["one channel", [2, 6, 9, 1], [3, 3, 1, 1], { padding: 1 }],
  ["a kernel mostly in the padding", [2, 2, 1, 3], [31, 29, 3, 4], { padding: [30, 28] }],
];

const residuals: readonly Case[] = residualRows.flatMap(([name, input, filter, options = {}]) =>
  (["identity", "relu", "tanh"] as const).map((activation) => ({
    name: `residual, ${name}, ${activation}`,
    async run(engine) {
      const random = randomFor(name);
      const [image, weights] = [random.nd(input), random.nd(filter)];
      const residual = random.nd(conv2d(image, weights, options).shape, -9, 9);
      const bias = [...random.nd([filter[3]]).data];
      await checkConv2d(engine, image, weights, { ...options, activation, bias, residual }, name);
    },
  })),
);

const x: Nd = counting(1, 3, 3, 1);
const filter: Nd = nd([2, 2, 1, 1], [1, 10, 100, 1000]);

const operands: readonly Case[] = [
  {
    name: "the filter is not flipped: cross-correlation",
    async run(engine) {
      const y = engine.scope(() => engine.conv2d(upload(engine, x), upload(engine, filter)));
      equal(y.shape, [1, 2, 2, 1], "shape");
      equal(await take(y), [5421, 6532, 8754, 9865], "y");
    },
  },
  {
    name: "filter and bias as tensors, as arrays with shapes, as plain numbers",
    async run(engine) {
      const bias = [7];
      const expected = conv2d(x, filter, { bias });
      const results = engine.scope(() => {
        const image = upload(engine, x);
        const weights = upload(engine, filter);
        return [
          engine.conv2d(image, weights, { bias: engine.tensor(bias) }),
          engine.conv2d(image, filter, { bias: { data: bias, shape: [1] } }),
          engine.conv2d(image, { data: [...filter.data], shape: filter.shape }, { bias }),
          engine.conv2d(image, weights, { bias: Float32Array.from(bias) }),
          engine.conv2d(image, weights, { bias: [...bias] }),
        ];
      });
      equal(engine.memory().tensors, results.length, "live tensors");
      for (const [index, y] of results.entries()) await compare(y, expected, `way ${index}`);
    },
  },
  {
    name: "residual as a tensor, which stays as it was",
    async run(engine) {
      const shortcut = engine.tensor([1, -20, 300, -4000], [1, 2, 2, 1]);
      const y = engine.scope(() =>
        engine.conv2d(upload(engine, x), upload(engine, filter), { residual: shortcut, activation: "relu" }),
      );
      equal(await take(y), [5422, 6512, 9054, 5865], "y");
      equal(await take(shortcut), [1, -20, 300, -4000], "residual");
    },
  },
  {
    name: "groups given by the filter, and overruled by the option",
    async run(engine) {
      const random = randomFor("groups");
      const image = random.nd([1, 5, 5, 2]);
      const grouped = { ...random.nd([3, 3, 1, 2]), groups: 2 };
      const whole = { ...random.nd([3, 3, 2, 2]), groups: 2 };
      const [y, z] = engine.scope((): [Tensor, Tensor] => [
        engine.conv2d(upload(engine, image), grouped),
        engine.conv2d(upload(engine, image), whole, { groups: 1 }),
      ]);
      await compare(y, conv2d(image, grouped, { groups: 2 }), "groups of the filter");
      await compare(z, conv2d(image, whole), "groups of the option");
    },
  },
  {
    name: "a filter tensor is packed once for many calls and sizes",
    async run(engine) {
      const random = randomFor("packed once");
      const weights = random.nd([3, 3, 4, 8]);
      const kept = upload(engine, weights);
      for (let call = 0; call < 5; call++) {
        const image = random.nd([1, 8, 8, 4]);
        const y = engine.scope(() => engine.conv2d(upload(engine, image), kept, { padding: "same" }));
        await compare(y, conv2d(image, weights, { padding: "same" }), `call ${call}`);
      }
      const after = engine.memory().core.packs;
      for (let call = 0; call < 5; call++) {
        await take(
          engine.scope(() => engine.conv2d(upload(engine, random.nd([1, 8, 8, 4])), kept, { padding: "same" })),
        );
      }
      equal(engine.memory().core.packs, after, "packs");
      kept.dispose();
    },
  },
  {
    name: "a filter used in both layouts and as dense weights keeps its forms apart",
    async run(engine) {
      const random = randomFor("forms");
      const image = random.nd([1, 1, 1, 4]);
      const weights = random.nd([1, 1, 4, 4]);
      const [nhwc, nchw, dense] = engine.scope((): Tensor[] => {
        const kept = upload(engine, weights);
        const column = { data: image.data, shape: [1, 4, 1, 1] };
        return [
          engine.conv2d(upload(engine, image), kept),
          engine.conv2d(upload(engine, column), engine.reshape(kept, [4, 4, 1, 1]), { layout: "NCHW" }),
          engine.dense(engine.reshape(upload(engine, image), [1, 4]), engine.reshape(kept, [4, 4])),
        ];
      });
      check(nhwc !== undefined && nchw !== undefined && dense !== undefined, "three results");
      const product = matmul(nd([1, 4], image.data), nd([4, 4], weights.data));
      await compare(nhwc, reshapeExpected(product, [1, 1, 1, 4]), "NHWC");
      const flipped = matmul(nd([1, 4], image.data), transpose(nd([4, 4], weights.data), [1, 0]));
      await compare(nchw, reshapeExpected(flipped, [1, 4, 1, 1]), "NCHW");
      await compare(dense, product, "dense");
    },
  },
  {
    name: "NaN and infinity go where their windows reach, nowhere else",
    async run(engine) {
      const image = counting(1, 5, 5, 1);
      image.data[12] = Number.NaN;
      await checkConv2d(engine, image, counting(2, 2, 1, 3), {}, "NaN");
      image.data[12] = Number.POSITIVE_INFINITY;
      await checkConv2d(engine, image, counting(2, 2, 1, 3), { activation: "relu" }, "infinity");
    },
  },
  {
    name: "the input is left as it was",
    async run(engine) {
      const image = upload(engine, x);
      const weights = upload(engine, filter);
      const y = engine.conv2d(image, weights, { padding: "same", activation: "relu" });
      await take(y);
      equal(await take(image), [...x.data], "input");
      equal(await take(weights), [...filter.data], "filter");
    },
  },
];

export const cases: readonly Case[] = [...geometry, ...tiles, ...fused, ...residuals, ...operands];

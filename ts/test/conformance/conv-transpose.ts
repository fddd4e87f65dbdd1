/** convTranspose2d: geometry, output padding, groups, bias, activation. */
import type { Tensor } from "lenslet";
import { type ConvTransposeOptions, conv2d } from "../oracle/conv.ts";
import { counting, nd } from "../oracle/nd.ts";
import { checkConvTranspose2d } from "./both-layouts.ts";
import { type Case, check, equal, randomFor, take, upload } from "./case.ts";

type Sizes = readonly [number, number, number, number];
type Row = readonly [name: string, input: Sizes, filter: Sizes, options?: ConvTransposeOptions];

/** Filters are `[kH, kW, outC/groups, inC]`. */
const rows: readonly Row[] = [
  ["one pixel paints the filter", [1, 1, 1, 1], [3, 4, 1, 1]],
  ["1x1", [1, 4, 3, 5], [1, 1, 7, 5]],
  ["3x3", [1, 4, 5, 3], [3, 3, 4, 3]],
  ["3x3 over a batch", [3, 4, 3, 2], [3, 3, 5, 2]],
  ["2x2 stride 2: twice the size", [1, 5, 4, 4], [2, 2, 3, 4], { stride: 2 }],
  ["overlapping, stride 2", [1, 4, 5, 3], [4, 4, 2, 3], { stride: 2, padding: 1 }],
  ["stride larger than the kernel leaves gaps", [1, 3, 3, 2], [2, 2, 2, 2], { stride: 3, bias: [1, -1] }],
  ["stride [1, 3]", [1, 4, 3, 2], [3, 2, 3, 2], { stride: [1, 3] }],
  ["padding cuts the border off", [1, 5, 5, 2], [3, 3, 3, 2], { padding: 1 }],
  ["uneven padding", [1, 5, 4, 2], [4, 4, 2, 2], { padding: { top: 2, left: 0, bottom: 1, right: 3 }, stride: 2 }],
  ["padding that cuts almost everything off", [1, 1, 1, 2], [5, 5, 3, 2], { padding: 2 }],
  ["output padding", [1, 4, 4, 2], [3, 3, 3, 2], { stride: 2, padding: 1, outputPadding: 1 }],
  ["output padding [0, 2]", [1, 3, 4, 2], [3, 3, 2, 2], { stride: 3, outputPadding: [0, 2], bias: [0.5, 0.25] }],
  ["output padding with dilation", [1, 3, 3, 1], [2, 2, 1, 1], { stride: 1, dilation: 3, outputPadding: 2 }],
  ["same, stride 2", [1, 4, 5, 2], [3, 3, 3, 2], { stride: 2, padding: "same" }],
  ["same, stride 1, even kernel", [1, 4, 5, 2], [4, 2, 3, 2], { padding: "same" }],
  ["same-lower, stride 2", [1, 4, 5, 2], [3, 3, 3, 2], { stride: 2, padding: "same-lower" }],
  ["same where stride exceeds the kernel", [1, 3, 4, 2], [2, 1, 3, 2], { stride: 3, padding: "same", bias: [1, 2, 3] }],
  ["dilation", [1, 4, 5, 2], [3, 2, 3, 2], { dilation: [2, 3] }],
  ["dilation with stride and padding", [1, 4, 5, 2], [3, 3, 3, 2], { dilation: 2, stride: [3, 2], padding: [2, 1] }],
  ["two groups", [1, 4, 4, 4], [3, 3, 3, 4], { groups: 2, stride: 2 }],
  ["depthwise", [1, 5, 5, 6], [3, 3, 1, 6], { groups: 6, stride: 2, padding: 1, outputPadding: 1 }],
  ["depth multiplier 2", [1, 4, 4, 3], [2, 2, 2, 3], { groups: 3, stride: 2, bias: [1, 2, 3, 4, 5, 6] }],
  ["many channels", [1, 4, 4, 35], [3, 3, 18, 35], { stride: 2, padding: 1 }],
  ["1-D", [1, 1, 9, 3], [1, 4, 2, 3], { stride: [1, 2], padding: [0, 1] }],
  ["bias and activation", [1, 4, 4, 3], [3, 3, 4, 3], { stride: 2, bias: [1, -1, 0.5, 0], activation: "relu6" }],
  ["leakyRelu", [1, 4, 4, 3], [3, 3, 4, 3], { activation: { type: "leakyRelu", alpha: 0.1 } }],
];

const geometry: readonly Case[] = rows.map(([name, input, filter, options = {}]) => ({
  name,
  async run(engine) {
    const random = randomFor(name);
    await checkConvTranspose2d(engine, random.nd(input), random.nd(filter), options, name);
  },
}));

const values: readonly Case[] = [
  {
    name: "overlaps add up",
    async run(engine) {
      const y = engine.scope(() =>
        engine.convTranspose2d(upload(engine, nd([1, 1, 2, 1], [1, 10])), nd([1, 2, 1, 1], [2, 3])),
      );
      equal(y.shape, [1, 1, 3, 1], "shape");
      equal(await take(y), [2, 23, 30], "y");
    },
  },
  {
    name: "the same filter tensor serves conv2d and convTranspose2d, one the adjoint of the other",
    async run(engine) {
      const random = randomFor("adjoint");
      const x = random.nd([1, 9, 9, 4]);
      const filter = random.nd([3, 3, 4, 6]);
      const options = { stride: 2, padding: 1 };
      const weights = random.nd(conv2d(x, filter, options).shape);
      const kept = upload(engine, filter);
      const [y, back] = engine.scope((): [Tensor, Tensor] => [
        engine.conv2d(upload(engine, x), kept, options),
        engine.convTranspose2d(upload(engine, weights), kept, options),
      ]);
      kept.dispose();
      equal(back.shape, x.shape, "shape");
      const dot = (a: readonly number[], b: Float32Array): number =>
        a.reduce((sum, v, i) => sum + v * (b[i] ?? Number.NaN), 0);
      const [forward, adjoint] = [dot(await take(y), weights.data), dot(await take(back), x.data)];
      check(Math.abs(forward - adjoint) < 1e-4, `${forward} is not ${adjoint}`);
    },
  },
  {
    name: "an output of known size: bias alone where no pixel reaches",
    async run(engine) {
      const y = engine.scope(() =>
        engine.convTranspose2d(upload(engine, counting(1, 1, 2, 1)), nd([1, 1, 1, 1], [2]), {
          stride: [1, 3],
          outputPadding: [0, 1],
          bias: [5],
        }),
      );
      equal(await take(y), [7, 5, 5, 9, 5], "y");
    },
  },
];

export const cases: readonly Case[] = [...geometry, ...values];

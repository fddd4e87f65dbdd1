/** Pools: windows, ceil mode, what counts as padding, indices, global and adaptive. */
import { exactly, transposeExpected } from "../oracle/compare.ts";
import { counting, nd, toNchw, toNhwc, transpose } from "../oracle/nd.ts";
import { adaptivePool2d, globalPool2d, maxPool2d, type PoolKind, type PoolOptions } from "../oracle/pool.ts";
import { checkImage, checkPool2d } from "./both-layouts.ts";
import { type Case, compare, equal, randomFor, take, upload } from "./case.ts";

type Sizes = readonly [number, number, number, number];
type Row = readonly [name: string, input: Sizes, options: PoolOptions];

const kinds: readonly PoolKind[] = ["max", "avg", "l2"];

const rows: readonly Row[] = [
  ["2x2", [1, 6, 8, 4], { size: 2 }],
  ["2x2 with rows left over", [2, 7, 5, 3], { size: 2 }],
  ["stride is the size unless given", [1, 7, 9, 2], { size: [2, 3] }],
  ["3x3 stride 2, padded", [1, 9, 10, 5], { size: 3, stride: 2, padding: 1 }],
  ["3x3 stride 1, same", [1, 5, 6, 9], { size: 3, stride: 1, padding: "same" }],
  ["2x2 same", [1, 5, 7, 4], { size: 2, padding: "same" }],
  ["2x2 same-lower", [1, 5, 7, 4], { size: 2, padding: "same-lower" }],
  ["uneven padding", [1, 5, 6, 3], { size: 3, stride: 2, padding: { top: 0, left: 2, bottom: 2, right: 1 } }],
  ["ceil mode", [1, 6, 7, 3], { size: 3, stride: 2, ceilMode: true }],
  ["ceil mode drops a window in the padding", [1, 4, 4, 2], { size: 2, stride: 3, padding: 1, ceilMode: true }],
  ["ceil mode with padding", [1, 8, 7, 2], { size: 4, stride: 3, padding: [1, 2], ceilMode: true }],
  ["ceil mode: one window that stands out", [1, 2, 2, 3], { size: 3, stride: 2, ceilMode: true }],
  ["ceil mode: a single window stands out", [1, 2, 4, 3], { size: [3, 5], stride: 2, ceilMode: true }],
  ["dilation", [1, 9, 8, 3], { size: 3, stride: 1, dilation: 2 }],
  [
    "dilation with stride and padding",
    [1, 11, 9, 2],
    { size: [2, 3], stride: [3, 2], dilation: [3, 2], padding: [1, 2] },
  ],
  ["dilation with ceil mode", [1, 10, 9, 2], { size: 2, stride: 3, dilation: 3, padding: 1, ceilMode: true }],
  ["a window as large as the image", [2, 4, 5, 3], { size: [4, 5] }],
  ["a window larger than the image", [1, 2, 3, 3], { size: 5, stride: 1, padding: 2 }],
  ["1x1 takes every other pixel", [1, 5, 5, 4], { size: 1, stride: 2 }],
  ["stride larger than the window", [1, 9, 9, 2], { size: 2, stride: 4 }],
  ["one pixel", [1, 1, 1, 1], { size: 1 }],
  ["1-D", [1, 1, 17, 3], { size: [1, 4], stride: [1, 3] }],
  ["many channels", [1, 5, 5, 67], { size: 2, stride: 1 }],
  ["wide rows, stride 2", [2, 7, 70, 3], { size: 3, stride: 2, padding: 1 }],
  ["wide rows, stride 1", [1, 4, 67, 5], { size: [2, 3], stride: 1, padding: "same" }],
  ["wide rows, ceil mode", [1, 5, 65, 8], { size: 2, ceilMode: true }],
  ["same with ceil mode", [1, 6, 5, 2], { size: 3, stride: 2, padding: "same", ceilMode: true }],
];

/** Negative inputs: padding with zeros would win. */
const windows: readonly Case[] = kinds.flatMap((kind) =>
  rows.map(([name, input, options]) => ({
    name: `${kind}: ${name}`,
    async run(engine) {
      await checkPool2d(engine, kind, randomFor(name).nd(input, -4, -1), options, name);
    },
  })),
);

const padded: readonly Case[] = rows.map(([name, input, options]) => ({
  name: `avg with padding counted: ${name}`,
  async run(engine) {
    await checkPool2d(engine, "avg", randomFor(name).nd(input), { ...options, countIncludePad: true }, name);
  },
}));

const indices: readonly Case[] = rows.map(([name, input, options]) => ({
  name: `max with indices: ${name}`,
  async run(engine) {
    const x = randomFor(name).nd(input);
    const expected = maxPool2d(x, options);
    const { output, indices } = engine.scope(() => engine.maxPool2dWithIndices(upload(engine, x), options));
    equal(indices.dtype, "int32", "dtype");
    await compare(output, expected.output, "values");
    await compare(indices, expected.indices, "indices");
    // An index counts in the input's own layout: each NHWC place has one of NCHW.
    const { data } = transpose(counting(input[0], input[3], input[1], input[2]), toNhwc);
    const nchw = data.map((place) => place - 1);
    const image = transpose(x, toNchw);
    const other = engine.scope(() =>
      engine.maxPool2dWithIndices(upload(engine, image), { ...options, layout: "NCHW" }),
    );
    await compare(other.output, transposeExpected(expected.output, toNchw), "NCHW values");
    const moved = exactly({
      shape: expected.indices.shape,
      data: expected.indices.values.map((index) => nchw[index] ?? Number.NaN),
    });
    await compare(other.indices, transposeExpected(moved, toNchw), "NCHW indices");
  },
}));

const special: readonly Case[] = [
  {
    name: "max: NaN wins, and its index",
    async run(engine) {
      const x = nd([1, 1, 6, 1], [5, Number.NaN, 7, -1, -2, Number.NEGATIVE_INFINITY]);
      const { output, indices } = engine.scope(() => engine.maxPool2dWithIndices(upload(engine, x), { size: [1, 3] }));
      equal(await take(output), [Number.NaN, -1], "values");
      equal(await take(indices), [1, 3], "indices");
      equal(
        await take(engine.scope(() => engine.maxPool2d(upload(engine, x), { size: [1, 3] }))),
        [Number.NaN, -1],
        "values alone",
      );
    },
  },
  {
    name: "max: the first of equals is the index",
    async run(engine) {
      const x = nd([1, 2, 4, 1], [3, 3, 1, 1, 3, 3, 1, 2]);
      const { output, indices } = engine.scope(() => engine.maxPool2dWithIndices(upload(engine, x), { size: 2 }));
      equal(await take(output), [3, 2], "values");
      equal(await take(indices), [0, 7], "indices");
    },
  },
  {
    name: "max: a window of minus infinities",
    async run(engine) {
      const x = nd([1, 1, 2, 1], [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
      const y = engine.scope(() => engine.maxPool2d(upload(engine, x), { size: [1, 2] }));
      equal(await take(y), [Number.NEGATIVE_INFINITY], "y");
    },
  },
  {
    name: "avg: padding is left out of the divisor unless told",
    async run(engine) {
      const x = nd([1, 2, 2, 1], [4, 4, 4, 4]);
      const options = { size: 2, padding: 1 };
      equal(await take(engine.scope(() => engine.avgPool2d(upload(engine, x), options))), [4, 4, 4, 4], "left out");
      const counted = engine.scope(() => engine.avgPool2d(upload(engine, x), { ...options, countIncludePad: true }));
      equal(await take(counted), [1, 1, 1, 1], "counted");
    },
  },
  {
    name: "l2: the root of the sum of squares",
    async run(engine) {
      const y = engine.scope(() => engine.l2Pool2d(upload(engine, nd([1, 1, 2, 2], [3, 5, 4, 12])), { size: [1, 2] }));
      equal(await take(y), [5, 13], "y");
    },
  },
];

const images: readonly Sizes[] = [
  [1, 1, 1, 1],
  [2, 5, 7, 3],
  [1, 8, 8, 16],
  [3, 1, 9, 5],
  [1, 33, 17, 6],
];

const whole: readonly Case[] = kinds.flatMap((kind) =>
  images.map((input) => ({
    name: `global ${kind} of ${input.join("x")}`,
    async run(engine) {
      const x = randomFor(kind).nd(input, -3, -1);
      await checkImage(engine, x, globalPool2d(kind, x), kind, (layout, image) => {
        if (kind === "max") return engine.globalMaxPool2d(image, { layout });
        return kind === "avg" ? engine.globalAvgPool2d(image, { layout }) : engine.globalL2Pool2d(image, { layout });
      });
    },
  })),
);

const sizes: readonly (number | readonly [number, number])[] = [1, 2, [3, 2], [5, 7], [9, 4], [1, 11]];

const adaptive: readonly Case[] = (["max", "avg"] as const).flatMap((kind) =>
  sizes.map((size) => ({
    name: `adaptive ${kind} to ${size.toString()}`,
    async run(engine) {
      const x = randomFor(kind).nd([2, 5, 7, 5], -3, -1);
      await checkImage(engine, x, adaptivePool2d(kind, x, size), kind, (layout, image) =>
        kind === "max"
          ? engine.adaptiveMaxPool2d(image, { size, layout })
          : engine.adaptiveAvgPool2d(image, { size, layout }),
      );
    },
  })),
);

export const cases: readonly Case[] = [...windows, ...padded, ...indices, ...special, ...whole, ...adaptive];

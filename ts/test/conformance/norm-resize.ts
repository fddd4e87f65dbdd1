/** Batch norm and resize. */

import { transposeExpected } from "../oracle/compare.ts";
import { type BatchNormOptions, batchNorm } from "../oracle/elementwise.ts";
import { counting, toNchw, transpose } from "../oracle/nd.ts";
import {
  type Coordinates,
  type Filter,
  type Rounding,
  resizeFiltered,
  resizeLinear,
  resizeNearest,
} from "../oracle/shapes.ts";
import { checkImage } from "./both-layouts.ts";
import { type Case, compare, equal, randomFor, take, upload } from "./case.ts";

const norms: readonly Case[] = ([1, 3, 4, 9, 64] as const).map((channels) => ({
  name: `batchNorm of ${channels} channels`,
  async run(engine) {
    const random = randomFor("batchNorm");
    const vector = (low: number, high: number): number[] => [...random.nd([channels], low, high).data];
    const x = random.nd([2, 3, 4, channels], -3, 3);
    const statistics = { mean: vector(-1, 1), variance: vector(0.1, 2) };
    const options: readonly BatchNormOptions[] = [
      statistics,
      { ...statistics, scale: vector(-2, 2) },
      { ...statistics, offset: vector(-2, 2) },
      { ...statistics, scale: vector(-2, 2), offset: vector(-2, 2), epsilon: 1e-3 },
    ];
    for (const option of options) {
      await checkImage(engine, x, batchNorm(x, option), Object.keys(option).join(", "), (layout, image) =>
        engine.batchNorm(image, { ...option, layout }),
      );
    }
  },
}));

const ranks: readonly Case[] = [
  {
    name: "batchNorm of other ranks, with tensors as statistics",
    async run(engine) {
      const random = randomFor("ranks");
      const x = random.nd([5, 3]);
      const options = { mean: [0.1, 0.2, 0.3], variance: [1, 2, 0], scale: [1, 1, 0.01], offset: [0, 1, 2] };
      const rows = engine.scope(() =>
        engine.batchNorm(upload(engine, x), {
          mean: engine.tensor(options.mean),
          variance: engine.tensor(options.variance),
          scale: engine.tensor(options.scale),
          offset: engine.tensor(options.offset),
        }),
      );
      await compare(rows, batchNorm(x, options), "[5, 3]");
      const column = random.nd([2, 7, 3]);
      const turned = transpose(column, [0, 2, 1]);
      const y = engine.scope(() => engine.batchNorm(upload(engine, turned), { ...options, layout: "NCHW" }));
      await compare(y, transposeExpected(batchNorm(column, options), [0, 2, 1]), "[2, 3, 7] NCHW");
    },
  },
];

const modes: readonly Coordinates[] = ["half-pixel", "align-corners", "asymmetric", "pytorch-half-pixel"];
type Size = readonly [number, number];
const sizes: readonly (readonly [from: Size, to: Size])[] = [
  [
    [1, 1],
    [3, 2],
  ],
  [
    [4, 5],
    [4, 5],
  ],
  [
    [4, 5],
    [8, 10],
  ],
  [
    [3, 2],
    [7, 9],
  ],
  [
    [9, 8],
    [4, 3],
  ],
  [
    [6, 6],
    [3, 12],
  ],
  [
    [7, 5],
    [1, 1],
  ],
  [
    [5, 7],
    [13, 2],
  ],
];

const resized: readonly Case[] = modes.flatMap((coordinates) =>
  sizes.map(([from, to]) => ({
    name: `resize ${from.join("x")} to ${to.join("x")}, ${coordinates}`,
    async run(engine) {
      for (const c of [1, 3, 8]) {
        const x = randomFor(coordinates).nd([2, ...from, c]);
        await checkImage(engine, x, resizeNearest(x, to, coordinates), `nearest, ${c} channels`, (layout, image) =>
          engine.resize(image, { size: to, mode: "nearest", coordinates, layout }),
        );
        await checkImage(engine, x, resizeLinear(x, to, coordinates), `linear, ${c} channels`, (layout, image) =>
          engine.resize(image, { size: to, mode: "linear", coordinates, layout }),
        );
      }
    },
  })),
);

const filters: readonly Omit<Filter, "coordinates">[] = [
  { mode: "cubic" },
  { mode: "cubic", cubicCoefficient: -0.5 },
  { mode: "cubic", excludeOutside: true },
  { mode: "linear", antialias: true },
  { mode: "cubic", antialias: true },
  { mode: "linear", antialias: true, excludeOutside: false },
];

const filtered: readonly Case[] = filters.flatMap((filter) =>
  sizes.map(([from, to]) => ({
    name: `resize ${from.join("x")} to ${to.join("x")}, ${JSON.stringify(filter)}`,
    async run(engine) {
      for (const c of [1, 3, 5]) {
        const x = randomFor(filter.mode).nd([1, ...from, c]);
        for (const coordinates of modes) {
          const options = { ...filter, coordinates };
          await checkImage(
            engine,
            x,
            resizeFiltered(x, to, options),
            `${coordinates}, ${c} channels`,
            (layout, image) => engine.resize(image, { ...options, size: to, layout }),
          );
        }
      }
    },
  })),
);

const roundings: readonly Rounding[] = ["round-prefer-floor", "round-prefer-ceil", "floor", "ceil"];

const rounded: readonly Case[] = roundings.map((rounding) => ({
  name: `resize to the nearest, ${rounding}`,
  async run(engine) {
    for (const [from, to] of sizes) {
      const x = randomFor(rounding).nd([1, ...from, 2]);
      for (const coordinates of modes) {
        const what = `${from.join("x")} to ${to.join("x")}, ${coordinates}`;
        await checkImage(engine, x, resizeNearest(x, to, coordinates, rounding), what, (layout, image) =>
          engine.resize(image, { mode: "nearest", size: to, coordinates, rounding, layout }),
        );
      }
    }
  },
}));

const words: readonly Case[] = [
  {
    name: "resize by scale rounds down; linear and half-pixel unless told",
    async run(engine) {
      const x = counting(1, 5, 6, 1);
      const y = engine.scope(() => engine.resize(upload(engine, x), { scale: [1.5, 0.5] }));
      equal(y.shape, [1, 7, 3, 1], "shape");
      await compare(y, resizeLinear(x, [7, 3], "half-pixel"), "scale");
      const doubled = engine.scope(() => engine.resize(upload(engine, x), { scale: 2, mode: "nearest" }));
      await compare(doubled, resizeNearest(x, [10, 12], "half-pixel"), "twice");
      const whole = engine.scope(() => engine.resize(upload(engine, counting(1, 100, 1, 1)), { scale: [0.29, 1] }));
      equal(whole.shape, [1, 29, 1, 1], "0.29 of 100");
      await take(whole);
    },
  },
  {
    name: "resize with one number for both sizes",
    async run(engine) {
      const x = counting(1, 3, 4, 2);
      const y = engine.scope(() => engine.resize(upload(engine, transpose(x, toNchw)), { size: 6, layout: "NCHW" }));
      await compare(y, transposeExpected(resizeLinear(x, [6, 6], "half-pixel"), toNchw), "6x6");
    },
  },
];

export const cases: readonly Case[] = [...norms, ...ranks, ...resized, ...filtered, ...rounded, ...words];

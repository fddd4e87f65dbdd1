import { describe, expect, test } from "vitest";
import { arrays } from "./arrays.ts";
import { augment, type AugmentOptions } from "./augment.ts";
import type { Dataset } from "./dataset.ts";
import { failure } from "./testing/codes.ts";
import { sineAndCosine, type Placement, warp } from "./warp.ts";

const [H, W, C] = [4, 5, 2];
const COUNT = 64;
const whole = Float32Array.from({ length: COUNT * H * W * C }, (_, i) => 1 + (i % 97));
const plain = arrays({ x: { data: whole, shape: [COUNT, H, W, C] }, y: new Uint8Array(COUNT) });
const everything: AugmentOptions = { flip: "both", shift: 1, rotate: 30, crop: 0.7, brightness: 0.2, seed: 3 };

async function samples(dataset: Dataset, indices: readonly number[], epoch = 0): Promise<number[][]> {
  const { inputs } = await dataset.batch(Int32Array.from(indices), epoch);
  const length = inputs.length / indices.length;
  return indices.map((_, i) => Array.from(inputs.subarray(i * length, (i + 1) * length)));
}

const still: Placement = { flipped: [false, false], shift: [0, 0], radians: 0, part: 1, centre: [0, 0] };

/** A picture of one channel, warped. */
function warped(
  rows: readonly (readonly number[])[],
  change: Partial<Placement>,
  fill: number | "edge" = 0,
): number[][] {
  const [h, w] = [rows.length, rows[0]?.length ?? 0];
  const to = new Float32Array(h * w).fill(Number.NaN);
  warp(Float32Array.from(rows.flat()), to, { h, w, c: 1 }, { ...still, ...change }, fill);
  return rows.map((_, y) => Array.from(to.subarray(y * w, (y + 1) * w)));
}

const rows = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
];

describe("a picture", () => {
  test.each<[string, Partial<Placement>, number | "edge", readonly (readonly number[])[]]>([
    ["stays", {}, 0, rows],
    [
      "is mirrored",
      { flipped: [false, true] },
      0,
      [
        [3, 2, 1],
        [6, 5, 4],
        [9, 8, 7],
      ],
    ],
    [
      "is turned upside down",
      { flipped: [true, false] },
      0,
      [
        [7, 8, 9],
        [4, 5, 6],
        [1, 2, 3],
      ],
    ],
    [
      "moves down and left",
      { shift: [1, -1] },
      -1,
      [
        [-1, -1, -1],
        [2, 3, -1],
        [5, 6, -1],
      ],
    ],
    [
      "moves, its border repeated",
      { shift: [-1, 2] },
      "edge",
      [
        [4, 4, 4],
        [7, 7, 7],
        [7, 7, 7],
      ],
    ],
    [
      "moves once it is mirrored",
      { flipped: [false, true], shift: [0, 1] },
      0,
      [
        [0, 3, 2],
        [0, 6, 5],
        [0, 9, 8],
      ],
    ],
  ])("%s", (_, change, fill, expected) => {
    expect(warped(rows, change, fill)).toEqual(expected);
  });

  test.each<[string, Partial<Placement>, number | "edge", readonly (readonly number[])[]]>([
    [
      "turns clockwise",
      { radians: Math.PI / 2 },
      0,
      [
        [7, 4, 1],
        [8, 5, 2],
        [9, 6, 3],
      ],
    ],
    [
      "turns half round",
      { radians: -Math.PI },
      0,
      [
        [9, 8, 7],
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    [
      "turns when it is mirrored",
      { radians: Math.PI / 2, flipped: [false, true] },
      0,
      [
        [9, 6, 3],
        [8, 5, 2],
        [7, 4, 1],
      ],
    ],
    [
      "is enlarged about its middle",
      { part: 0.5 },
      0,
      [
        [3, 3.5, 4],
        [4.5, 5, 5.5],
        [6, 6.5, 7],
      ],
    ],
    [
      "is enlarged at a corner",
      { part: 0.5, centre: [-1 / 6, 1 / 6] },
      0,
      [
        [2, 2.5, 3],
        [3.5, 4, 4.5],
        [5, 5.5, 6],
      ],
    ],
    [
      "is filled where it turns away",
      { radians: Math.PI / 2, shift: [0, 1] },
      -2,
      [
        [-2, 7, 4],
        [-2, 8, 5],
        [-2, 9, 6],
      ],
    ],
  ])("%s", (_, change, fill, expected) => {
    for (const [y, row] of warped(rows, change, fill).entries())
      for (const [x, value] of row.entries()) expect(value).toBeCloseTo(expected[y]?.[x] ?? Number.NaN, 5);
  });

  test("is sampled as it is moved, if it turns by nothing", () => {
    const shift = [1, -1] as const;
    // So small an angle goes the other way, and rounds to nothing.
    expect(warped(rows, { shift, radians: 1e-30 })).toEqual(warped(rows, { shift }));
  });
});

test("sines and cosines are right to the last digits", () => {
  for (let angle = -Math.PI; angle <= Math.PI; angle += 0.01) {
    const [sine, cosine] = sineAndCosine(angle);
    expect(Math.abs(sine - Math.sin(angle))).toBeLessThan(1e-15);
    expect(Math.abs(cosine - Math.cos(angle))).toBeLessThan(1e-15);
  }
});

describe("augmented samples", () => {
  test("depend on the seed, the epoch and their number, whatever batch they come in", async () => {
    const dataset = augment(plain, everything);
    const [alone] = await samples(dataset, [7], 2);
    const together = await samples(augment(plain, everything), [3, 7, 7, 0], 2);
    expect(together[1]).toEqual(alone);
    expect(together[2]).toEqual(alone);
    expect((await samples(dataset, [7], 3))[0]).not.toEqual(alone);
    expect((await samples(augment(plain, { ...everything, seed: 4 }), [7], 2))[0]).not.toEqual(alone);
  });

  test("are those of the dataset where nothing is asked for", async () => {
    const indices = Array.from({ length: COUNT }, (_, i) => i);
    expect(await samples(augment(plain, {}), indices)).toEqual(await samples(plain, indices));
  });

  test("leave the dataset's own numbers alone, and its targets", async () => {
    const before = Float32Array.from(whole);
    const { targets } = await augment(plain, everything).batch(Int32Array.of(1, 2), 0);
    expect(whole).toEqual(before);
    expect(targets).toEqual((await plain.batch(Int32Array.of(1, 2), 0)).targets);
  });

  test("come from datasets that read while others wait", async () => {
    const slow: Dataset = { ...plain, batch: async (indices, epoch) => plain.batch(indices, epoch) };
    expect(await samples(augment(slow, everything), [5, 6])).toEqual(await samples(augment(plain, everything), [5, 6]));
  });

  test("are mirrored every other time", async () => {
    const indices = Array.from({ length: COUNT }, (_, i) => i);
    const [before, after] = [
      await samples(plain, indices),
      await samples(augment(plain, { flip: "horizontal" }), indices),
    ];
    const same = before.filter((sample, i) => sample.every((value, k) => value === after[i]?.[k])).length;
    // Of 64 throws of a coin, between 16 and 48 but for one time in 30,000.
    expect(same).toBeGreaterThan(15);
    expect(same).toBeLessThan(49);
  });

  test("move by every number of pixels up to the one asked for, about equally often", async () => {
    // The first pixel's place tells how far the picture went: all others are 0.
    const data = new Float32Array(25);
    data[12] = 1;
    const dot = arrays({ x: { data, shape: [1, 5, 5, 1] }, y: [0] });
    const counts = new Float32Array(25);
    const moved = augment(dot, { shift: [1, 2] });
    for (let epoch = 0; epoch < 1500; epoch++) {
      const [sample = []] = await samples(moved, [0], epoch);
      counts[sample.indexOf(1)] = (counts[sample.indexOf(1)] ?? 0) + 1;
    }
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 5; x++) {
        const count = counts[y * 5 + x] ?? 0;
        if (y === 0 || y === 4) expect(count).toBe(0);
        else expect(Math.abs(count - 100)).toBeLessThan(5 * Math.sqrt(100));
      }
    }
  });

  test("grow lighter and darker as a whole", async () => {
    const [[before = []], [after = []]] = [
      await samples(plain, [9]),
      await samples(augment(plain, { brightness: 0.5 }), [9]),
    ];
    const by = (after[0] ?? 0) - (before[0] ?? 0);
    expect(Math.abs(by)).toBeGreaterThan(0);
    expect(Math.abs(by)).toBeLessThanOrEqual(0.5);
    for (const [i, value] of after.entries()) expect(value - (before[i] ?? 0)).toBeCloseTo(by, 4);
  });

  test.each<[string, AugmentOptions, string]>([
    [
      "a flip that there is not",
      { flip: "sideways" as "both" },
      'flip is "sideways"; expected "horizontal", "vertical" or "both"',
    ],
    [
      "a shift beyond the picture",
      { shift: [0, 5] },
      "shift is [0, 5]; expected fewer pixels than the pictures of [4, 5, 2] have",
    ],
    ["a crop of nothing", { crop: 0 }, "crop is 0; expected a number above 0, up to 1"],
    ["a turn of more than half", { rotate: 200 }, "rotate is 200; expected degrees from 0 to 180"],
    ["a seed that is no whole number", { seed: 0.5 }, "seed is 0.5; expected a whole number"],
    ["a fill that is neither", { fill: "mirror" as "edge" }, 'fill is "mirror"; expected a number or "edge"'],
    ["an option that there is not", { zoom: 2 } as AugmentOptions, 'unknown key "zoom"'],
  ])("refuse %s", async (_, options, text) => {
    expect(await failure(() => augment(plain, options))).toContain(text);
  });

  test("refuse what is no picture", async () => {
    const flat = arrays({ x: { data: new Float32Array(8), shape: [2, 4] }, y: [0, 1] });
    expect(await failure(() => augment(flat, {}))).toContain("dataset.inputShape is [4]; expected pictures, [h, w, c]");
  });

  test("refuse to move pictures away from targets of their pixels", async () => {
    const x = { data: new Float32Array(2 * 4 * 5 * 2), shape: [2, 4, 5, 2] };
    const maps = arrays({ x, y: { data: new Uint8Array(2 * 4 * 5), shape: [2, 4, 5] } });
    for (const options of [{ flip: "vertical" }, { shift: [0, 1] }, { rotate: 5 }, { crop: 0.9 }] as const) {
      expect(await failure(() => augment(maps, options))).toContain(
        "targets have shape [4, 5], one for each pixel, and would stay where they are while pictures move",
      );
    }
    expect(augment(maps, { brightness: 0.2 }).targetShape).toEqual([4, 5]);
  });

  test("refuse datasets of several inputs", async () => {
    const several = arrays({ x: { a: { data: new Float32Array(32), shape: [2, 4, 4, 1] } }, y: [0, 1] });
    expect(await failure(() => augment(several as never, {}))).toContain("expected a dataset of one input");
  });
});

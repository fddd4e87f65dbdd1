/** The oracle against numbers worked out by hand; the reference cases hold it against PyTorch. */
import { expect, test } from "vitest";
import { activate, erfc } from "./activation.ts";
import { conv2d, convTranspose2d, matmul } from "./conv.ts";
import { batchNorm, binary, broadcastShape, softmax } from "./elementwise.ts";
import { axes } from "./geometry.ts";
import { counting, nd, transpose } from "./nd.ts";
import { adaptivePool2d, avgPool2d, globalPool2d, l2Pool2d, maxPool2d } from "./pool.ts";
import { Random } from "./random.ts";
import { concat, pad, resizeLinear, resizeNearest } from "./shapes.ts";

const list = ({ values }: { values: Float64Array }): number[] => Array.from(values);

test("transpose", () => {
  expect(transpose(counting(2, 3), [1, 0])).toEqual(nd([3, 2], [1, 4, 2, 5, 3, 6]));
  expect(transpose(counting(1, 2, 2, 2), [0, 3, 1, 2])).toEqual(nd([1, 2, 2, 2], [1, 3, 5, 7, 2, 4, 6, 8]));
});

test("axes: padding in words, sizes, ceil mode", () => {
  expect(axes([5, 6], 3, {}).map(({ output }) => output)).toEqual([3, 4]);
  expect(axes([5, 6], 3, { padding: "same", stride: 2 })).toMatchObject([
    { before: 1, after: 1, output: 3 },
    { before: 0, after: 1, output: 3 },
  ]);
  expect(axes([5, 6], 3, { padding: "same-lower", stride: 2 })[1]).toMatchObject({ before: 1, after: 0, output: 3 });
  expect(axes([5, 5], 2, { stride: 2, ceilMode: true })[0].output).toBe(3);
  // The third window would begin in the padding at the end.
  expect(axes([4, 4], 2, { stride: 3, padding: [1, 1], ceilMode: true })[0].output).toBe(2);
  expect(axes([9, 9], [2, 3], { dilation: [4, 2], padding: { top: 1, right: 2 } })).toMatchObject([
    { before: 1, after: 0, output: 6 },
    { before: 0, after: 2, output: 7 },
  ]);
});

test("conv2d", () => {
  const x = counting(1, 3, 3, 1);
  expect(list(conv2d(x, nd([2, 2, 1, 1], [1, 10, 100, 1000])))).toEqual([5421, 6532, 8754, 9865]);
  expect(list(conv2d(x, nd([1, 1, 1, 2], [1, -1]), { stride: 2, bias: [0.5, 5.5] }))).toEqual([
    1.5, 4.5, 3.5, 2.5, 7.5, -1.5, 9.5, -3.5,
  ]);
  expect(list(conv2d(x, nd([2, 2, 1, 1], [1, 0, 0, 1]), { dilation: 2 }))).toEqual([10]);
  expect(list(conv2d(x, nd([1, 3, 1, 1], [1, 1, 1]), { padding: "same" }))).toEqual([3, 6, 5, 9, 15, 11, 15, 24, 17]);
  const twoChannels = nd([1, 1, 1, 2], [3, 5]);
  expect(list(conv2d(twoChannels, nd([1, 1, 1, 4], [1, 2, 3, 4]), { groups: 2 }))).toEqual([3, 6, 15, 20]);
});

test("convTranspose2d", () => {
  const x = nd([1, 1, 2, 1], [1, 10]);
  const filter = nd([1, 2, 1, 1], [2, 3]);
  expect(list(convTranspose2d(x, filter))).toEqual([2, 23, 30]);
  expect(list(convTranspose2d(x, filter, { stride: 2 }))).toEqual([2, 3, 20, 30]);
  expect(convTranspose2d(x, filter, { stride: [1, 2], outputPadding: [0, 1] }).shape).toEqual([1, 1, 5, 1]);
  expect(list(convTranspose2d(x, filter, { stride: [1, 3], padding: { left: 1 } }))).toEqual([3, 0, 20, 30]);
  expect(list(convTranspose2d(x, nd([1, 3, 1, 1], [1, 2, 3]), { padding: "same" }))).toEqual([12, 23]);
});

test("conv2d and convTranspose2d are adjoint", () => {
  const random = new Random(5);
  for (const [stride, padding, dilation, groups] of [
    [1, 0, 1, 1],
    [2, 1, 1, 2],
    [2, 1, 2, 1],
  ] as const) {
    const x = random.nd([1, 7, 7, 4]);
    const filter = random.nd([3, 3, 4 / groups, 6]);
    const options = { stride, padding, dilation, groups };
    const y = conv2d(x, filter, options);
    const weights = random.nd(y.shape);
    const outputPadding = (7 + 2 * padding - dilation * 2 - 1) % stride;
    const back = convTranspose2d(weights, filter, { ...options, outputPadding });
    expect(back.shape).toEqual(x.shape);
    const forward = list(y).reduce((sum, value, index) => sum + value * (weights.data[index] ?? Number.NaN), 0);
    const adjoint = list(back).reduce((sum, value, index) => sum + value * (x.data[index] ?? Number.NaN), 0);
    expect(adjoint).toBeCloseTo(forward, 9);
  }
});

test("pools", () => {
  const x = nd([1, 3, 3, 1], [-1, -2, -3, -4, -5, -6, -7, -8, -9]);
  expect(list(maxPool2d(x, { size: 2, stride: 1 }).output)).toEqual([-1, -2, -4, -5]);
  expect(list(maxPool2d(x, { size: 2, stride: 1 }).indices)).toEqual([0, 1, 3, 4]);
  expect(list(maxPool2d(x, { size: 2, padding: 1 }).output)).toEqual([-1, -2, -4, -5]);
  expect(list(maxPool2d(x, { size: 2, dilation: 2 }).output)).toEqual([-1]);
  expect(list(avgPool2d(x, { size: 2, stride: 1 }))).toEqual([-3, -4, -6, -7]);
  expect(list(avgPool2d(x, { size: 2, padding: 1 }))).toEqual([-1, -2.5, -5.5, -7]);
  expect(list(avgPool2d(x, { size: 2, padding: 1, countIncludePad: true }))).toEqual([-0.25, -1.25, -2.75, -7]);
  // Beyond the padding nothing counts: the last windows hold 2, 2 and 1 elements.
  expect(list(avgPool2d(x, { size: 2, ceilMode: true, countIncludePad: true }))).toEqual([-3, -4.5, -7.5, -9]);
  expect(list(l2Pool2d(nd([1, 1, 2, 1], [3, 4]), { size: [1, 2] }))).toEqual([5]);
  expect(list(globalPool2d("avg", x))).toEqual([-5]);
  expect(list(adaptivePool2d("avg", x, 2))).toEqual([-3, -4, -6, -7]);
  expect(list(adaptivePool2d("max", x, [1, 4]))).toEqual([-1, -1, -2, -3]);
  const holes = maxPool2d(nd([1, 1, 3, 1], [5, Number.NaN, 7]), { size: [1, 3] });
  expect([list(holes.output), list(holes.indices)]).toEqual([[Number.NaN], [1]]);
});

test("activations", () => {
  expect(erfc(0)).toBe(1);
  expect(erfc(0.5)).toBeCloseTo(0.479500122186953, 14);
  expect(erfc(3)).toBeCloseTo(2.20904969985854e-5, 17);
  expect(erfc(-1)).toBeCloseTo(1.84270079294971, 13);
  expect(activate("gelu", 1)).toBeCloseTo(0.841344746068543, 14);
  expect(activate("silu", 1)).toBeCloseTo(0.731058578630005, 14);
  expect(activate("hardSwish", 1)).toBeCloseTo(2 / 3, 14);
  expect(activate("hardSigmoid", 1)).toBeCloseTo(0.7, 14);
  expect(activate({ type: "elu", alpha: 2 }, -1)).toBeCloseTo(2 * (Math.exp(-1) - 1), 14);
  expect(activate({ type: "clamp", min: -1, max: 2 }, 3)).toBe(2);
  expect(activate("relu", Number.NaN)).toBeNaN();
});

test("arithmetic and norms", () => {
  expect(broadcastShape([4, 1, 3], [2, 1])).toEqual([4, 2, 3]);
  expect(list(binary("sub", nd([2, 1], [10, 20]), nd([3], [1, 2, 3])))).toEqual([9, 8, 7, 19, 18, 17]);
  expect(list(binary("hypot", nd([1], [3]), nd([1], [4])))).toEqual([5]);
  expect(list(softmax(nd([2, 2], [0, 1, 0, 1]), 0))).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(list(softmax(nd([1, 2], [0, 1]), 1))[1]).toBeCloseTo(Math.E / (1 + Math.E), 14);
  const norm = batchNorm(nd([1, 2], [3, 4]), {
    mean: [1, 2],
    variance: [4, 1],
    scale: [2, 1],
    offset: [5, 0],
    epsilon: 0,
  });
  expect(list(norm)).toEqual([7, 2]);
  expect(list(matmul(counting(1, 2), counting(2, 3), [0, 1, 0]))).toEqual([9, 13, 15]);
});

test("borders, joins and sizes", () => {
  const x = nd([1, 3], [1, 2, 3]);
  expect(
    list(
      pad(
        x,
        [
          [0, 0],
          [2, 1],
        ],
        "reflect",
      ),
    ),
  ).toEqual([3, 2, 1, 2, 3, 2]);
  expect(
    list(
      pad(
        x,
        [
          [0, 0],
          [2, 1],
        ],
        "edge",
      ),
    ),
  ).toEqual([1, 1, 1, 2, 3, 3]);
  expect(
    list(
      pad(
        x,
        [
          [0, 1],
          [1, 0],
        ],
        "constant",
        7,
      ),
    ),
  ).toEqual([7, 1, 2, 3, 7, 7, 7, 7]);
  expect(list(concat([x, nd([1, 1], [9])], 1))).toEqual([1, 2, 3, 9]);
  expect(list(concat([x, x], 0))).toEqual([1, 2, 3, 1, 2, 3]);
  const row = nd([1, 1, 2, 1], [0, 4]);
  expect(list(resizeLinear(row, [1, 4], "half-pixel"))).toEqual([0, 1, 3, 4]);
  expect(list(resizeLinear(row, [1, 3], "align-corners"))).toEqual([0, 2, 4]);
  expect(list(resizeLinear(row, [1, 4], "asymmetric"))).toEqual([0, 2, 4, 4]);
  const four = nd([1, 1, 4, 1], [0, 1, 2, 3]);
  // Positions 0.5 and 2.5: halves round down.
  expect(list(resizeNearest(four, [1, 2], "half-pixel"))).toEqual([0, 2]);
  expect(list(resizeNearest(row, [1, 5], "asymmetric"))).toEqual([0, 0, 0, 4, 4]);
  expect(list(resizeNearest(four, [1, 3], "align-corners"))).toEqual([0, 1, 3]);
});

test("random numbers repeat with their seed", () => {
  const numbers = (seed: number) => Array.from(new Random(seed).nd([50]).data);
  expect(numbers(1)).toEqual(numbers(1));
  expect(numbers(1)).not.toEqual(numbers(2));
  expect(Math.min(...numbers(3))).toBeGreaterThanOrEqual(-1);
  expect(new Random(4).permutation(9).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const picks = Array.from(
    { length: 200 },
    (
      (random) => () =>
        random.int(2, 4)
    )(new Random(6)),
  );
  expect(new Set(picks)).toEqual(new Set([2, 3, 4]));
});

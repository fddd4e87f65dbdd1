/** The operators that are neither convolutions nor pools: the words that they write. */
import { describe, expect, it } from "vitest";
import type { Engine } from "../engine.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { fakeEngine } from "../test/facade.ts";

type Call = (engine: Engine, x: Tensor) => Tensor;

function run(shape: Shape, call: Call): { op: string; shape: Shape; words: readonly number[]; inputs: number } {
  const { engine, executor } = fakeEngine();
  const x = engine.tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  const y = call(engine, x);
  const { op, words, inputs, outputs } = executor.lastOp;
  expect(outputs.map(({ length }) => length)).toEqual([y.size]);
  return { op, shape: y.shape, words, inputs: inputs.length };
}

describe("operators of two steps", () => {
  it("finds indices as float32, makes them int32, and keeps no float32", () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(24), [2, 3, 4]);
    const best = engine.argMax(x, { axis: 1 });
    expect([best.dtype, best.shape]).toEqual(["int32", [2, 4]]);
    expect(engine.argMin(x, { keepAxis: true }).shape).toEqual([2, 3, 1]);
    const { values, indices } = engine.topK(x, { k: 2 });
    expect([values.shape, indices.shape, indices.dtype]).toEqual([[2, 3, 2], [2, 3, 2], "int32"]);
    expect(executor.ops.map(({ op, words }) => [op, ...words])).toEqual([
      ["argReduce", 0, 0, 2, 3, 4],
      ["toInt32"],
      ["argReduce", 1, 0, 6, 4, 1],
      ["toInt32"],
      ["topK", 6, 4, 1, 2, 1, 1],
      ["toInt32"],
    ]);
    expect(engine.memory().tensors).toBe(5);
  });
});

describe("words", () => {
  it.each<[string, Shape, Call, Shape, readonly number[]]>([
    ["activation", [2, 3], (e, x) => e.relu(x), [2, 3], [1, 0, 0]],
    ["activation", [2], (e, x) => e.relu6(x), [2], [2, 0, 0]],
    ["activation", [2], (e, x) => e.clamp(x, { min: -1, max: 2 }), [2], [3, -1, 2]],
    ["activation", [2], (e, x) => e.clamp(x, { min: 0 }), [2], [3, 0, Number.POSITIVE_INFINITY]],
    ["activation", [2], (e, x) => e.leakyRelu(x), [2], [4, 0.01, 0]],
    ["activation", [2], (e, x) => e.leakyRelu(x, { alpha: 0.3 }), [2], [4, 0.3, 0]],
    ["activation", [2], (e, x) => e.sigmoid(x), [2], [5, 0, 0]],
    ["activation", [2], (e, x) => e.tanh(x), [2], [6, 0, 0]],
    ["activation", [2], (e, x) => e.hardSigmoid(x, { beta: 1 }), [2], [7, 0.2, 1]],
    ["activation", [2], (e, x) => e.hardSwish(x), [2], [8, 1, 0]],
    ["activation", [2], (e, x) => e.silu(x), [2], [9, 0, 0]],
    ["activation", [2], (e, x) => e.gelu(x), [2], [10, 0, 0]],
    ["activation", [2], (e, x) => e.gelu(x, { approximate: "tanh" }), [2], [11, 0, 0]],
    ["activation", [2], (e, x) => e.elu(x), [2], [12, 1, 0]],
    ["activation", [2], (e, x) => e.mish(x), [2], [13, 0, 0]],
    ["activation", [2], (e, x) => e.softplus(x), [2], [14, 0, 0]],
    ["activation", [2], (e, x) => e.softsign(x), [2], [15, 0, 0]],
    ["activation", [2], (e, x) => e.selu(x, { alpha: 2, gamma: 3 }), [2], [16, 2, 3]],
    ["activation", [2], (e, x) => e.celu(x), [2], [17, 1, 0]],
    ["activation", [2], (e, x) => e.thresholdedRelu(x, { alpha: 0.5 }), [2], [18, 0.5, 0]],
    ["activation", [2], (e, x) => e.swish(x), [2], [19, 1, 0]],
    ["softmax", [2, 3, 4], (e, x) => e.softmax(x), [2, 3, 4], [6, 4, 1, 0]],
    ["softmax", [2, 3, 4], (e, x) => e.softmax(x, { axis: -2 }), [2, 3, 4], [2, 3, 4, 0]],
    ["softmax", [2, 3, 4], (e, x) => e.logSoftmax(x, { axis: 0 }), [2, 3, 4], [1, 2, 12, 1]],
    [
      "dense",
      [2, 3, 4],
      (e, x) => e.dense(x, { data: new Float32Array(20), shape: [4, 5] }),
      [2, 3, 5],
      [6, 4, 5, 0, 0, 0, 0],
    ],
    [
      "dense",
      [4],
      (e, x) =>
        e.dense(
          x,
          { data: new Float32Array(8), shape: [2, 4] },
          { transposed: true, bias: [1, 2], activation: "relu" },
        ),
      [2],
      [1, 4, 2, 1, 1, 0, 0],
    ],
    [
      "binary",
      [2, 1, 3],
      (e, x) => e.add(x, { data: new Float32Array(4), shape: [4, 1] }),
      [2, 4, 3],
      [0, 3, 2, 1, 3, 2, 4, 1],
    ],
    ["binary", [2], (e, x) => e.sub(x, x), [2], [1, 1, 2, 1, 2]],
    ["binary", [2, 3], (e, x) => e.mul(x, [1, 2, 3]), [2, 3], [2, 2, 2, 3, 1, 3]],
    ["binary", [2], (e, x) => e.div(1, x), [2], [3, 0, 1, 2]],
    ["binary", [2], (e, x) => e.min(x, Number.POSITIVE_INFINITY), [2], [4, 1, 2, 0]],
    ["binary", [2], (e) => e.max(1, 2), [], [5, 0, 0]],
    ["binary", [1], (e, x) => e.hypot(x, [1, 2]), [2], [6, 1, 1, 1, 2]],
    ["binary", [2], (e, x) => e.pow(x, 2), [2], [7, 1, 2, 0]],
    ["binary", [2], (e, x) => e.floorMod(x, 2), [2], [8, 1, 2, 0]],
    ["binary", [2], (e, x) => e.fmod(x, 2), [2], [9, 1, 2, 0]],
    ["binary", [2], (e, x) => e.prelu(x, [1, 2]), [2], [10, 1, 2, 1, 2]],
    ["binary", [2], (e, x) => e.equal(x, 2), [2], [11, 1, 2, 0]],
    ["binary", [2], (e, x) => e.less(x, 2), [2], [12, 1, 2, 0]],
    ["binary", [2], (e, x) => e.lessOrEqual(x, 2), [2], [13, 1, 2, 0]],
    ["binary", [2], (e, x) => e.greater(x, 2), [2], [14, 1, 2, 0]],
    ["binary", [2], (e, x) => e.greaterOrEqual(x, 2), [2], [15, 1, 2, 0]],
    ["binary", [2], (e, x) => e.and(x, 2), [2], [16, 1, 2, 0]],
    ["binary", [2], (e, x) => e.or(x, 2), [2], [17, 1, 2, 0]],
    ["binary", [2], (e, x) => e.xor(x, 2), [2], [18, 1, 2, 0]],
    ["unary", [2], (e, x) => e.reciprocal(x), [2], [6]],
    ["unary", [2], (e, x) => e.erf(x), [2], [7]],
    ["unary", [2], (e, x) => e.floor(x), [2], [8]],
    ["unary", [2], (e, x) => e.ceil(x), [2], [9]],
    ["unary", [2], (e, x) => e.round(x), [2], [10]],
    ["unary", [2], (e, x) => e.sign(x), [2], [11]],
    ["unary", [2], (e, x) => e.not(x), [2], [12]],
    ["unary", [2], (e, x) => e.sin(x), [2], [15]],
    ["unary", [2], (e, x) => e.cos(x), [2], [16]],
    ["unary", [2], (e, x) => e.abs(x), [2], [0]],
    ["unary", [2], (e, x) => e.neg(x), [2], [1]],
    ["unary", [2], (e, x) => e.sqrt(x), [2], [2]],
    ["unary", [2], (e, x) => e.exp(x), [2], [3]],
    ["unary", [2], (e, x) => e.log(x), [2], [4]],
    ["unary", [2], (e, x) => e.square(x), [2], [5]],
    ["reduce", [2, 3, 4], (e, x) => e.reduceSum(x), [], [0, 3, 2, 3, 4, 1, 1, 1]],
    ["reduce", [2, 3, 4], (e, x) => e.reduceMean(x, { axes: -1 }), [2, 3], [1, 3, 2, 3, 4, 0, 0, 1]],
    [
      "reduce",
      [2, 3, 4],
      (e, x) => e.reduceMax(x, { axes: [0, 2], keepAxes: true }),
      [1, 3, 1],
      [2, 3, 2, 3, 4, 1, 0, 1],
    ],
    ["reduce", [2], (e, x) => e.reduceMin(x, { axes: [] }), [2], [3, 1, 2, 0]],
    ["reduce", [2], (e, x) => e.reduceProd(x), [], [4, 1, 2, 1]],
    ["reduce", [2], (e, x) => e.reduceSumSquare(x), [], [5, 1, 2, 1]],
    ["reduce", [2], (e, x) => e.reduceL1(x), [], [6, 1, 2, 1]],
    ["reduce", [2], (e, x) => e.reduceL2(x), [], [7, 1, 2, 1]],
    ["reduce", [2], (e, x) => e.reduceLogSum(x), [], [8, 1, 2, 1]],
    ["reduce", [2], (e, x) => e.reduceLogSumExp(x), [], [9, 1, 2, 1]],
    ["where", [2, 3], (e, x) => e.where(x, 1, [1, 2, 3]), [2, 3], [2, 2, 3, 1, 1, 1, 3]],
    ["slice", [5, 4], (e, x) => e.slice(x, { start: [1] }), [4, 4], [2, 5, 4, 1, 0, 1, 1, 4, 4]],
    [
      "slice",
      [5, 4],
      (e, x) => e.slice(x, { start: [-2], end: [99, -1], step: [1, 2] }),
      [2, 2],
      [2, 5, 4, 3, 0, 1, 2, 2, 2],
    ],
    ["slice", [5], (e, x) => e.slice(x, { step: [-2] }), [3], [1, 5, 4, -2, 3]],
    ["slice", [5], (e, x) => e.slice(x, { start: [3], end: [-99], step: [-1] }), [4], [1, 5, 3, -1, 4]],
    ["gather", [2, 3, 4], (e, x) => e.gather(x, [0, -1], { axis: 1 }), [2, 2, 4], [2, 3, 4, 2]],
    ["gather", [3, 4], (e, x) => e.gather(x, { data: [0, 1, 2, 0], shape: [2, 2] }), [2, 2, 4], [1, 3, 4, 4]],
    ["broadcastTo", [3, 1], (e, x) => e.broadcastTo(x, [2, 3, 4]), [2, 3, 4], [3, 1, 3, 1, 2, 3, 4]],
    [
      "matmul",
      [2, 3, 4],
      (e, x) => e.matmul(x, { data: new Float32Array(20), shape: [4, 5] }),
      [2, 3, 5],
      [3, 4, 5, 1, 2, 1],
    ],
    ["layerNorm", [2, 3, 4], (e, x) => e.layerNorm(x), [2, 3, 4], [6, 4, 1e-5]],
    ["layerNorm", [2, 3], (e, x) => e.layerNorm(x, { axis: 0, epsilon: 0 }), [2, 3], [1, 6, 0]],
    ["instanceNorm", [1, 2, 3, 4], (e, x) => e.instanceNorm(x), [1, 2, 3, 4], [0, 1, 2, 3, 4, 1e-5]],
    [
      "groupNorm",
      [1, 4, 2, 3],
      (e, x) => e.groupNorm(x, { groups: 2, layout: "NCHW", scale: [1, 2, 3, 4] }),
      [1, 4, 2, 3],
      [1, 1, 2, 3, 4, 2, 1e-5],
    ],
    [
      "lrn",
      [1, 2, 3, 4],
      (e, x) => e.localResponseNorm(x, { size: 3, bias: 2 }),
      [1, 2, 3, 4],
      [0, 1, 2, 3, 4, 3, 1e-4, 0.75, 2],
    ],
    [
      "concat",
      [2, 3, 4],
      (e, x) => e.concat([x, { data: new Float32Array(8), shape: [2, 1, 4] }, x], { axis: 1 }),
      [2, 7, 4],
      [2, 12, 4, 12],
    ],
    ["concat", [2, 3], (e, x) => e.concat([x, x], { axis: -1 }), [2, 6], [2, 3, 3]],
    ["transpose", [2, 3, 4], (e, x) => e.transpose(x), [4, 3, 2], [3, 2, 3, 4, 2, 1, 0]],
    ["transpose", [2, 3, 4], (e, x) => e.transpose(x, [0, 2, 1]), [2, 4, 3], [3, 2, 3, 4, 0, 2, 1]],
    [
      "batchNorm",
      [2, 3, 4, 5],
      (e, x) => e.batchNorm(x, { mean: new Float32Array(5), variance: new Float32Array(5) }),
      [2, 3, 4, 5],
      [24, 5, 1, 1e-5],
    ],
    [
      "batchNorm",
      [2, 3, 4, 5],
      (e, x) => e.batchNorm(x, { mean: [1, 2, 3], variance: [1, 2, 3], offset: [1, 2, 3], epsilon: 0, layout: "NCHW" }),
      [2, 3, 4, 5],
      [2, 3, 20, 0],
    ],
    [
      "pad",
      [1, 2, 3, 1],
      (e, x) => e.pad(x, { padding: 1, mode: "edge" }),
      [1, 4, 5, 1],
      [2, 0, 4, 1, 2, 3, 1, 0, 1, 1, 0, 0, 1, 1, 0],
    ],
    [
      "pad",
      [1, 1, 2, 3],
      (e, x) => e.pad(x, { padding: { top: 1, right: 2 }, value: 9, layout: "NCHW" }),
      [1, 1, 3, 5],
      [0, 9, 4, 1, 1, 2, 3, 0, 0, 1, 0, 0, 0, 0, 2],
    ],
    [
      "pad",
      [1, 2, 3, 1],
      (e, x) => e.pad(x, { padding: [0, 4] }),
      [1, 2, 11, 1],
      [0, 0, 4, 1, 2, 3, 1, 0, 0, 4, 0, 0, 0, 4, 0],
    ],
    ["pad", [3], (e, x) => e.pad(x, { padding: [[2, 1]], mode: "reflect" }), [6], [1, 0, 1, 3, 2, 1]],
    ["resize2d", [1, 4, 6, 2], (e, x) => e.resize(x, { size: [2, 12] }), [1, 2, 12, 2], [0, 1, 4, 6, 2, 2, 12, 1, 0]],
    [
      "resize2d",
      [1, 4, 6, 2],
      (e, x) => e.resize(x, { size: [2, 12], mode: "cubic", coordinates: "pytorch-half-pixel", antialias: true }),
      [1, 2, 12, 2],
      [0, 1, 4, 6, 2, 2, 12, 2, 3, 0, -0.5, 1, 1, 0, 0],
    ],
    [
      "resize2d",
      [1, 4, 6, 2],
      (e, x) => e.resize(x, { size: 2, mode: "nearest", coordinates: "asymmetric", rounding: "round-prefer-ceil" }),
      [1, 2, 2, 2],
      [0, 1, 4, 6, 2, 2, 2, 0, 2, 1, -0.75, 0, 0, 0, 0],
    ],
    [
      "resize2d",
      [1, 2, 4, 6],
      (e, x) => e.resize(x, { scale: [0.5, 2], mode: "nearest", coordinates: "asymmetric", layout: "NCHW" }),
      [1, 2, 2, 12],
      [1, 1, 4, 6, 2, 2, 12, 0, 2],
    ],
    [
      "resize2d",
      [1, 100, 3, 1],
      (e, x) => e.resize(x, { scale: [0.29, 1.5], coordinates: "align-corners" }),
      [1, 29, 4, 1],
      [0, 1, 100, 3, 1, 29, 4, 1, 1],
    ],
  ])("%s of %j: %s", (op, shape, call, outShape, words) => {
    expect(run(shape, call)).toMatchObject({ op, shape: outShape, words });
  });

  it("are of as many inputs as the operator has, absent ones included", () => {
    const five = { mean: [1], variance: [1] };
    expect(run([1], (e, x) => e.batchNorm(x, five)).inputs).toBe(5);
    expect(run([1], (e, x) => e.dense(x, { data: [1], shape: [1, 1] })).inputs).toBe(3);
  });
});

describe("reshape and flatten", () => {
  it.each<[Shape, (engine: Engine, x: Tensor) => Tensor, Shape]>([
    [[2, 3], (e, x) => e.reshape(x, [3, 2]), [3, 2]],
    [[2, 3], (e, x) => e.reshape(x, [-1]), [6]],
    [[2, 3], (e, x) => e.reshape(x, [1, -1, 2]), [1, 3, 2]],
    [[1], (e, x) => e.reshape(x, []), []],
    [[], (e, x) => e.reshape(x, [-1, 1]), [1, 1]],
    [[2, 3, 4], (e, x) => e.flatten(x), [2, 12]],
    [[2, 3, 4], (e, x) => e.flatten(x, { axis: 0 }), [24]],
    [[2, 3, 4], (e, x) => e.flatten(x, { axis: -1 }), [2, 3, 4]],
    [[4], (e, x) => e.flatten(x), [4, 1]],
  ])("%j: %s", (shape, call, expected) => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    const y = call(engine, x);
    expect(y.shape).toEqual(expected);
    expect(executor.commands.at(-1)).toEqual({ kind: "alias", id: 2, of: 1 });
  });
});

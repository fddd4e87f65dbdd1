/** What the operators that are neither convolutions nor pools refuse, and in which words. */
import { describe, expect, it } from "vitest";
import type { Engine } from "../engine.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { expectError, fakeEngine, untyped } from "../test/facade.ts";

describe("refused", () => {
  const five = [1, 2, 3, 4, 5];
  it.each<[Shape, (engine: Engine, x: Tensor) => unknown, string, string]>([
    [
      [2],
      (e, x) => e.clamp(x, { min: 2, max: 1 }),
      "invalid-argument",
      "clamp: min is 2; expected at most max, which is 1",
    ],
    [
      [2],
      (e, x) => e.elu(x, untyped({ slope: 1 })),
      "invalid-argument",
      'elu: options has the unknown key "slope"; expected alpha',
    ],
    [
      [2],
      (e, x) => e.leakyRelu(x, untyped({ alpha: "1" })),
      "invalid-argument",
      'leakyRelu: alpha is "1"; expected a number',
    ],
    [
      [2],
      (e, x) => e.gelu(x, untyped({ approximate: true })),
      "invalid-argument",
      'gelu: approximate is true; expected "none" or "tanh"',
    ],
    [
      [2, 3],
      (e, x) => e.softmax(x, { axis: 2 }),
      "invalid-argument",
      "softmax: axis is 2; expected an integer from -2 to 1 (the tensor has 2 axes)",
    ],
    [
      [],
      (e, x) => e.softmax(x),
      "invalid-argument",
      "softmax: axis is -1; expected a tensor with axes: this one is a scalar",
    ],
    [
      [2, 3],
      (e, x) => e.dense(x, { data: five, shape: [5, 1] }),
      "shape-mismatch",
      "dense: weights has shape [5, 1]; expected [3, n] for x of shape [2, 3]",
    ],
    [
      [2, 5],
      (e, x) => e.dense(x, { data: five, shape: [1, 5] }),
      "shape-mismatch",
      "dense: weights has shape [1, 5]; expected [5, n] for x of shape [2, 5]; transposed: true reads it the other way round",
    ],
    [
      [],
      (e, x) => e.dense(x, { data: five, shape: [5, 1] }),
      "shape-mismatch",
      "dense: x is a scalar; expected shape [..., k]",
    ],
    [
      [5],
      (e, x) => e.dense(x, { data: five, shape: [5, 1] }, { bias: five }),
      "shape-mismatch",
      "dense: bias has shape [5]; expected [1], one for each of the 1 output features",
    ],
    [
      [2, 3],
      (e, x) => e.add(x, five),
      "shape-mismatch",
      "add: b has shape [5], a has [2, 3]; expected sizes that are equal or 1, from the last axis on (here 3 and 5)",
    ],
    [
      [2, 3],
      (e, x) => e.mul(x, untyped("2")),
      "invalid-argument",
      'mul: b is "2"; expected a tensor or { data, shape }',
    ],
    [
      [40000, 1],
      (e, x) => e.mul(x, e.reshape(x, [1, 40000])),
      "too-large",
      "mul: the output would have shape [40000, 40000], which is 1600000000 elements; expected at most 536870911 (2 GiB of float32, what WebAssembly can hold at a time)",
    ],
    [
      [2],
      (e) => e.concat([], { axis: 0 }),
      "invalid-argument",
      "concat: tensors is []; expected an array of 1 to 1024 tensors",
    ],
    [
      [2],
      (e, x) => e.concat(untyped(x), { axis: 0 }),
      "invalid-argument",
      "concat: tensors is a Tensor of shape [2]; expected an array of 1 to 1024 tensors",
    ],
    [
      [2, 3],
      (e, x) => e.concat([x, x, { data: five, shape: [5, 1] }], { axis: 1 }),
      "shape-mismatch",
      "concat: tensors[2] has shape [5, 1], tensors[0] has [2, 3]; expected the same sizes but on axis 1",
    ],
    [
      [2, 3],
      (e, x) => e.concat([x], untyped({})),
      "invalid-argument",
      "concat: axis is undefined; expected an integer from -2 to 1 (the tensor has 2 axes)",
    ],
    [
      [2, 3],
      (e, x) => e.transpose(x, [0, 0]),
      "invalid-argument",
      "transpose: perm is [0, 0]; expected each of the axes 0 to 1 once, for x of shape [2, 3]",
    ],
    [
      [2, 3],
      (e, x) => e.transpose(x, [0, 1, 2]),
      "invalid-argument",
      "transpose: perm is [0, 1, 2]; expected each of the axes 0 to 1 once, for x of shape [2, 3]",
    ],
    [
      [2, 3],
      (e, x) => e.reshape(x, [5]),
      "shape-mismatch",
      "reshape: shape is [5] of 5 elements, x has 6 (shape [2, 3]); expected as many",
    ],
    [
      [2, 3],
      (e, x) => e.reshape(x, [-1, 4]),
      "shape-mismatch",
      "reshape: shape is [-1, 4], whose other sizes make 4; expected a divisor of the 6 elements of x",
    ],
    [
      [2, 3],
      (e, x) => e.reshape(x, [-1, -1]),
      "invalid-argument",
      "reshape: shape is [-1, -1]; expected up to 8 positive integers, one of which may be -1",
    ],
    [
      [2, 3],
      (e, x) => e.reshape(x, untyped(6)),
      "invalid-argument",
      "reshape: shape is 6; expected an array of up to 8 positive integers",
    ],
    [
      [2, 3],
      (e, x) => e.flatten(x, { axis: 3 }),
      "invalid-argument",
      "flatten: axis is 3; expected an integer from -2 to 1 (the tensor has 2 axes)",
    ],
    [
      [2, 5],
      (e, x) => e.batchNorm(x, untyped({ mean: five })),
      "invalid-argument",
      "batchNorm: variance is undefined; expected one number for each of the 5 channels",
    ],
    [
      [2, 3],
      (e, x) => e.batchNorm(x, { mean: five, variance: five }),
      "shape-mismatch",
      "batchNorm: mean has shape [5]; expected [3], one for each of the 3 channels",
    ],
    [
      [5],
      (e, x) => e.batchNorm(x, { mean: five, variance: five, layout: "NCHW" }),
      "shape-mismatch",
      "batchNorm: x has shape [5]; expected channels on axis 1",
    ],
    [
      [5],
      (e, x) => e.batchNorm(x, { mean: five, variance: five, epsilon: -1 }),
      "invalid-argument",
      "batchNorm: epsilon is -1; expected a number of 0 or more",
    ],
    [
      [2, 3],
      (e, x) => e.pad(x, { padding: 1 }),
      "shape-mismatch",
      "pad: x has shape [2, 3]; expected images of rank 4, or padding as [before, after] of each axis",
    ],
    [
      [2, 3],
      (e, x) => e.pad(x, { padding: [[1, 1]] }),
      "invalid-argument",
      "pad: padding is [[1, 1]]; expected [before, after] for each of the 2 axes of x",
    ],
    [
      [2],
      (e, x) => e.pad(x, { padding: [[1, -1]] }),
      "invalid-argument",
      "pad: padding[0][1] is -1; expected an integer of 0 or more",
    ],
    [
      [2],
      (e, x) => e.pad(x, { padding: [[0, 2]], mode: "reflect" }),
      "invalid-argument",
      'pad: padding is [[0, 2]]; expected less than 2 on axis 0: "reflect" has only the inside to mirror',
    ],
    [
      [2, 3],
      (e, x) => e.pad(x, { padding: [] }),
      "invalid-argument",
      "pad: padding is []; expected [before, after] for each of the 2 axes of x",
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.pad(x, untyped({ padding: "valid" })),
      "invalid-argument",
      'pad: padding is "valid"; expected numbers: there is no window that could tell how much',
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.pad(x, untyped({ padding: "same" })),
      "invalid-argument",
      'pad: padding is "same"; expected numbers: there is no window that could tell how much',
    ],
    [
      [2],
      (e, x) => e.pad(x, untyped({ padding: [[1, 1]], mode: "mirror" })),
      "invalid-argument",
      'pad: mode is "mirror"; expected "constant", "reflect", "edge" or "wrap"',
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.resize(x, untyped({})),
      "invalid-argument",
      "resize: size is undefined; expected rows and columns of the output, or a scale",
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.resize(x, untyped({ size: 2, scale: 2 })),
      "invalid-argument",
      "resize: scale is 2; expected nothing beside size: the one follows from the other",
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.resize(x, { scale: -1 }),
      "invalid-argument",
      "resize: scale is -1; expected a positive number or [scaleH, scaleW]",
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.resize(x, { scale: 0.1 }),
      "empty-output",
      "resize: scale is 0.1, which makes of 2 rows none; expected 1 to 268435456",
    ],
    [
      [1, 2, 2, 1],
      (e, x) => e.resize(x, untyped({ size: 4, mode: "lanczos" })),
      "invalid-argument",
      'resize: mode is "lanczos"; expected "nearest", "linear" or "cubic"',
    ],
  ])("%j: %s", (shape, call, code, message) => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    expectError(() => call(engine, x), untyped(code), message);
    expect(executor.ops).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import type { Shape } from "../shape.ts";
import { expectError, fakeEngine, untyped } from "../test/facade.ts";
import type { Conv2dOptions, ConvTranspose2dOptions } from "./conv.ts";

const zeros = (shape: Shape) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });

/** The output's shape and the words of one convolution. */
function conv2d(x: Shape, filter: Shape, options?: Conv2dOptions): [Shape, readonly number[]] {
  const { engine, executor } = fakeEngine();
  const y = engine.conv2d(engine.tensor(zeros(x).data, x), zeros(filter), options);
  const { op, words, outputs } = executor.lastOp;
  expect([op, outputs[0]?.length]).toEqual(["conv2d", y.size]);
  return [y.shape, words];
}

function convTranspose2d(x: Shape, filter: Shape, options?: ConvTranspose2dOptions): [Shape, readonly number[]] {
  const { engine, executor } = fakeEngine();
  const y = engine.convTranspose2d(engine.tensor(zeros(x).data, x), zeros(filter), options);
  expect(executor.lastOp.op).toBe("convTranspose2d");
  return [y.shape, executor.lastOp.words];
}

describe("conv2d", () => {
  it("writes words in the core's order", () => {
    const options = {
      stride: [2, 3],
      dilation: [1, 2],
      padding: { top: 1, left: 2, bottom: 3, right: 4 },
      groups: 2,
      activation: { type: "clamp", min: -1, max: 2 },
    } as const;
    const words = [0, 0, 2, 9, 11, 4, 6, 3, 2, 2, 3, 1, 2, 1, 2, 3, 4, 2, 3, -1, 2];
    expect(conv2d([2, 9, 11, 4], [3, 2, 2, 6], options)).toEqual([[2, 6, 5, 6], words]);
    expect(conv2d([2, 4, 9, 11], [6, 2, 3, 2], { ...options, layout: "NCHW" })).toEqual([
      [2, 6, 6, 5],
      [1, 1, ...words.slice(2)],
    ]);
  });

  it("has defaults", () => {
    expect(conv2d([1, 5, 5, 1], [3, 3, 1, 1])).toEqual([
      [1, 3, 3, 1],
      [0, 0, 1, 5, 5, 1, 1, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0],
    ]);
  });

  it("puts same padding's odd element at the end, same-lower's at the start", () => {
    expect(conv2d([1, 4, 5, 1], [2, 4, 1, 1], { padding: "same" })[1].slice(13, 17)).toEqual([0, 1, 1, 2]);
    expect(conv2d([1, 4, 5, 1], [2, 4, 1, 1], { padding: "same-lower" })[1].slice(13, 17)).toEqual([1, 2, 0, 1]);
  });

  it("takes 1-D signals as images of one row", () => {
    expect(conv2d([1, 1, 100, 2], [1, 5, 2, 8], { padding: "same", stride: [1, 2] })[0]).toEqual([1, 1, 50, 8]);
  });

  it("takes the groups of a filter that is made for some, unless told otherwise", () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(18), [1, 3, 3, 2]);
    const filter = { ...zeros([3, 3, 1, 2]), groups: 2 };
    engine.conv2d(x, filter);
    expect(executor.lastOp.words[17]).toBe(2);
    expect(() => engine.conv2d(x, filter, { groups: 1 })).toThrow(/groups: 2 makes it depthwise/);
  });

  it("passes a residual of the output's shape, in the layout of the operator", () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(zeros([1, 2, 5, 4]).data, [1, 2, 5, 4]);
    const residual = engine.tensor(zeros([1, 6, 4, 2]).data, [1, 6, 4, 2]);
    engine.conv2d(x, zeros([6, 2, 2, 3]), { layout: "NCHW", residual });
    expect(executor.lastOp.inputs.slice(2)).toEqual([0, 2]);
  });

  it("passes operands in order: 0 for no bias and no residual, and bias in any form", () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor([1], [1, 1, 1, 1]);
    const filter = engine.tensor([1], [1, 1, 1, 1]);
    const bias = engine.tensor([1]);
    engine.conv2d(x, filter);
    expect(executor.lastOp.inputs).toEqual([1, 2, 0, 0]);
    engine.conv2d(x, filter, { bias });
    expect(executor.lastOp.inputs).toEqual([1, 2, 3, 0]);
    for (const given of [[1], Float32Array.of(1), { data: [1], shape: [1] }]) {
      engine.conv2d(x, filter, { bias: given });
      expect(executor.lastOp.inputs.slice(0, 2)).toEqual([1, 2]);
      expect(executor.live.has(executor.lastOp.inputs[2] ?? 0)).toBe(false);
    }
  });

  const x: Shape = [1, 5, 5, 4];
  const filter: Shape = [3, 3, 4, 8];
  it.each<[string, Shape, Shape, unknown, string, string]>([
    [
      "rank 3",
      [5, 5, 4],
      filter,
      {},
      "shape-mismatch",
      "x has shape [5, 5, 4]; expected [n, h, w, c]; reshape(x, [1, 5, 5, 4]) adds the batch axis",
    ],
    ["rank 2", [5, 4], filter, { layout: "NCHW" }, "shape-mismatch", "x has shape [5, 4]; expected [n, c, h, w]"],
    [
      "a filter of rank 3",
      x,
      [3, 3, 4],
      {},
      "shape-mismatch",
      "filter has shape [3, 3, 4]; expected [kH, kW, inC / groups, outC]",
    ],
    [
      "a filter for other channels",
      x,
      [3, 3, 3, 8],
      {},
      "shape-mismatch",
      "filter has shape [3, 3, 3, 8] for 3 input channels, x has 4 channels in 1 group; expected [kH, kW, inC / groups, outC] with inC / groups = 4",
    ],
    [
      "a depthwise filter without groups",
      x,
      [3, 3, 1, 4],
      {},
      "shape-mismatch",
      "filter has shape [3, 3, 1, 4] for 1 input channels, x has 4 channels in 1 group; expected [kH, kW, inC / groups, outC] with inC / groups = 4; groups: 4 makes it depthwise",
    ],
    [
      "groups that do not divide the input channels",
      x,
      [3, 3, 1, 9],
      { groups: 3 },
      "invalid-argument",
      "groups is 3; expected a divisor of the 4 input channels",
    ],
    [
      "groups that do not divide the output channels",
      x,
      [3, 3, 1, 6],
      { groups: 4 },
      "invalid-argument",
      "groups is 4; expected a divisor of the 6 output channels",
    ],
    ["groups of 0", x, filter, { groups: 0 }, "invalid-argument", "groups is 0; expected a positive integer"],
    [
      "a stride of 0",
      x,
      filter,
      { stride: 0 },
      "invalid-argument",
      "stride is 0; expected a positive integer or [strideH, strideW]",
    ],
    [
      "a negative stride",
      x,
      filter,
      { stride: [1, -1] },
      "invalid-argument",
      "stride is [1, -1]; expected a positive integer or [strideH, strideW]",
    ],
    [
      "a fractional stride",
      x,
      filter,
      { stride: 1.5 },
      "invalid-argument",
      "stride is 1.5; expected a positive integer or [strideH, strideW]",
    ],
    [
      "a stride of NaN",
      x,
      filter,
      { stride: Number.NaN },
      "invalid-argument",
      "stride is NaN; expected a positive integer or [strideH, strideW]",
    ],
    [
      "a stride in words",
      x,
      filter,
      { stride: "2" },
      "invalid-argument",
      'stride is "2"; expected a positive integer or [strideH, strideW]',
    ],
    [
      "a dilation of 0",
      x,
      filter,
      { dilation: 0 },
      "invalid-argument",
      "dilation is 0; expected a positive integer or [dilationH, dilationW]",
    ],
    [
      "a bias of another length",
      x,
      filter,
      { bias: [1, 2, 3] },
      "shape-mismatch",
      "bias has shape [3]; expected [8], one for each of the 8 output channels",
    ],
    [
      "a residual of another shape",
      x,
      filter,
      { residual: zeros([1, 3, 3, 4]) },
      "shape-mismatch",
      "residual has shape [1, 3, 3, 4]; expected the output's, [1, 3, 3, 8]",
    ],
    [
      "a bias as residual",
      x,
      filter,
      { residual: zeros([8]) },
      "shape-mismatch",
      "residual has shape [8]; expected the output's, [1, 3, 3, 8]",
    ],
    ["a bias of no length", x, filter, { bias: [] }, "invalid-argument", "bias is []; expected at least one number"],
    ["a number as bias", x, filter, { bias: 1 }, "invalid-argument", "bias is 1; expected a tensor or { data, shape }"],
    [
      "an unknown activation",
      x,
      filter,
      { activation: "swash" },
      "invalid-argument",
      'activation is "swash"; expected "identity", "relu", "relu6", "clamp", "leakyRelu", "sigmoid", "tanh", "hardSigmoid", "hardSwish", "silu", "gelu", "elu", "mish", "softplus", "softsign", "selu", "celu", "thresholdedRelu" or "swish"',
    ],
    [
      "an activation's unknown parameter",
      x,
      filter,
      { activation: { type: "relu", alpha: 1 } },
      "invalid-argument",
      'activation has the unknown key "alpha"; expected no options',
    ],
    [
      "NaN as an activation's parameter",
      x,
      filter,
      { activation: { type: "elu", alpha: Number.NaN } },
      "invalid-argument",
      "alpha is NaN; expected a number",
    ],
    [
      "an unknown layout",
      x,
      filter,
      { layout: "nhwc" },
      "invalid-argument",
      'layout is "nhwc"; expected "NHWC" or "NCHW"',
    ],
    [
      "an unknown option",
      x,
      filter,
      { pad: 1 },
      "invalid-argument",
      'options has the unknown key "pad"; expected stride, padding, dilation, groups, bias, activation, layout or residual',
    ],
    [
      "options that are none",
      x,
      filter,
      2,
      "invalid-argument",
      "options is 2; expected an object with stride, padding, dilation, groups, bias, activation, layout or residual",
    ],
    [
      "a filter beyond the image",
      [1, 2, 9, 4],
      filter,
      {},
      "empty-output",
      "the output would be empty: filter covers 3 rows, the padded input has 2; use a smaller filter or more padding",
    ],
    [
      "an output beyond memory",
      x,
      filter,
      { padding: 2 ** 20 },
      "too-large",
      "the output would have shape [1, 2097155, 2097155, 8], which is 35184472752200 elements; expected at most 536870911 (2 GiB of float32, what WebAssembly can hold at a time)",
    ],
  ])("refuses %s", (_, image, weights, options, code, message) => {
    const { engine, executor } = fakeEngine();
    const input = engine.tensor(zeros(image).data, image);
    const before = executor.commands.length;
    expectError(() => engine.conv2d(input, zeros(weights), untyped(options)), untyped(code), `conv2d: ${message}`);
    expect(executor.commands.length).toBe(before);
  });

  it.each<[unknown, string]>([
    [undefined, "filter is undefined; expected a tensor or { data, shape }"],
    [new Float32Array(9), "filter is a Float32Array of 9 elements; expected a tensor or { data, shape }"],
    [
      { data: [1], shape: [1, 1, 1, 0] },
      "filter.shape is [1, 1, 1, 0]; expected an array of up to 8 positive integers",
    ],
    [{ data: 1, shape: [1, 1, 1, 1] }, "filter.data is 1; expected a Float32Array or an array of numbers"],
    [{ data: [null], shape: [1, 1, 1, 1] }, "filter.data[0] is null; expected a number"],
  ])("refuses the filter %j", (filterGiven, message) => {
    const { engine } = fakeEngine();
    const input = engine.tensor([1], [1, 1, 1, 1]);
    expectError(() => engine.conv2d(input, untyped(filterGiven)), "invalid-argument", `conv2d: ${message}`);
  });
});

describe("convTranspose2d", () => {
  it("writes words in the core's order", () => {
    const options = {
      stride: [2, 3],
      dilation: [2, 1],
      padding: { top: 1, right: 1 },
      outputPadding: [1, 2],
      groups: 2,
      activation: "gelu",
    } as const;
    const words = [0, 0, 1, 4, 5, 6, 8, 3, 2, 2, 3, 2, 1, 1, 0, 0, 1, 2, 10, 0, 0, 1, 2];
    expect(convTranspose2d([1, 4, 5, 6], [3, 2, 4, 6], options)).toEqual([[1, 11, 15, 8], words]);
    expect(convTranspose2d([1, 6, 4, 5], [6, 4, 3, 2], { ...options, layout: "NCHW" })).toEqual([
      [1, 8, 11, 15],
      [1, 1, ...words.slice(2)],
    ]);
  });

  it("gives in * stride with same padding, whatever the kernel", () => {
    for (let input = 1; input < 5; input++) {
      for (let kernel = 1; kernel < 6; kernel++) {
        for (let stride = 1; stride < 5; stride++) {
          for (const padding of ["same", "same-lower"] as const) {
            const [shape, words] = convTranspose2d([1, input, input, 1], [kernel, kernel, 1, 1], { stride, padding });
            expect(shape).toEqual([1, input * stride, input * stride, 1]);
            const [top = 0, left = 0, bottom = 0, right = 0] = words.slice(13, 17);
            const [extraH = 0, extraW = 0] = words.slice(-2);
            expect((input - 1) * stride + kernel - top - bottom + extraH).toBe(input * stride);
            expect([left, right, extraW]).toEqual([top, bottom, extraH]);
            expect(extraH).toBeLessThan(Math.max(stride, 1));
            expect(padding === "same" ? bottom - top : top - bottom).toBe((top + bottom) % 2);
          }
        }
      }
    }
  });

  const x: Shape = [1, 4, 4, 4];
  const filter: Shape = [3, 3, 2, 4];
  it.each<[string, Shape, unknown, string, string]>([
    [
      "a filter for other channels",
      [3, 3, 4, 2],
      {},
      "shape-mismatch",
      "filter has shape [3, 3, 4, 2] for 2 input channels, x has 4; expected [kH, kW, outC / groups, inC]",
    ],
    [
      "groups that do not divide",
      filter,
      { groups: 3 },
      "invalid-argument",
      "groups is 3; expected a divisor of the 4 input channels",
    ],
    [
      "too much output padding",
      filter,
      { stride: 2, outputPadding: 2 },
      "invalid-argument",
      "outputPadding is 2; expected less than 2, the larger of stride and dilation",
    ],
    [
      "output padding beside same",
      filter,
      { padding: "same", outputPadding: 0 },
      "invalid-argument",
      'outputPadding is 0; expected nothing beside padding "same", which makes out = in * stride',
    ],
    [
      "padding that cuts everything",
      filter,
      { padding: 3 },
      "empty-output",
      "the output would be empty: padding cuts 6 of 6 rows; use less padding",
    ],
    [
      "an output beyond an axis",
      filter,
      { stride: 2 ** 28 },
      "too-large",
      "the output would have 805306371 rows; expected at most 268435456",
    ],
    [
      "an output beyond memory",
      filter,
      { stride: 2 ** 15 },
      "too-large",
      "the output would have shape [1, 98307, 98307, 2], which is 19328532498 elements; expected at most 536870911 (2 GiB of float32, what WebAssembly can hold at a time)",
    ],
  ])("refuses %s", (_, weights, options, code, message) => {
    const { engine } = fakeEngine();
    const input = engine.tensor(zeros(x).data, x);
    expectError(
      () => engine.convTranspose2d(input, zeros(weights), untyped(options)),
      untyped(code),
      `convTranspose2d: ${message}`,
    );
  });
});

import { describe, expect, it } from "vitest";
import { summarise } from "./summary.ts";
import { sketch } from "./testing/sketch.ts";

describe("summarise", () => {
  it("tells what layers hold and cost, and how much of the input they see", () => {
    const summary = summarise(
      sketch(`x: [1, 3, 32, 32]
        a = Conv(x, w1: [8, 3, 3, 3], b1: [8]) pads=[1, 1, 1, 1]
        b = MaxPool(a) kernelShape=[2, 2] strides=[2, 2]
        c = Conv(b, w2: [8, 1, 5, 3]) group=8 dilations=[2, 1]
        d = Relu(c)
        e = Conv(d, w2) group=8 dilations=[1, 2] strides=[2, 1]
        f = Flatten(e)
        y = Gemm(f, w3: [160, 10], b3: [10])
        -> y`),
    );
    expect(
      summary.layers.map(({ name, op, parameters, macs, receptiveField }) => [
        name,
        op,
        parameters,
        macs,
        receptiveField,
      ]),
    ).toEqual([
      ["a", "Conv", 8 * 27 + 8, 8 * 27 * 1024, [3, 3]],
      ["b", "MaxPool", 0, 0, [4, 4]],
      // (9 - 1) * 2 more rows, (3 - 1) * 2 more columns.
      ["c", "Conv", 120, 8 * 15 * 8 * 14, [20, 8]],
      ["d", "Relu", 0, 0, [20, 8]],
      // The same weights: counted once.
      ["e", "Conv", 0, 8 * 15 * 2 * 10, [28, 16]],
      ["f", "Flatten", 0, 0, [28, 16]],
      ["y", "Gemm", 1610, 1600, [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]],
    ]);
    expect(summary.layers[2]?.outputShape).toEqual([1, 8, 8, 14]);
    expect(summary.parameters).toBe(224 + 120 + 1610);
    expect(summary.macs).toBe(221184 + 13440 + 2400 + 1600);
    expect(String(summary)).toBe(
      [
        "layer  operator  output          parameters   MACs     sees",
        "-----  --------  --------------  ----------  -----  -------",
        "a      Conv      [1, 8, 32, 32]         224   221k    3 x 3",
        "b      MaxPool   [1, 8, 16, 16]                       4 x 4",
        "c      Conv      [1, 8, 8, 14]          120  13.4k   20 x 8",
        "d      Relu      [1, 8, 8, 14]                       20 x 8",
        "e      Conv      [1, 8, 2, 10]                2.4k  28 x 16",
        "f      Flatten   [1, 160]                           28 x 16",
        "y      Gemm      [1, 10]              1,610   1.6k      all",
        "1,954 parameters, 239k multiply-adds",
      ].join("\n"),
    );
  });

  it("counts as parameters what was learned, not what stands in formulas", () => {
    const summary = summarise(
      sketch(`x: [1, 2, 4, 4]
        a = Mul(x, 2)
        b = Add(a, t: [2, 1, 1])
        c = Clip(b, 0, 6)
        d = PRelu(c, 0.25)
        y = Reshape(d, i[1, 32])
        -> y`),
    );
    expect(summary.layers.map(({ parameters }) => parameters)).toEqual([0, 2, 0, 1, 0]);
  });

  it("follows transposed convolutions, resizes and branches", () => {
    const { layers } = summarise(
      sketch(`x: [1, 2, 8, 8]
        a = Conv(x, w1: [4, 2, 3, 3]) strides=[2, 2] pads=[1, 1, 1, 1]
        b = ConvTranspose(a, w2: [4, 4, 4, 4]) strides=[2, 2] pads=[1, 1, 1, 1]
        c = Conv(x, w3: [4, 2, 1, 1])
        d = Add(b, c)
        e = Resize(a, _, _, i[1, 4, 8, 8]) mode=linear
        f = GlobalAveragePool(a)
        g = Mul(d, f)
        y = Conv(d, w4: [1, 4, 3, 3])
        -> y, e, g`),
    );
    expect(Object.fromEntries(layers.map(({ name, receptiveField }) => [name, receptiveField[0]]))).toEqual({
      a: 3,
      // Two neighbours, two elements apart.
      b: 5,
      c: 1,
      d: 5,
      e: 5,
      f: Number.POSITIVE_INFINITY,
      g: Number.POSITIVE_INFINITY,
      y: 7,
    });
  });
});

import { describe, expect, test } from "vitest";
import { LensletError } from "../../errors.ts";
import type { Graph } from "../graph.ts";
import * as layers from "./index.ts";

const { add, avgPool2d, batchNorm, concat, conv2d, dense, dropout, flatten, graph, maxPool2d, relu, sequential } =
  layers;

function ops({ nodes }: Graph): string[] {
  return nodes.map(({ op }) => op);
}

function weights({ constants }: Graph): Record<string, readonly number[]> {
  return Object.fromEntries([...constants].map(([name, { shape }]) => [name, shape]));
}

describe("sequential", () => {
  const digits = (seed: number): Graph =>
    sequential(
      [
        conv2d({ filters: 8, size: 3, padding: "same", activation: "relu" }),
        maxPool2d({ size: 2 }),
        flatten(),
        dense({ units: 10 }),
      ],
      { input: [28, 28, 1], seed },
    );

  test("makes ONNX's operators of layers, and weights of their shapes", () => {
    const net = digits(1);
    expect(ops(net)).toEqual(["Transpose", "Conv", "Relu", "MaxPool", "Transpose", "Flatten", "Gemm", "Identity"]);
    expect(weights(net)).toEqual({
      "conv2d_1.filter": [8, 1, 3, 3],
      "conv2d_1.bias": [8],
      "dense_1.weights": [14 * 14 * 8, 10],
      "dense_1.bias": [10],
    });
    expect([...net.inputs]).toEqual([["input", { type: "float32", shape: ["n", 28, 28, 1] }]]);
    expect(net.outputs).toEqual(["output"]);
  });

  test("a seed gives the same weights, another others, within He's bound", () => {
    const filter = (net: Graph): readonly number[] => [...(net.constants.get("conv2d_1.filter")?.data ?? [])];
    expect(filter(digits(1))).toEqual(filter(digits(1)));
    expect(filter(digits(1))).not.toEqual(filter(digits(2)));
    const limit = Math.sqrt(6 / 9);
    for (const weight of filter(digits(1))) expect(Math.abs(weight)).toBeLessThanOrEqual(limit);
    expect(new Set(filter(digits(1))).size).toBeGreaterThan(60);
  });

  test("known weights are put in the graph's order", () => {
    const data = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, index) => index);
    const net = sequential([conv2d({ filters: 5, size: [2, 3], weights: { filter: { data, shape: [2, 3, 4, 5] } } })], {
      input: [8, 8, 4],
    });
    const filter = net.constants.get("conv2d_1.filter");
    expect(filter?.shape).toEqual([5, 4, 2, 3]);
    const [h, w, i, o] = [1, 2, 3, 4];
    expect(filter?.data[((o * 4 + i) * 2 + h) * 3 + w]).toBe(data[((h * 3 + w) * 4 + i) * 5 + o]);
  });
});

describe("graph", () => {
  test("branches meet", () => {
    const block = graph({ image: [56, 56, 64] }, ({ image }) => {
      const y = batchNorm()(conv2d({ filters: 64, size: 3, padding: "same", bias: false })(image));
      return { features: relu()(add(image, dropout({ rate: 0.1 })(y))), both: concat([image, y]) };
    });
    expect(ops(block)).toEqual([
      "Transpose",
      "Conv",
      "BatchNormalization",
      "Dropout",
      "Add",
      "Relu",
      "Concat",
      "Transpose",
      "Transpose",
    ]);
    expect(block.outputs).toEqual(["features", "both"]);
  });

  test("names are unique, chosen or not", () => {
    const net = sequential([relu({ name: "relu_1" }), relu(), relu({ name: "last" })], { input: [4] });
    expect(net.nodes.map(({ name }) => name)).toEqual(["relu_1", "relu_2", "last", "output"]);
    expect(() => sequential([relu({ name: "a" }), relu({ name: "a" })], { input: [4] })).toThrow(/name is "a"/);
  });
});

describe("mistakes", () => {
  const cases: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    "dense on images": [
      () => sequential([dense({ units: 2 })], { input: [4, 4, 1] }),
      /dense: x has shape \[4, 4, 1\]/,
    ],
    "convolution of vectors": [
      () => sequential([conv2d({ filters: 1, size: 1 })], { input: [4] }),
      /images \[h, w, c\]/,
    ],
    "an unknown option": [() => conv2d({ filters: 1, size: 3, strides: 2 } as never), /unknown key "strides"/],
    "a momentum that is no share": [
      () => batchNorm({ momentum: 1.1 }),
      /momentum is 1.1; expected a number from 0 to 1/,
    ],
    "groups that do not divide": [() => conv2d({ filters: 3, size: 3, groups: 2 }), /divisor of the 3 filters/],
    "a window larger than the image": [
      () => sequential([avgPool2d({ size: 9 })], { input: [4, 4, 1] }),
      /the output would be empty/,
    ],
    "sums of different shapes": [
      () => graph({ a: [4], b: [5] }, ({ a, b }) => ({ sum: add(a, b) })),
      /b has shape \[5\]; expected \[4\]/,
    ],
    "a value of another network": [
      () => {
        let other: layers.Value | undefined;
        graph({ a: [4] }, ({ a }) => {
          other = a;
          return { out: a };
        });
        return graph({ b: [4] }, ({ b }) => ({ out: other === undefined ? b : add(b, other) }));
      },
      /another network/,
    ],
    "no layer": [() => sequential([{} as never], { input: [4] }), /layers\[0\]/],
    "a filter of the wrong shape": [
      () =>
        sequential([conv2d({ filters: 1, size: 3, weights: { filter: { data: [1], shape: [1, 1, 1, 1] } } })], {
          input: [4, 4, 1],
        }),
      /weights.filter has shape \[1, 1, 1, 1\].*expected \[3, 3, 1, 1\]/,
    ],
  };
  test.each(Object.entries(cases))("%s", (_, [make, message]) => {
    expect(make).toThrow(LensletError);
    expect(make).toThrow(message);
  });
});

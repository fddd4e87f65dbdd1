import { describe, expect, test } from "vitest";
import type { Constant } from "../../model/constant.ts";
import { floats, integers } from "../../model/constant.ts";
import type { Graph, Node } from "../../model/graph.ts";
import {
  activation,
  add,
  batchNorm,
  concat,
  conv2d,
  dense,
  dropout,
  flatten,
  graph,
  maxPool2d,
  resize,
  softmax,
} from "../../model/layers/index.ts";
import { importOnnx } from "../import.ts";
import { exportOnnx } from "./index.ts";

const network = graph({ image: [8, 8, 3], vector: [4] }, ({ image, vector }) => {
  const conv = conv2d({
    filters: 4,
    size: 3,
    stride: 2,
    padding: "same",
    activation: { type: "leakyRelu", alpha: 0.2 },
  });
  const features = batchNorm({ epsilon: 1e-3 })(conv(image));
  const pooled = maxPool2d({ size: 2, padding: 1 })(activation("relu6")(features));
  const head = dense({ units: 5 })(concat([flatten()(dropout({ rate: 0.25 })(pooled)), vector]));
  return { classes: softmax()(head), larger: resize({ size: [16, 9] })(add(features, features)) };
});

function numbers({ constants }: Graph): Record<string, unknown> {
  return Object.fromEntries(
    [...constants].map(([name, { type, shape, data }]) => [name, { type, shape, data: [...data] }]),
  );
}

/** One node between an input and an output. */
function single(node: Partial<Node>, constants: ReadonlyMap<string, Constant> = new Map()): Graph {
  const given = { name: "node", inputs: ["x"], outputs: ["y"], attributes: {}, ...node } as Node;
  const inputs = new Map([["x", { type: "float32", shape: [2, 3, 4] } as const]]);
  return { name: "single", inputs, outputs: ["y"], constants, nodes: [given] };
}

describe("exportOnnx", () => {
  test("what comes back is the same graph, with the same bits", () => {
    const back = importOnnx(exportOnnx(network));
    expect(back.nodes).toEqual(network.nodes);
    expect(back.inputs).toEqual(network.inputs);
    expect(back.outputs).toEqual(network.outputs);
    const { "dropout_1/ratio": ratio, ...others } = numbers(back);
    expect(others).toEqual(numbers(network));
    expect(ratio).toEqual({ type: "float32", shape: [], data: [0.25] });
  });

  test("the same graph gives the same bytes", () => {
    expect(exportOnnx(network)).toEqual(exportOnnx(network));
  });

  test.each<[string, Graph, string[]]>([
    ["Swish", single({ op: "Swish", attributes: { alpha: 1 } }), ["Sigmoid", "Mul"]],
    ["Swish of a slope", single({ op: "Swish", attributes: { alpha: 2 } }), ["Mul", "Sigmoid", "Mul"]],
    [
      "Softmax over several axes",
      single({ op: "Softmax", attributes: { axis: 1, flatten: true } }),
      ["Shape", "Flatten", "Softmax", "Reshape"],
    ],
  ])("%s is written as nodes that every runtime has", (_, before, ops) => {
    const back = importOnnx(exportOnnx(before));
    expect(back.nodes.map(({ op }) => op)).toEqual(ops);
    expect(back.outputs).toEqual(["y"]);
  });

  test("numbers of every type", () => {
    const constants = new Map<string, Constant>([
      ["f", floats(Float32Array.of(-0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45))],
      ["l", integers([-1, 2 ** 40, 9.3e18])],
      ["i", { type: "int32", shape: [1], data: Int32Array.of(-5) }],
      ["b", { type: "int8", shape: [2], data: Int8Array.of(-128, 127) }],
      ["u", { type: "uint8", shape: [2], data: Uint8Array.of(0, 255) }],
      ["t", { type: "bool", shape: [2], data: Uint8Array.of(0, 1) }],
    ]);
    const back = importOnnx(exportOnnx(single({ op: "Relu" }, constants))).constants;
    for (const [name, { type, shape, data }] of constants) {
      expect(back.get(name), name).toMatchObject({ type, shape });
      expect([...(back.get(name)?.data ?? [])], name).toEqual(name === "l" ? [-1, 2 ** 40, 2 ** 63] : [...data]);
    }
  });

  test("is read back from any address, also as a Buffer, of which slice() is a view", () => {
    const bytes = exportOnnx(network);
    for (const offset of [0, 1, 2, 3]) {
      const moved = Buffer.alloc(bytes.length + offset).subarray(offset);
      moved.set(bytes);
      expect(numbers(importOnnx(moved))).toMatchObject(numbers(network));
    }
  });

  test("what passes merged cannot be said", () => {
    const merged = single({ op: "MatMul", inputs: ["x", "x"], attributes: { activation: "relu" } });
    expect(() => exportOnnx(merged)).toThrow(/node "node" \(MatMul\) has what a pass merged into it/);
  });
});

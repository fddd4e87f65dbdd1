import type { PoolAttributes } from "../../model/attributes.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import type { Operators } from "./operator.ts";
import { checkSizes, windowOf } from "./window.ts";

/** Pools. */
export const pools: Operators = {
  MaxPool: {
    inputs: [1, 1],
    outputs: 2,
    add: addMaxPool,
  },
  AveragePool: {
    inputs: [1, 1],
    add: (node, graph) => {
      const attributes = { ...poolOf(node), countIncludePad: node.attributes.flag("count_include_pad", false) };
      graph.add({ ...node.base, op: "AveragePool", attributes });
    },
  },
  LpPool: {
    inputs: [1, 1],
    add: (node, graph) => {
      graph.add({ ...node.base, op: "LpPool", attributes: { ...poolOf(node), p: exponent(node) } });
    },
  },
  GlobalMaxPool: {
    inputs: [1, 1],
    add: (node, graph) => graph.add({ ...node.base, op: "GlobalMaxPool", attributes: {} }),
  },
  GlobalAveragePool: {
    inputs: [1, 1],
    add: (node, graph) => graph.add({ ...node.base, op: "GlobalAveragePool", attributes: {} }),
  },
  GlobalLpPool: {
    inputs: [1, 1],
    add: (node, graph) => graph.add({ ...node.base, op: "GlobalLpPool", attributes: { p: exponent(node) } }),
  },
};

function addMaxPool(node: OnnxNode, graph: GraphBuilder): void {
  const { name } = node;
  const attributes = { ...poolOf(node), storageOrder: 0 };
  const [y, indices] = node.outputs;
  if (!node.attributes.flag("storage_order", false) || indices === undefined) {
    graph.add({ ...node.base, op: "MaxPool", attributes });
    return;
  }
  // Indices that count down the columns of an image are computed from those that count along its rows.
  if (attributes.kernelShape.length !== 2) node.unsupported("storage_order 1, but for images");
  const [x] = node.inputs;
  const value = (what: string): string => graph.fresh(`${name}/${what}`);
  const [byRow, h, w, area] = [value("byRow"), value("h"), value("w"), value("area")];
  graph.add(
    { ...node.base, outputs: [y, byRow], op: "MaxPool", attributes },
    { name: h, op: "Shape", inputs: [x], outputs: [h], attributes: { start: 2, end: 3 } },
    { name: w, op: "Shape", inputs: [x], outputs: [w], attributes: { start: 3, end: 4 } },
    { name: area, op: "Mul", inputs: [h, w], outputs: [area], attributes: {} },
  );
  const compute = (
    what: string,
    op: "Add" | "Sub" | "Mul" | "Div" | "Mod",
    a: string,
    b: string,
    to = value(what),
  ): string => {
    const base = { name: to, inputs: [a, b], outputs: [to] };
    graph.add(op === "Mod" ? { ...base, op, attributes: { fmod: false } } : { ...base, op, attributes: {} });
    return to;
  };
  const inImage = compute("inImage", "Mod", byRow, area);
  const image = compute("image", "Sub", byRow, inImage);
  const row = compute("row", "Div", inImage, w);
  const column = compute("column", "Mul", compute("x", "Mod", inImage, w), h);
  compute("indices", "Add", compute("byColumn", "Add", column, row), image, indices);
}

function poolOf(node: OnnxNode): PoolAttributes {
  const { attributes } = node;
  const kernelShape = attributes.required("kernel_shape", attributes.ints("kernel_shape"));
  checkSizes(node, "kernel_shape", kernelShape, kernelShape.length, 1);
  return { ...windowOf(node, kernelShape.length), kernelShape, ceilMode: attributes.flag("ceil_mode", false) };
}

/** The p of a p-norm, a float in the first version. */
function exponent({ attributes, version }: OnnxNode): number {
  return version < 2 ? attributes.float("p", 2) : attributes.int("p", 2);
}

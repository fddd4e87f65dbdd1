import type { PoolAttributes } from "../../model/attributes.ts";
import type { OnnxNode } from "../node.ts";
import type { Operators } from "./operator.ts";
import { checkSizes, windowOf } from "./window.ts";

/** Pools. */
export const pools: Operators = {
  MaxPool: {
    inputs: [1, 1],
    outputs: 2,
    add: (node, graph) => {
      const attributes = { ...poolOf(node), storageOrder: node.attributes.int("storage_order", 0) };
      graph.add({ ...node.base, op: "MaxPool", attributes });
    },
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

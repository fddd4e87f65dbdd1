/** What runs along axes: reductions, softmax, what is largest. */
import type { ReduceAttributes } from "../../model/attributes.ts";
import type { Node } from "../../model/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import { type Operator, type Operators, oneBefore } from "./operator.ts";
import { checkSizes } from "./window.ts";

/** Reductions, and the version in which their axes became an input. */
const REDUCTIONS = [
  ["ReduceSum", 13],
  ["ReduceMean", 18],
  ["ReduceMax", 18],
  ["ReduceMin", 18],
  ["ReduceProd", 18],
  ["ReduceSumSquare", 18],
  ["ReduceL1", 18],
  ["ReduceL2", 18],
  ["ReduceLogSum", 18],
  ["ReduceLogSumExp", 18],
] as const;

type Reduction = (typeof REDUCTIONS)[number][0];

/** Operators that run along axes. */
export const alongAxes: Operators = {
  ...Object.fromEntries(REDUCTIONS.map(([op, since]): [string, Operator] => [op, reduction(op, since)])),
  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  ArgMax: argument("ArgMax"),
  ArgMin: argument("ArgMin"),
  TopK: { inputs: oneBefore(10, [2, 2]), outputs: 2, add: addTopK },
};

function reduction(op: Reduction, since: number): Operator {
  return {
    inputs: oneBefore(since, [1, 2]),
    add: (node, graph) => {
      const { attributes, name, version } = node;
      const [x] = node.inputs;
      const keepdims = attributes.flag("keepdims", true);
      const make = (inputs: Node["inputs"], shape: ReduceAttributes): Node => ({
        ...node.base,
        inputs,
        op,
        attributes: shape,
      });
      if (version >= since) {
        const noopWithEmptyAxes = attributes.flag("noop_with_empty_axes", false);
        graph.add(make(node.inputs, { keepdims, noopWithEmptyAxes }));
        return;
      }
      // No axes, no matter how they are not there, meant all.
      const axes = attributes.ints("axes") ?? [];
      const inputs = axes.length === 0 ? [x] : [x, graph.integers(`${name}/axes`, axes)];
      graph.add(make(inputs, { keepdims, noopWithEmptyAxes: false }));
    },
  };
}

function softmax(op: "Softmax" | "LogSoftmax"): Operator {
  return {
    inputs: [1, 1],
    add: (node, graph) => {
      const flatten = node.version < 13;
      const axis = node.attributes.int("axis", flatten ? 1 : -1);
      graph.add({ ...node.base, op, attributes: { axis, flatten } });
    },
  };
}

function argument(op: "ArgMax" | "ArgMin"): Operator {
  return {
    inputs: [1, 1],
    add: (node, graph) => {
      const { attributes } = node;
      const [axis, keepdims] = [attributes.int("axis", 0), attributes.flag("keepdims", true)];
      const selectLastIndex = attributes.flag("select_last_index", false);
      graph.add({ ...node.base, op, attributes: { axis, keepdims, selectLastIndex } });
    },
  };
}

/** Before version 10, k was an attribute. */
function addTopK(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, name, version } = node;
  const given = attributes.has("k") && version < 10 ? attributes.int("k", 1) : undefined;
  if (given !== undefined) checkSizes(node, "k", [given], 1, 1);
  const k = version < 10 ? graph.integers(`${name}/k`, [attributes.required("k", given)]) : node.inputs[1];
  const axis = attributes.int("axis", -1);
  const [largest, sorted] = [attributes.flag("largest", true), attributes.flag("sorted", true)];
  graph.add({ ...node.base, inputs: [node.inputs[0], k], op: "TopK", attributes: { axis, largest, sorted } });
}

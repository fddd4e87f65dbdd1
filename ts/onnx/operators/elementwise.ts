/** Functions of several elements in the same place. */
import type { Node, ValueName } from "../../model/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import { ANY, type Operator, type Operators } from "./operator.ts";
import { type PlainOp, plain, plains } from "./pointwise.ts";

/** Operators that before version 7 broadcast only if told to, and from which axis of the first operand. */
const BINARY = [
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Equal",
  "Less",
  "Greater",
  "And",
  "Or",
  "Xor",
] as const satisfies PlainOp[];

/** Functions of several elements in the same place. */
export const elementwise: Operators = {
  ...Object.fromEntries(
    BINARY.map((op): [string, Operator] => [op, { inputs: [2, 2], add: (node, graph) => addBinary(op, node, graph) }]),
  ),
  ...plains(["LessOrEqual", "GreaterOrEqual"], [2, 2]),
  ...plains(["Min", "Max", "Sum", "Mean"], [1, ANY]),
  Where: plain("Where", [3, 3]),
  Mod: {
    inputs: [2, 2],
    add: (node, graph) => {
      graph.add({ ...node.base, op: "Mod", attributes: { fmod: node.attributes.flag("fmod", false) } });
    },
  },
};

function addBinary(op: (typeof BINARY)[number], node: OnnxNode, graph: GraphBuilder): void {
  const inputs = [node.inputs[0], node.version < 7 ? alignedOperand(node, graph) : node.inputs[1]];
  graph.add({ ...node.base, inputs, op, attributes: {} } as Node<PlainOp>);
}

/** The second operand, with axes of size 1 behind its own where the first has axes behind those that it is to meet. */
function alignedOperand(node: OnnxNode, graph: GraphBuilder): ValueName | undefined {
  const { attributes, name } = node;
  const [a, b] = node.inputs;
  if (node.version < 6) attributes.ignore("consumed_inputs");
  // Without broadcasting both shapes are the same, and so is the result with it.
  attributes.ignore("broadcast");
  if (!attributes.has("axis")) return b;
  const axis = attributes.int("axis", 0);
  const [rankA, rankB] = [graph.rank(a), graph.rank(b)];
  if (rankA === undefined || rankB === undefined) {
    node.unsupported("axis, for operands of unknown rank");
    return b;
  }
  const trailing = rankA - (axis < 0 ? axis + rankA : axis) - rankB;
  if (trailing <= 0) return b;
  const axes = graph.integers(
    `${name}/axes`,
    Array.from({ length: Math.min(trailing, 16) }, (_, i) => rankB + i),
  );
  const aligned = graph.fresh(`${name}/b`);
  graph.add({ name: aligned, op: "Unsqueeze", inputs: [b, axes], outputs: [aligned], attributes: {} });
  return aligned;
}

/** Functions of one element. */
import type { Attributes, None, OpType } from "../../model/attributes.ts";
import type { Node } from "../../model/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import { type Operator, type Operators, oneBefore } from "./operator.ts";

/** Operators without attributes. */
export type PlainOp = {
  [K in OpType]: Attributes[K] extends None ? (None extends Attributes[K] ? K : never) : never;
}[OpType];

/** An operator that is the same in a graph, without attributes; the first versions told which inputs it overwrites. */
export function plain(op: PlainOp, inputs: readonly [number, number]): Operator {
  return {
    inputs,
    add: (node, graph) => {
      if (node.version < 6) node.attributes.ignore("consumed_inputs");
      // Of all these operators the node is the same but for the name.
      graph.add({ ...node.base, op, attributes: {} } as Node<PlainOp>);
    },
  };
}

/** Several of them, by name. */
export function plains(ops: readonly PlainOp[], inputs: readonly [number, number]): Operators {
  return Object.fromEntries(ops.map((op) => [op, plain(op, inputs)]));
}

/** An operator of one input with the attribute alpha. */
function withAlpha(op: "LeakyRelu" | "ThresholdedRelu" | "Elu" | "Celu" | "Swish", fallback: number): Operator {
  return {
    inputs: [1, 1],
    add: (node, graph) => {
      if (node.version < 6) node.attributes.ignore("consumed_inputs");
      graph.add({ ...node.base, op, attributes: { alpha: node.attributes.float("alpha", fallback) } });
    },
  };
}

const UNARY = [
  ...["Relu", "Sigmoid", "HardSwish", "Tanh", "Mish", "Softplus", "Softsign", "Erf", "Exp", "Log", "Sqrt"],
  ...["Reciprocal", "Abs", "Neg", "Floor", "Ceil", "Round", "Sign", "Not", "Sin", "Cos"],
] as readonly PlainOp[];

/** Functions of one element. */
export const pointwise: Operators = {
  ...plains(UNARY, [1, 1]),
  LeakyRelu: withAlpha("LeakyRelu", 0.01),
  ThresholdedRelu: withAlpha("ThresholdedRelu", 1),
  Elu: withAlpha("Elu", 1),
  Celu: withAlpha("Celu", 1),
  Swish: withAlpha("Swish", 1),
  Selu: {
    inputs: [1, 1],
    add: (node, graph) => {
      const { attributes, version } = node;
      if (version < 6) attributes.ignore("consumed_inputs");
      const alpha = attributes.float("alpha", version < 6 ? 1.6732 : 1.6732632);
      const gamma = attributes.float("gamma", version < 6 ? 1.0507 : 1.050701);
      graph.add({ ...node.base, op: "Selu", attributes: { alpha, gamma } });
    },
  },
  HardSigmoid: {
    inputs: [1, 1],
    add: (node, graph) => {
      const { attributes, version } = node;
      if (version < 6) attributes.ignore("consumed_inputs");
      const [alpha, beta] = [attributes.float("alpha", 0.2), attributes.float("beta", 0.5)];
      graph.add({ ...node.base, op: "HardSigmoid", attributes: { alpha, beta } });
    },
  },
  Gelu: {
    inputs: [1, 1],
    add: (node, graph) => {
      const approximate = node.attributes.oneOf("approximate", ["none", "tanh"]);
      graph.add({ ...node.base, op: "Gelu", attributes: { approximate } });
    },
  },
  Clip: { inputs: oneBefore(11, [1, 3]), add: addClip },
  PRelu: { inputs: [2, 2], add: addPRelu },
  Dropout: { inputs: oneBefore(12, [1, 3]), outputs: 2, add: addDropout },
};

/** Before version 11 the limits were attributes. */
function addClip(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, name, version } = node;
  if (version < 6) attributes.ignore("consumed_inputs");
  const limit = (key: string): string | undefined =>
    attributes.has(key) ? graph.scalar(`${name}/${key}`, attributes.float(key, 0)) : undefined;
  const inputs = version < 11 ? [node.inputs[0], limit("min"), limit("max")] : node.inputs;
  graph.add({ ...node.base, inputs, op: "Clip", attributes: {} });
}

/** Before version 7 the slopes were those of the channels, since then they broadcast from the last axis. */
function addPRelu(node: OnnxNode, graph: GraphBuilder): void {
  if (node.version < 6) node.attributes.ignore("consumed_inputs");
  const [x, slope] = node.inputs;
  const inner = (graph.rank(x) ?? 4) - 2;
  if (node.version >= 7 || graph.rank(slope) !== 1 || graph.constantOf(slope)?.data.length === 1 || inner < 1) {
    graph.add({ ...node.base, op: "PRelu", attributes: {} });
    return;
  }
  const axes = graph.integers(
    `${node.name}/axes`,
    Array.from({ length: Math.min(inner, 16) }, (_, i) => i + 1),
  );
  const column = graph.fresh(`${node.name}/slope`);
  graph.add(
    { name: column, op: "Unsqueeze", inputs: [slope, axes], outputs: [column], attributes: {} },
    { ...node.base, inputs: [x, column], op: "PRelu", attributes: {} },
  );
}

/** Inference drops nothing; a mask that somebody wants is all true. */
function addDropout(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, name, version } = node;
  const [x, ratio, training] = node.inputs;
  attributes.ignore("seed");
  if (version < 6) attributes.ignore("consumed_inputs");
  if (version < 7 && !attributes.flag("is_test", false)) node.unsupported("is_test 0: training");
  if (training !== undefined) {
    const mode = graph.constantOf(training);
    if (mode === undefined || mode.data[0] !== 0) node.unsupported("training_mode other than the constant false");
  }
  const constant = graph.constantOf(ratio)?.data[0];
  const [y, mask] = node.outputs;
  const attribute = version < 12 ? attributes.float("ratio", 0.5) : (constant ?? 0.5);
  graph.add({ name, inputs: [x], outputs: [y], op: "Dropout", attributes: { ratio: attribute } });
  if (mask === undefined) return;
  const [shape, type] = [graph.fresh(`${name}/shape`), version < 10 ? ("float32" as const) : ("bool" as const)];
  graph.add(
    { name: shape, op: "Shape", inputs: [x], outputs: [shape], attributes: { start: 0, end: undefined } },
    { name: `${name}/mask`, op: "ConstantOfShape", inputs: [shape], outputs: [mask], attributes: { value: 1, type } },
  );
}

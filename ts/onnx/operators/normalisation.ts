import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import type { Operators } from "./operator.ts";
import { checkSizes } from "./window.ts";

const EPSILON = 1e-5;

/** Normalisations, as inference has them, and what training has to know. */
export const normalisations: Operators = {
  BatchNormalization: {
    inputs: [5, 5],
    add: (node, graph) => {
      const { attributes, version } = node;
      if (version < 6) attributes.ignore("consumed_inputs");
      if (version < 7 && !attributes.flag("is_test", false)) node.unsupported("is_test 0: training");
      if (version < 9 && !attributes.flag("spatial", true)) node.unsupported("spatial 0");
      if (version >= 14 && attributes.flag("training_mode", false)) node.unsupported("training_mode 1");
      graph.add({
        ...node.base,
        op: "BatchNormalization",
        attributes: { epsilon: attributes.float("epsilon", EPSILON), momentum: attributes.float("momentum", 0.9) },
      });
    },
  },
  InstanceNormalization: {
    inputs: [3, 3],
    add: (node, graph) => {
      if (node.version < 6) node.attributes.ignore("consumed_inputs");
      const epsilon = node.attributes.float("epsilon", EPSILON);
      graph.add({ ...node.base, op: "InstanceNormalization", attributes: { epsilon } });
    },
  },
  LayerNormalization: { inputs: [2, 3], outputs: 3, add: addLayerNormalization },
  GroupNormalization: { inputs: [3, 3], add: addGroupNormalization },
  LRN: {
    inputs: [1, 1],
    add: (node, graph) => {
      const { attributes } = node;
      const size = attributes.required("size", attributes.has("size") ? attributes.int("size", 1) : undefined);
      checkSizes(node, "size", [size], 1, 1);
      const [alpha, beta, bias] = [
        attributes.float("alpha", 1e-4),
        attributes.float("beta", 0.75),
        attributes.float("bias", 1),
      ];
      graph.add({ ...node.base, op: "LRN", attributes: { alpha, beta, bias, size } });
    },
  },
};

function addLayerNormalization(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, name } = node;
  // In which precision the statistics are computed: here there is one.
  attributes.ignore("stash_type");
  const [axis, epsilon] = [attributes.int("axis", -1), attributes.float("epsilon", EPSILON)];
  const [x] = node.inputs;
  const [y, mean, invStdDev] = node.outputs;
  graph.add({ ...node.base, outputs: [y], op: "LayerNormalization", attributes: { axis, epsilon } });
  if (mean === undefined && invStdDev === undefined) return;

  // Statistics that somebody wants to see are computed once more, by themselves.
  const rank = axis < 0 ? 0 : graph.rank(x);
  if (rank === undefined) {
    node.unsupported("statistics as outputs, of an input of unknown rank");
    return;
  }
  const count = Math.min(rank - axis, 16);
  const axes = graph.integers(
    `${name}/axes`,
    Array.from({ length: count }, (_, i) => axis + i),
  );
  const value = (part: string): string => graph.fresh(`${name}/${part}`);
  const [average, off, variance, raised, deviation] = [
    mean ?? value("mean"),
    value("off"),
    value("variance"),
    value("raised"),
    value("deviation"),
  ];
  const reduced = { keepdims: true, noopWithEmptyAxes: false };
  const [square, sum] = [value("square"), graph.scalar(`${name}/epsilon`, epsilon)];
  graph.add(
    { name: `${name}/mean`, op: "ReduceMean", inputs: [x, axes], outputs: [average], attributes: reduced },
    { name: `${name}/off`, op: "Sub", inputs: [x, average], outputs: [off], attributes: {} },
    { name: `${name}/square`, op: "Mul", inputs: [off, off], outputs: [square], attributes: {} },
    { name: `${name}/variance`, op: "ReduceMean", inputs: [square, axes], outputs: [variance], attributes: reduced },
    { name: `${name}/raised`, op: "Add", inputs: [variance, sum], outputs: [raised], attributes: {} },
    { name: `${name}/deviation`, op: "Sqrt", inputs: [raised], outputs: [deviation], attributes: {} },
    {
      name: `${name}/invStdDev`,
      op: "Reciprocal",
      inputs: [deviation],
      outputs: [invStdDev ?? value("invStdDev")],
      attributes: {},
    },
  );
}

function addGroupNormalization(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, name, version } = node;
  attributes.ignore("stash_type");
  const numGroups = attributes.required(
    "num_groups",
    attributes.has("num_groups") ? attributes.int("num_groups", 1) : undefined,
  );
  checkSizes(node, "num_groups", [numGroups], 1, 1);
  const epsilon = attributes.float("epsilon", EPSILON);
  const [x, scale, bias] = node.inputs;
  // Before version 21 there was a scale and a bias a group, since then a channel: each is repeated for its channels.
  const perChannel = (what: string, values: string | undefined): string => {
    const value = (part: string): string => graph.fresh(`${name}/${what}/${part}`);
    const [channels, inGroup, sizes, column, table, flat] = [
      value("c"),
      value("inGroup"),
      value("sizes"),
      value("column"),
      value("table"),
      value("flat"),
    ];
    const groups = graph.integers(`${name}/${what}/groups`, [numGroups]);
    const [one, all] = [graph.integers(`${name}/${what}/axis`, [1]), graph.integers(`${name}/${what}/all`, [-1])];
    graph.add(
      { name: channels, op: "Shape", inputs: [x], outputs: [channels], attributes: { start: 1, end: 2 } },
      { name: inGroup, op: "Div", inputs: [channels, groups], outputs: [inGroup], attributes: {} },
      { name: sizes, op: "Concat", inputs: [groups, inGroup], outputs: [sizes], attributes: { axis: 0 } },
      { name: column, op: "Unsqueeze", inputs: [values, one], outputs: [column], attributes: {} },
      { name: table, op: "Expand", inputs: [column, sizes], outputs: [table], attributes: {} },
      { name: flat, op: "Reshape", inputs: [table, all], outputs: [flat], attributes: { allowzero: false } },
    );
    return flat;
  };
  const inputs = version < 21 ? [x, perChannel("scale", scale), perChannel("bias", bias)] : node.inputs;
  graph.add({ ...node.base, inputs, op: "GroupNormalization", attributes: { epsilon, numGroups } });
}

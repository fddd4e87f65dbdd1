/** What moves elements and computes none. */
import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import { ANY, type Operators, oneBefore } from "./operator.ts";
import { plain } from "./pointwise.ts";
import { checkSizes } from "./window.ts";

const PAD_MODES = ["constant", "reflect", "edge", "wrap"] as const;

/** What moves elements and computes none. */
export const arrangement: Operators = {
  Identity: plain("Identity", [1, 1]),
  Expand: plain("Expand", [2, 2]),
  Concat: {
    inputs: [1, ANY],
    add: (node, graph) => {
      const { attributes, version } = node;
      const given = attributes.has("axis") ? attributes.int("axis", 1) : undefined;
      const axis = version < 4 ? (given ?? 1) : attributes.required("axis", given);
      graph.add({ ...node.base, op: "Concat", attributes: { axis } });
    },
  },
  Split: { inputs: (version) => (version === 1 || version >= 13 ? [1, 2] : [1, 1]), outputs: ANY, add: addSplit },
  Slice: { inputs: oneBefore(10, [3, 5]), add: addSlice },
  Pad: { inputs: oneBefore(11, [2, 4]), add: addPad },
  Reshape: {
    inputs: oneBefore(5, [2, 2]),
    add: (node, graph) => {
      const { attributes, name, version } = node;
      if (version < 5) attributes.ignore("consumed_inputs");
      const [x, second] = node.inputs;
      const sizes = version < 5 ? attributes.required("shape", attributes.ints("shape")) : undefined;
      const shape = sizes === undefined ? required(node, "shape", second) : graph.integers(`${name}/shape`, sizes);
      const allowzero = attributes.flag("allowzero", false);
      graph.add({ ...node.base, inputs: [x, shape], op: "Reshape", attributes: { allowzero } });
    },
  },
  Flatten: {
    inputs: [1, 1],
    add: (node, graph) =>
      graph.add({ ...node.base, op: "Flatten", attributes: { axis: node.attributes.int("axis", 1) } }),
  },
  Squeeze: {
    inputs: oneBefore(13, [1, 2]),
    add: (node, graph) => {
      const axes = node.version < 13 ? attributeAsInput(node, graph, "axes") : node.inputs[1];
      graph.add({ ...node.base, inputs: [node.inputs[0], axes], op: "Squeeze", attributes: {} });
    },
  },
  Unsqueeze: {
    inputs: oneBefore(13, [2, 2]),
    add: (node, graph) => {
      const axes = node.version < 13 ? attributeAsInput(node, graph, "axes") : node.inputs[1];
      graph.add({
        ...node.base,
        inputs: [node.inputs[0], required(node, "axes", axes)],
        op: "Unsqueeze",
        attributes: {},
      });
    },
  },
  Transpose: {
    inputs: [1, 1],
    add: (node, graph) =>
      graph.add({ ...node.base, op: "Transpose", attributes: { perm: node.attributes.ints("perm") ?? [] } }),
  },
  Tile: {
    inputs: (version) => (version < 6 ? [3, 3] : [2, 2]),
    add: (node, graph) => {
      // One axis at a time.
      if (node.version < 6) node.unsupported("the inputs that it had before opset 6");
      graph.add({ ...node.base, op: "Tile", attributes: {} });
    },
  },
  Gather: {
    inputs: [2, 2],
    add: (node, graph) =>
      graph.add({ ...node.base, op: "Gather", attributes: { axis: node.attributes.int("axis", 0) } }),
  },
  DepthToSpace: {
    inputs: [1, 1],
    add: (node, graph) => {
      const mode = node.attributes.oneOf("mode", ["DCR", "CRD"]);
      graph.add({ ...node.base, op: "DepthToSpace", attributes: { blocksize: blocksize(node), mode } });
    },
  },
  SpaceToDepth: {
    inputs: [1, 1],
    add: (node, graph) => {
      node.attributes.oneOf("mode", ["DCR"]);
      graph.add({ ...node.base, op: "SpaceToDepth", attributes: { blocksize: blocksize(node) } });
    },
  },
};

/** An attribute that became an input, as a constant of its own. */
function attributeAsInput(node: OnnxNode, graph: GraphBuilder, name: string): string | undefined {
  const values = node.attributes.ints(name);
  return values === undefined ? undefined : graph.integers(`${node.name}/${name}`, values);
}

/** An input that only some versions have, and those must. */
function required(node: OnnxNode, name: string, input: string | undefined): string {
  return node.attributes.required(name, input);
}

function blocksize(node: OnnxNode): number {
  const { attributes } = node;
  const size = attributes.required(
    "blocksize",
    attributes.has("blocksize") ? attributes.int("blocksize", 1) : undefined,
  );
  checkSizes(node, "blocksize", [size], 1, 1);
  return size;
}

function addSplit(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, version } = node;
  const [x, second] = node.inputs;
  const sizes = version < 13 && second === undefined ? attributeAsInput(node, graph, "split") : second;
  // As many parts as there are outputs, which the file counts a second time.
  const parts = version < 18 ? node.outputs.length : attributes.int("num_outputs", node.outputs.length);
  if (parts !== node.outputs.length) node.unsupported("num_outputs other than how many outputs there are");
  graph.add({ ...node.base, inputs: [x, sizes], op: "Split", attributes: { axis: attributes.int("axis", 0) } });
}

/** Before version 10 all but the data were attributes. */
function addSlice(node: OnnxNode, graph: GraphBuilder): void {
  let { inputs } = node;
  if (node.version < 10) {
    const axes = attributeAsInput(node, graph, "axes");
    const [starts, ends] = [attributeAsInput(node, graph, "starts"), attributeAsInput(node, graph, "ends")];
    inputs = [inputs[0], starts, ends, axes];
  }
  const [x, starts, ends, ...rest] = inputs;
  const range = [required(node, "starts", starts), required(node, "ends", ends)];
  graph.add({ ...node.base, inputs: [x, ...range, ...rest], op: "Slice", attributes: {} });
}

/** Before version 11 all but the data were attributes. */
function addPad(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, name, version } = node;
  let { inputs } = node;
  if (version < 11) {
    const pads = attributeAsInput(node, graph, version < 2 ? "paddings" : "pads");
    inputs = [inputs[0], pads, graph.scalar(`${name}/value`, attributes.float("value", 0))];
  }
  const mode = attributes.oneOf("mode", PAD_MODES);
  const [x, pads, ...rest] = inputs;
  graph.add({ ...node.base, inputs: [x, required(node, "pads", pads), ...rest], op: "Pad", attributes: { mode } });
}

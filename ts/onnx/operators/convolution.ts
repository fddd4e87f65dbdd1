import type { GraphBuilder } from "../builder.ts";
import { malformed } from "../malformed.ts";
import type { OnnxNode } from "../node.ts";
import type { Operators } from "./operator.ts";
import { checkSizes, windowOf } from "./window.ts";

/** Convolutions. */
export const convolutions: Operators = {
  Conv: {
    inputs: [2, 3],
    add: (node, graph) => {
      const axes = kernelAxes(node, graph);
      const attributes = { ...windowOf(node, axes), group: group(node) };
      graph.add({ ...node.base, op: "Conv", attributes });
    },
  },
  ConvTranspose: {
    inputs: [2, 3],
    add: (node, graph) => {
      const axes = kernelAxes(node, graph);
      const window = windowOf(node, axes);
      const outputPadding = node.attributes.ints("output_padding") ?? window.strides.map(() => 0);
      const outputShape = node.attributes.ints("output_shape") ?? [];
      checkSizes(node, "output_padding", outputPadding, window.strides.length, 0);
      if (outputShape.length > 0) checkSizes(node, "output_shape", outputShape, window.strides.length, 1);
      const attributes = { ...window, group: group(node), outputPadding, outputShape };
      graph.add({ ...node.base, op: "ConvTranspose", attributes });
    },
  },
};

/** How many axes the kernel has. Its shape is also an attribute, which must not say otherwise than the weights do. */
function kernelAxes(node: OnnxNode, graph: GraphBuilder): number | undefined {
  const [x, w] = node.inputs;
  const said = node.attributes.ints("kernel_shape");
  const is = graph.constantOf(w)?.shape.slice(2);
  if (said !== undefined) checkSizes(node, "kernel_shape", said, said.length, 1);
  if (said !== undefined && is !== undefined && said.join() !== is.join()) {
    throw malformed(`${node.describe()} has kernel_shape [${said.join(", ")}], its weights are for [${is.join(", ")}]`);
  }
  const rank = graph.rank(w) ?? graph.rank(x);
  return said?.length ?? (rank === undefined ? undefined : Math.max(rank - 2, 0));
}

function group(node: OnnxNode): number {
  const group = node.attributes.int("group", 1);
  checkSizes(node, "group", [group], 1, 1);
  return group;
}

/** What follows a layer and costs nothing as part of it: a residual, an activation. */
import { activationOf, composeActivations } from "../activations.ts";
import type { KnownGraph, Node } from "../graph.ts";
import { isOp, Rewrite } from "./rewrite.ts";

/** Lets a Conv add the other operand of an Add of the same shape behind it: the shortcut of a residual block. */
export function fuseResidual(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    if (!isOp(node, "Add")) continue;
    const [a, b] = node.inputs;
    if (a === undefined || b === undefined) continue;
    if (rewrite.info(a).shape.join() !== rewrite.info(b).shape.join()) continue;
    // Of two convolutions the later: the earlier one's result is there when it needs it.
    const [first, second] = [convForResidual(rewrite, a, node), convForResidual(rewrite, b, node)];
    const conv = first === undefined || (second !== undefined && rewrite.isBefore(first, second)) ? second : first;
    if (conv === undefined) continue;
    const [x, w, bias] = conv.inputs;
    const inputs = [x, w, bias, conv === first ? b : a];
    rewrite.merge([conv, node], { ...conv, inputs, outputs: node.outputs });
  }
  return rewrite.finish();
}

function convForResidual(rewrite: Rewrite, value: string, add: Node): Node<"Conv"> | undefined {
  const conv = rewrite.madeBy("Conv", value);
  if (conv === undefined || rewrite.onlyUser(value) !== add || conv.inputs[3] !== undefined) return undefined;
  return (conv.attributes.activation ?? "identity") === "identity" ? conv : undefined;
}

/** Merges activations into the Conv, ConvTranspose, Gemm or MatMul before them, and clamps that follow one another. */
export function fuseActivation(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    const [value] = node.inputs;
    const activation = activationOf(node, (name) => rewrite.constant(name));
    const layer = rewrite.producer(value);
    if (activation === undefined || layer === undefined || value === undefined) continue;
    if (!isOp(layer, "Conv") && !isOp(layer, "ConvTranspose") && !isOp(layer, "Gemm") && !isOp(layer, "MatMul"))
      continue;
    if (rewrite.onlyUser(value) !== node) continue;
    const both = composeActivations(activation, layer.attributes.activation);
    if (both === undefined) continue;
    const attributes = { ...layer.attributes, activation: both };
    rewrite.merge([layer, node], { ...layer, outputs: node.outputs, attributes } as Node);
  }
  return rewrite.finish();
}

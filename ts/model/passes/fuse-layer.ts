/** What follows a layer and costs nothing as part of it: a residual, an activation. */
import type { Activation } from "../../ops/activation.ts";
import { activationOf, composeActivations, scaleHardSwish } from "../activations.ts";
import type { KnownGraph, Node, ValueName } from "../graph.ts";
import { affineOf, isMergeable } from "./affine.ts";
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

/**
 * Merges activations into the Conv, ConvTranspose, Gemm or MatMul before them, clamps that follow one another, and what
 * multiplies all channels of a hard swish by one number and adds another (PP-LCNet's learnable affine blocks); those for
 * which `mayFuse` says so.
 */
export function fuseActivation(
  graph: KnownGraph,
  mayFuse: (node: Node, activation: Activation) => boolean = () => true,
): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    const found = follower(rewrite, node);
    const layer = rewrite.producer(found?.x);
    if (found === undefined || layer === undefined) continue;
    if (!isOp(layer, "Conv") && !isOp(layer, "ConvTranspose") && !isOp(layer, "Gemm") && !isOp(layer, "MatMul"))
      continue;
    if (rewrite.onlyUser(found.x) !== node) continue;
    const both = found.behind(layer.attributes.activation);
    if (both === undefined || !mayFuse(node, both)) continue;
    const attributes = { ...layer.attributes, activation: both };
    rewrite.merge([layer, node], { ...layer, outputs: node.outputs, attributes } as Node);
  }
  return rewrite.finish();
}

/** A function of single elements of `x`. */
interface Follower {
  readonly x: ValueName;
  /** One activation for this function behind another, if there is one. */
  readonly behind: (inner: Activation | undefined) => Activation | undefined;
}

function follower(rewrite: Rewrite, node: Node): Follower | undefined {
  const [x] = node.inputs;
  const activation = activationOf(node, (name) => rewrite.constant(name));
  if (activation !== undefined) {
    return x === undefined ? undefined : { x, behind: (inner) => composeActivations(activation, inner) };
  }
  const found = affineOf(rewrite, node, 1);
  if (found === undefined || !isMergeable(found.affine)) return undefined;
  const { scale, shift } = found.affine;
  const [factor, term] = [only(scale), only(shift)];
  if (factor === undefined || term === undefined) return undefined;
  return { x: found.x, behind: (inner) => scaleHardSwish(inner, factor, term) };
}

/** The number that all of `values` are. */
function only(values: Float64Array): number | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}

/** Pads merged into the windows behind them. */
import { activationOf, isNonNegative } from "../activations.ts";
import type { KnownGraph, Node, ValueName } from "../graph.ts";
import { padsWithZero } from "./fold-affine.ts";
import { isOp, Rewrite } from "./rewrite.ts";

/**
 * Lets a Conv, AveragePool or MaxPool add the elements that a Pad adds before it. Exact: an average must count them, and
 * a maximum ignores them, so that they must be minus infinity, or zeros beside numbers none of which is negative.
 */
export function fusePad(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    const pad = rewrite.madeBy("Pad", node.inputs[0]);
    if (pad === undefined || (node.op !== "Conv" && node.op !== "AveragePool" && node.op !== "MaxPool")) continue;
    const next = padded(rewrite, node, pad);
    if (next === undefined) continue;
    rewrite.replace(node, next);
    const [value] = pad.outputs;
    if (value !== undefined && rewrite.isPrivate(value, [])) rewrite.remove(pad);
  }
  return rewrite.finish();
}

function padded(
  rewrite: Rewrite,
  node: Node<"Conv"> | Node<"AveragePool"> | Node<"MaxPool">,
  pad: Node<"Pad">,
): Node | undefined {
  const added = windowPads(rewrite, pad);
  if (added === undefined) return undefined;
  const own = node.attributes.pads;
  const pads = added.map((size, i) => size + (own[i] ?? 0));
  const inputs = [pad.inputs[0], ...node.inputs.slice(1)];
  if (isOp(node, "Conv")) {
    if (!padsWithZero(rewrite, pad)) return undefined;
    return { ...node, inputs, attributes: { ...node.attributes, pads } };
  }
  const { kernelShape, dilations } = node.attributes;
  const covers = kernelShape.map((size, i) => (dilations[i] ?? 1) * (size - 1) + 1);
  // A window of padding alone has no maximum, and no mean that leaves the padding out.
  if (pads.some((size, i) => size >= (covers[i % covers.length] ?? 1))) return undefined;
  if (isOp(node, "AveragePool")) {
    const counted = node.attributes.countIncludePad || own.every((size) => size === 0);
    if (!counted || node.attributes.ceilMode || !padsWithZero(rewrite, pad)) return undefined;
    return { ...node, inputs, attributes: { ...node.attributes, pads, countIncludePad: true } };
  }
  // Indices count elements of the padded image.
  if (node.outputs[1] !== undefined || !isOp(node, "MaxPool")) return undefined;
  const lowest = pad.attributes.mode === "constant" && rewrite.constant(pad.inputs[2])?.data[0] === -Infinity;
  if (!lowest && !(padsWithZero(rewrite, pad) && isNeverNegative(rewrite, pad.inputs[0]))) return undefined;
  return { ...node, inputs, attributes: { ...node.attributes, pads } };
}

/** What a Pad adds along the axes behind batch and channels, all begins, then all ends; undefined if it touches others. */
function windowPads(rewrite: Rewrite, pad: Node<"Pad">): readonly number[] | undefined {
  const sizes = padSizes(rewrite, pad);
  if (sizes === undefined || pad.attributes.mode !== "constant") return undefined;
  const rank = sizes.length / 2;
  const touchesOthers = [0, 1, rank, rank + 1].some((i) => sizes[i] !== 0);
  if (touchesOthers || sizes.some((size) => size < 0)) return undefined;
  return [...sizes.slice(2, rank), ...sizes.slice(rank + 2)];
}

/** What a Pad adds before each axis, then behind each; undefined if that is not known beforehand. */
export function padSizes(rewrite: Rewrite, pad: Node<"Pad">): readonly number[] | undefined {
  const [x, amounts, , axes] = pad.inputs;
  const rank = rewrite.info(x).shape.length;
  const given = rewrite.constant(amounts)?.data;
  if (given === undefined) return undefined;
  const order = axes === undefined ? Array.from({ length: rank }, (_, i) => i) : rewrite.constant(axes)?.data;
  if (order === undefined) return undefined;
  const sizes = new Array<number>(2 * rank).fill(0);
  for (let i = 0; i < order.length; i++) {
    const axis = order[i] ?? 0;
    const at = axis < 0 ? axis + rank : axis;
    sizes[at] = given[i] ?? 0;
    sizes[at + rank] = given[i + order.length] ?? 0;
  }
  return sizes;
}

/** Whether a value is known to have no negative element. */
function isNeverNegative(rewrite: Rewrite, value: ValueName | undefined): boolean {
  const node = rewrite.producer(value);
  if (node === undefined) return false;
  const merged = "activation" in node.attributes ? node.attributes.activation : undefined;
  if (merged !== undefined) return isNonNegative(merged);
  if (node.op === "MaxPool" || node.op === "AveragePool") return isNeverNegative(rewrite, node.inputs[0]);
  const activation = activationOf(node, (name) => rewrite.constant(name));
  return activation !== undefined && isNonNegative(activation);
}

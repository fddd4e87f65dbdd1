/** Shortcuts of blocks that widen. */
import type { KnownGraph, ValueName } from "../graph.ts";
import { padsWithZero } from "./fold-affine.ts";
import { padSizes } from "./fuse-pad.ts";
import { isOp, Rewrite } from "./rewrite.ts";

/**
 * Lets a Conv add a residual of fewer channels than it has, where a Concat or a Pad puts zeros behind them: BlazeFace's
 * shortcuts, and those of the first residual networks.
 */
export function narrowResidual(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    if (!isOp(node, "Conv")) continue;
    const [x, w, bias, residual] = node.inputs;
    const narrow = withoutZeros(rewrite, residual);
    if (narrow !== undefined) rewrite.replace(node, { ...node, inputs: [x, w, bias, narrow] });
  }
  return rewrite.finish();
}

/** The value of which `value` is the first channels, zeros the others. */
function withoutZeros(rewrite: Rewrite, value: ValueName | undefined): ValueName | undefined {
  const node = rewrite.producer(value);
  const [x, ...others] = node?.inputs ?? [];
  if (node === undefined || x === undefined) return undefined;
  if (isOp(node, "Concat")) {
    const { axis } = node.attributes;
    const isChannels = axis === 1 || axis === 1 - rewrite.info(x).shape.length;
    return isChannels && others.every((other) => isZero(rewrite, other)) ? x : undefined;
  }
  if (!isOp(node, "Pad") || !padsWithZero(rewrite, node)) return undefined;
  const sizes = padSizes(rewrite, node);
  const behindChannels = (sizes?.length ?? 0) / 2 + 1;
  return sizes?.every((size, i) => size === 0 || i === behindChannels) ? x : undefined;
}

function isZero(rewrite: Rewrite, value: ValueName | undefined): boolean {
  return rewrite.constant(value)?.data.every((element) => element === 0) ?? false;
}

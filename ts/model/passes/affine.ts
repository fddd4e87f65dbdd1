/** `x * scale + shift`, channel by channel: what batch normalisation is once it is trained, and what is merged into weights. */
import { elementCount } from "../../shape.ts";
import type { Constant } from "../constant.ts";
import { derived, identity, isComputed } from "../derived.ts";
import type { KnownInfo, Node } from "../graph.ts";
import { isOp, type Rewrite } from "./rewrite.ts";

/** Scales and shifts, in float64 so that what is merged is rounded once. One of each for all channels, or one a channel. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  /** Tells it from every other; for {@link derived}. */
  readonly key: string;
}

/** An affine function, and the value that it is of. */
export interface AffineNode {
  readonly x: string;
  readonly affine: Affine;
}

/** What `node` computes, if that is an affine function of each channel; channels lie on `axis` of the node's output. */
export function affineOf(rewrite: Rewrite, node: Node, axis: number): AffineNode | undefined {
  if (isOp(node, "BatchNormalization")) return axis === 1 ? batchNorm(rewrite, node) : undefined;
  if (isOp(node, "Add") || isOp(node, "Sub") || isOp(node, "Mul") || isOp(node, "Div")) {
    return arithmetic(rewrite, node, axis);
  }
  return undefined;
}

function batchNorm(rewrite: Rewrite, node: Node<"BatchNormalization">): AffineNode | undefined {
  const [x, ...operands] = node.inputs;
  const constants = operands.map((operand) => rewrite.constant(operand));
  const [scale, bias, mean, variance] = constants;
  if (x === undefined || !scale || !bias || !mean || !variance) return undefined;
  const [g, b, m, v] = [scale.data, bias.data, mean.data, variance.data];
  const { epsilon } = node.attributes;
  const scales = Float64Array.from(g, (gamma, i) => gamma / Math.sqrt((v[i] ?? 0) + epsilon));
  const shifts = scales.map((factor, i) => (b[i] ?? 0) - (m[i] ?? 0) * factor);
  const key = `batchNorm ${[scale, bias, mean, variance].map(identity).join(" ")} ${epsilon}`;
  return { x, affine: { scale: scales, shift: shifts, key } };
}

function arithmetic(
  rewrite: Rewrite,
  { op, inputs, outputs }: Node<"Add" | "Sub" | "Mul" | "Div">,
  axis: number,
): AffineNode | undefined {
  const [a, b] = inputs;
  const [left, right] = [rewrite.constant(a), rewrite.constant(b)];
  const out = rewrite.info(outputs[0]);
  if (out.type !== "float32") return undefined;
  const constant = right ?? left;
  const x = right === undefined ? b : a;
  if (constant === undefined || x === undefined || (left !== undefined && right !== undefined)) return undefined;
  if (!sameShape(rewrite.info(x), out)) return undefined;
  const values = perChannel(constant, out.shape, axis);
  if (values === undefined) return undefined;
  const key = `${op} ${right === undefined ? "c x" : "x c"} ${identity(constant)}`;
  const [one, zero] = [values.map(() => 1), values.map(() => 0)];
  if (op === "Add") return { x, affine: { scale: one, shift: values, key } };
  if (op === "Mul") return { x, affine: { scale: values, shift: zero, key } };
  if (op === "Sub") {
    if (right !== undefined) return { x, affine: { scale: one, shift: values.map((value) => -value), key } };
    return { x, affine: { scale: values.map(() => -1), shift: values, key } };
  }
  return right === undefined ? undefined : { x, affine: { scale: values.map((value) => 1 / value), shift: zero, key } };
}

function sameShape(a: KnownInfo, b: KnownInfo): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
}

/** The numbers of a constant that varies along `axis` of `shape` at most; undefined if it varies along others. */
export function perChannel(constant: Constant, shape: readonly number[], axis: number): Float64Array | undefined {
  const behind = shape.length - constant.shape.length;
  const varies = constant.shape.some((size, i) => size !== 1 && i + behind !== axis);
  return varies || behind < 0 ? undefined : Float64Array.from(constant.data);
}

/** First `inner`, then `outer`. */
export function compose(outer: Affine, inner: Affine): Affine {
  const length = Math.max(outer.scale.length, inner.scale.length);
  const scale = new Float64Array(length);
  const shift = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    scale[i] = numberOf(outer.scale, i) * numberOf(inner.scale, i);
    shift[i] = numberOf(outer.scale, i) * numberOf(inner.shift, i) + numberOf(outer.shift, i);
  }
  return { scale, shift, key: `(${outer.key}) of (${inner.key})` };
}

/** The same scales without shifts. */
export function withoutShift({ scale, key }: Affine): Affine {
  return { scale, shift: scale.map(() => 0), key: `${key} unshifted` };
}

/** Whether it leaves 0 at 0. */
export function keepsZero({ shift }: Affine): boolean {
  return shift.every((value) => value === 0);
}

/** The number of channel `i`, where one stands for all. */
export function numberOf(values: Float64Array, i: number): number {
  return values[values.length === 1 ? 0 : i] ?? 0;
}

/** Whether all scales and shifts are finite: others cannot be merged exactly. */
export function isMergeable({ scale, shift }: Affine): boolean {
  return scale.every(Number.isFinite) && shift.every(Number.isFinite);
}

/**
 * A weight with each slice of its first two axes multiplied by the scale of its channel, which `channelOf` finds from
 * their indices; `mode` tells one such function from others.
 */
export function scaled(
  weight: Constant,
  { scale, key }: Affine,
  mode: string,
  channelOf: (first: number, second: number) => number,
): Constant {
  if (scale.every((factor) => factor === 1)) return weight;
  const { shape } = weight;
  return derived(weight, `scaled ${mode} ${key}`, shape, () => {
    const [first = 1, second = 1, ...window] = shape;
    const inner = elementCount(window);
    const from = weight.data;
    // Numbers that were made for this reading are ours.
    const to = isComputed(weight) && from instanceof Float32Array ? from : new Float32Array(from.length);
    for (let a = 0, i = 0; a < first; a++) {
      for (let b = 0; b < second; b++) {
        const factor = numberOf(scale, channelOf(a, b));
        for (const end = i + inner; i < end; i++) to[i] = (from[i] ?? 0) * factor;
      }
    }
    return to as Float32Array<ArrayBuffer>;
  });
}

/** `bias * scale + shift` of `length` channels, where an absent bias is 0. `source` is what a constant without bias hangs on. */
export function biased(
  source: Constant,
  bias: Constant | undefined,
  length: number,
  { scale, shift, key }: Affine,
): Constant<"float32"> {
  const from = bias ?? source;
  return derived(from, `biased ${length} ${bias === undefined ? "from 0 " : ""}${key}`, [length], () => {
    const values = bias?.data;
    return Float32Array.from({ length }, (_, i) => (values?.[i] ?? 0) * numberOf(scale, i) + numberOf(shift, i));
  });
}

/** Batch normalisation, and arithmetic with one constant a channel, merged into the weights before or behind it. */
import type { Constant } from "../constant.ts";
import { derived, identity } from "../derived.ts";
import type { KnownGraph, Node, ValueName } from "../graph.ts";
import {
  type Affine,
  affineOf,
  biased,
  compose,
  isMergeable,
  keepsZero,
  numberOf,
  scaled,
  withoutShift,
} from "./affine.ts";
import { isOp, Rewrite } from "./rewrite.ts";

/**
 * Merges affine functions of each channel (BatchNormalization; Add, Sub, Mul and Div by constants) into weights and bias
 * of the Conv, ConvTranspose, Gemm or MatMul before them, also where an Add of two such layers or a Pad with zeros lies
 * between; else into those behind them, where no padding tells the difference. Two that follow one another and find no
 * layer become one BatchNormalization. Weights are computed in float64 and rounded once.
 */
export function foldAffine(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    if (!intoLayersBefore(rewrite, node)) intoLayerBehind(rewrite, mergeAffines(rewrite, node));
  }
  return rewrite.finish();
}

type Replacement = readonly [old: Node, next: Node];

function intoLayersBefore(rewrite: Rewrite, node: Node): boolean {
  const data = dataInput(rewrite, node);
  if (data === undefined) return false;
  const axis = channelAxis(rewrite, data);
  const found = axis === undefined ? undefined : affineOf(rewrite, node, axis);
  if (found === undefined || !isMergeable(found.affine)) return false;
  const replacements = absorb(rewrite, found.x, node, found.affine);
  if (replacements === undefined) return false;
  for (const [old, next] of replacements) rewrite.replace(old, next);
  rewrite.bypass(node, found.x);
  return true;
}

/** The input of an affine function that is no constant. */
function dataInput(rewrite: Rewrite, { op, inputs }: Node): ValueName | undefined {
  if (op === "BatchNormalization") return inputs[0];
  if (op !== "Add" && op !== "Sub" && op !== "Mul" && op !== "Div") return undefined;
  return rewrite.constant(inputs[0]) === undefined ? inputs[0] : inputs[1];
}

/** The axis of a value along which the layers that make it have their channels. */
function channelAxis(rewrite: Rewrite, value: ValueName): number | undefined {
  const node = rewrite.producer(value);
  switch (node?.op) {
    case "Conv":
    case "ConvTranspose":
    case "Gemm":
      return 1;
    case "MatMul":
      return rewrite.info(value).shape.length - 1;
    case "Add":
    case "Pad":
      return node.inputs[0] === undefined ? undefined : channelAxis(rewrite, node.inputs[0]);
    default:
      return undefined;
  }
}

/** What has to be put in the place of the nodes that make `value` so that they apply `affine` too. */
function absorb(rewrite: Rewrite, value: ValueName, user: Node, affine: Affine): readonly Replacement[] | undefined {
  const node = rewrite.producer(value);
  if (node === undefined || rewrite.onlyUser(value) !== user) return undefined;
  if (isOp(node, "Add")) {
    const [a, b] = node.inputs;
    if (a === undefined || b === undefined || !keepsShape(rewrite, node)) return undefined;
    const left = absorb(rewrite, a, node, affine);
    const right = left === undefined ? undefined : absorb(rewrite, b, node, withoutShift(affine));
    return left === undefined || right === undefined ? undefined : [...left, ...right];
  }
  if (isOp(node, "Pad")) {
    const [x] = node.inputs;
    return x !== undefined && padsWithZero(rewrite, node) && keepsZero(affine)
      ? absorb(rewrite, x, node, affine)
      : undefined;
  }
  const layer = scaledLayer(rewrite, node, affine);
  return layer === undefined ? undefined : [[node, layer]];
}

/** Whether no operand of an elementwise node is repeated. */
function keepsShape(rewrite: Rewrite, node: Node): boolean {
  const shape = rewrite.info(node.outputs[0]).shape;
  return node.inputs.every((input) => rewrite.info(input).shape.join() === shape.join());
}

/** Whether a Pad adds zeros, and takes nothing away. */
export function padsWithZero(rewrite: Rewrite, { attributes, inputs }: Node<"Pad">): boolean {
  const [, pads, value] = inputs;
  if (attributes.mode !== "constant") return false;
  if (value !== undefined && rewrite.constant(value)?.data[0] !== 0) return false;
  return rewrite.constant(pads)?.data.every((size) => size >= 0) ?? false;
}

/** The layer that computes `affine` of what `node` does. */
function scaledLayer(rewrite: Rewrite, node: Node, affine: Affine): Node | undefined {
  if (!isOp(node, "Conv") && !isOp(node, "ConvTranspose") && !isOp(node, "Gemm") && !isOp(node, "MatMul")) {
    return undefined;
  }
  const { name, inputs, attributes } = node;
  const [x, w, b, residual] = inputs;
  const [weight, bias] = [rewrite.constant(w), rewrite.constant(b)];
  if (weight === undefined || (b !== undefined && bias === undefined)) return undefined;
  if (residual !== undefined || (attributes.activation ?? "identity") !== "identity") return undefined;
  const with_ = (channels: number, next: Constant): Node => {
    const offset = biased(weight, bias, channels, affine);
    const operands = [
      x,
      next === weight ? w : rewrite.addConstant(`${w ?? name}.scaled`, next),
      rewrite.addConstant(`${b ?? `${name}.bias`}.scaled`, offset),
    ];
    return { ...node, inputs: operands };
  };
  const [first = 1, second = 1] = weight.shape;
  if (isOp(node, "Conv")) {
    return with_(
      first,
      scaled(weight, affine, "first", (a) => a),
    );
  }
  if (isOp(node, "ConvTranspose")) {
    const { group } = node.attributes;
    const inChannels = first / group;
    const channelOf = (a: number, c: number): number => Math.floor(a / inChannels) * second + c;
    return with_(second * group, scaled(weight, affine, `transposed ${group}`, channelOf));
  }
  if (weight.shape.length !== 2) return undefined;
  if (isOp(node, "Gemm")) {
    const { transB, beta } = node.attributes;
    const channels = transB ? first : second;
    // Another bias is no vector of one element a channel, or is multiplied by something.
    if (bias !== undefined && (beta !== 1 || !isVector(bias, channels))) return undefined;
    // beta would multiply the shifts.
    if (bias === undefined && beta !== 1) return undefined;
    return with_(
      channels,
      transB ? scaled(weight, affine, "first", (a) => a) : scaled(weight, affine, "second", secondOf),
    );
  }
  return with_(second, scaled(weight, affine, "second", secondOf));
}

function secondOf(_: number, second: number): number {
  return second;
}

/** Whether a constant is one number for each of `length` elements of the last axis. */
function isVector({ shape, data }: Constant, length: number): boolean {
  return data.length === length && shape.at(-1) === length;
}

/** Makes one BatchNormalization of an affine node and the one before it; gives the node that is there in the end. */
function mergeAffines(rewrite: Rewrite, node: Node): Node {
  const outer = affineOf(rewrite, node, 1);
  if (outer === undefined || node.outputs[0] === undefined) return node;
  const before = rewrite.producer(outer.x);
  if (before === undefined || rewrite.onlyUser(outer.x) !== node) return node;
  const inner = affineOf(rewrite, before, 1);
  const { shape } = rewrite.info(node.outputs[0]);
  const channels = shape[1];
  if (inner === undefined || channels === undefined) return node;
  const affine = compose(outer.affine, inner.affine);
  // What the constants hang on, so that the next plan finds them.
  const source = rewrite.constant(node.inputs[1]) ?? rewrite.constant(node.inputs[0]);
  if (!isMergeable(affine) || source === undefined) return node;
  const vector = (what: string, of: (i: number) => number): ValueName => {
    const make = (): Float32Array<ArrayBuffer> => Float32Array.from({ length: channels }, (_, i) => of(i));
    return rewrite.addConstant(
      `${node.name}.${what}`,
      derived(source, `${what} ${channels} ${affine.key}`, [channels], make),
    );
  };
  const merged: Node = {
    name: node.name,
    op: "BatchNormalization",
    inputs: [
      inner.x,
      vector("scale", (i) => numberOf(affine.scale, i)),
      vector("shift", (i) => numberOf(affine.shift, i)),
      vector("mean", () => 0),
      vector("variance", () => 1),
    ],
    outputs: node.outputs,
    attributes: { epsilon: 0, momentum: 1 },
  };
  rewrite.merge([before, node], merged);
  return merged;
}

/** Merges an affine node into the layer that alone uses it. */
function intoLayerBehind(rewrite: Rewrite, node: Node): void {
  const [value] = node.outputs;
  if (value === undefined) return;
  let user = rewrite.onlyUser(value);
  const pad = isOp(user, "Pad") && user.inputs[0] === value && padsWithZero(rewrite, user) ? user : undefined;
  if (pad?.outputs[0] !== undefined) user = rewrite.onlyUser(pad.outputs[0]);
  const layerInput = pad === undefined ? value : pad.outputs[0];
  if (user === undefined || user.inputs[0] !== layerInput) return;
  if (!isOp(user, "Conv") && !isOp(user, "Gemm") && !isOp(user, "MatMul")) return;
  const axis = isOp(user, "MatMul") ? rewrite.info(value).shape.length - 1 : 1;
  const found = affineOf(rewrite, node, axis);
  if (found === undefined || !isMergeable(found.affine)) return;
  const padded = pad !== undefined || (isOp(user, "Conv") && user.attributes.pads.some((size) => size !== 0));
  if (padded && !keepsZero(found.affine)) return;
  const next = isOp(user, "Conv")
    ? fedConv(rewrite, user, found.affine)
    : pad === undefined
      ? fedMatrix(rewrite, user, found.affine)
      : undefined;
  if (next === undefined) return;
  rewrite.replace(user, next);
  rewrite.bypass(node, found.x);
}

function fedConv(rewrite: Rewrite, node: Node<"Conv">, affine: Affine): Node | undefined {
  const weight = rewrite.constant(node.inputs[1]);
  if (weight === undefined) return undefined;
  const [outC = 1, near = 1] = weight.shape;
  const perGroup = outC / node.attributes.group;
  const channelOf = (a: number, b: number): number => Math.floor(a / perGroup) * near + b;
  return fed(rewrite, node, weight, affine, outC, `fed ${node.attributes.group}`, channelOf, (a) => a);
}

function fedMatrix(rewrite: Rewrite, node: Node<"Gemm"> | Node<"MatMul">, affine: Affine): Node | undefined {
  const weight = rewrite.constant(node.inputs[1]);
  if (weight?.shape.length !== 2) return undefined;
  if (isOp(node, "Gemm") && (node.attributes.transA || node.attributes.alpha !== 1 || node.attributes.beta !== 1)) {
    return undefined;
  }
  const transposed = isOp(node, "Gemm") && node.attributes.transB;
  const [first = 1, second = 1] = weight.shape;
  return transposed
    ? fed(rewrite, node, weight, affine, first, "fed columns", secondOf, (a) => a)
    : fed(rewrite, node, weight, affine, second, "fed rows", (a) => a, secondOf);
}

/** A layer whose weights do what `affine` did to its input. */
function fed(
  rewrite: Rewrite,
  node: Node<"Conv"> | Node<"Gemm"> | Node<"MatMul">,
  weight: Constant,
  affine: Affine,
  outputs: number,
  mode: string,
  inputOf: (first: number, second: number) => number,
  outputOf: (first: number, second: number) => number,
): Node | undefined {
  const [x, w, b, ...rest] = node.inputs;
  const bias = rewrite.constant(b);
  if (b !== undefined && (bias === undefined || !isVector(bias, outputs))) return undefined;
  const scaledWeight = rewrite.addConstant(`${w ?? node.name}.fed`, scaled(weight, affine, mode, inputOf));
  if (keepsZero(affine)) return { ...node, inputs: [x, scaledWeight, b, ...rest] };
  const key = `${mode} ${bias === undefined ? "" : identity(bias)} ${affine.key}`;
  const shifted = derived(weight, key, [outputs], () => {
    const sums = Float64Array.from({ length: outputs }, (_, i) => bias?.data[i] ?? 0);
    const [first = 1, second = 1, ...window] = weight.shape;
    const inner = window.reduce((product, size) => product * size, 1);
    const { data } = weight;
    for (let a = 0, i = 0; a < first; a++) {
      for (let c = 0; c < second; c++) {
        const shift = numberOf(affine.shift, inputOf(a, c));
        let sum = 0;
        for (const end = i + inner; i < end; i++) sum += data[i] ?? 0;
        const to = outputOf(a, c);
        sums[to] = (sums[to] ?? 0) + sum * shift;
      }
    }
    return Float32Array.from(sums);
  });
  return {
    ...node,
    inputs: [x, scaledWeight, rewrite.addConstant(`${b ?? `${node.name}.bias`}.fed`, shifted), ...rest],
  };
}

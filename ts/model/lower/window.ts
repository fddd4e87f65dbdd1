/** Convolutions, pools and what else looks at images: channels last, rows of height 1 where there is one axis only. */
import { activationWords } from "../../ops/activation.ts";
import { elementCount, type Shape } from "../../shape.ts";
import type { WindowAttributes } from "../attributes.ts";
import type { Node, ValueName } from "../graph.ts";
import { channelsLast, plainOrder } from "../layout.ts";
import { type Lowering, type Temporary, temporary } from "./lowering.ts";

/** n, h, w, c of an NCHW or NCW shape. */
export function imageWords(to: Lowering, shape: Shape): readonly [n: number, h: number, w: number, c: number] {
  const [n = 1, c = 1, ...image] = shape;
  const [h = 1, w = 1] = image.length === 1 ? [1, ...image] : image;
  if (image.length === 1 || image.length === 2) return [n, h, w, c];
  throw to.unsupported(`the input has ${image.length} axes behind batch and channels; expected 1 or 2`);
}

/** kH, kW, strides, dilations and pads as the core takes them. */
function windowWords(kernel: readonly number[], { strides, dilations, pads }: WindowAttributes): readonly number[] {
  const both = (values: readonly number[], absent: number): readonly number[] =>
    values.length === 1 ? [absent, ...values] : values;
  const half = pads.length / 2;
  const sides = [...both(pads.slice(0, half), 0), ...both(pads.slice(half), 0)];
  return [...both(kernel, 1), ...both(strides, 1), ...both(dilations, 1), ...sides];
}

/** The buffer of an output that has its channels last. */
function image(to: Lowering, name: ValueName | undefined): Temporary {
  return to.result(name, channelsLast(to.shape(name).length));
}

const NHWC = 0;
const NCHW = 1;

export function conv(node: Node<"Conv">, to: Lowering): void {
  const { inputs, outputs, attributes } = node;
  const [x, w, bias, residual] = inputs;
  const order = channelsLast(to.shape(x).length);
  const [outC = 1, , ...kernel] = to.shape(w);
  const operands = [to.operand(x, order), to.plain(w), to.optional(bias)];
  if (residual !== undefined) operands.push(to.operand(residual, order));
  to.emit(
    "conv2d",
    operands,
    [image(to, outputs[0])],
    [
      ...[NHWC, NCHW, ...imageWords(to, to.shape(x)), outC],
      ...windowWords(kernel, attributes),
      attributes.group,
      ...activationWords(node.name, attributes.activation ?? "identity"),
    ],
  );
}

export function convTranspose(node: Node<"ConvTranspose">, to: Lowering): void {
  const { inputs, outputs, attributes } = node;
  const [x, w, bias] = inputs;
  const order = channelsLast(to.shape(x).length);
  const [, near = 1, ...kernel] = to.shape(w);
  const extra = attributes.outputPadding;
  to.emit(
    "convTranspose2d",
    [to.operand(x, order), to.plain(w), to.optional(bias)],
    [image(to, outputs[0])],
    [
      ...[NHWC, NCHW, ...imageWords(to, to.shape(x)), near * attributes.group],
      ...windowWords(kernel, attributes),
      attributes.group,
      ...activationWords(node.name, attributes.activation ?? "identity"),
      ...(extra.length === 1 ? [0, ...extra] : extra.length === 2 ? extra : [0, 0]),
    ],
  );
}

/** The core's kinds of pools. */
const POOLS = { max: 0, avg: 1, l2: 2, l1: 3 } as const;

/** The kind of pool that takes the p-norm. */
function normKind(to: Lowering, p: number): number {
  if (p === 1) return POOLS.l1;
  if (p === 2) return POOLS.l2;
  throw to.unsupported(`p is ${p}; expected 1 or 2`);
}

export function pool(node: Node<"MaxPool"> | Node<"AveragePool"> | Node<"LpPool">, to: Lowering): void {
  const { inputs, outputs, attributes } = node;
  const [x] = inputs;
  const [values, indices] = outputs;
  const rank = to.shape(x).length;
  const kind =
    node.op === "MaxPool" ? POOLS.max : node.op === "AveragePool" ? POOLS.avg : normKind(to, node.attributes.p);
  const words = [
    ...[...imageWords(to, to.shape(x)), ...windowWords(attributes.kernelShape, attributes)],
    ...[attributes.ceilMode ? 1 : 0, node.op === "AveragePool" && node.attributes.countIncludePad ? 1 : 0],
  ];
  if (indices === undefined) {
    to.emit("pool2d", [to.operand(x, channelsLast(rank))], [image(to, values)], [kind, NHWC, ...words]);
    return;
  }
  if (node.op === "MaxPool" && node.attributes.storageOrder !== 0) {
    throw to.unsupported("storage_order is 1 (indices that count by columns); expected 0");
  }
  // Indices count as the axes lie, so that they are found in the graph's order.
  const best = to.result(values, plainOrder(rank));
  const places: Temporary = { kind: "temporary", length: best.length };
  to.emit("pool2d", [to.plain(x)], [best, places], [kind, NCHW, ...words]);
  to.emit("fromInt32", [places], [to.result(indices, plainOrder(rank))], []);
}

export function globalPool(
  node: Node<"GlobalMaxPool"> | Node<"GlobalAveragePool"> | Node<"GlobalLpPool">,
  to: Lowering,
): void {
  const [x] = node.inputs;
  const [n = 1, c = 1, ...rest] = to.shape(x);
  const kind =
    node.op === "GlobalMaxPool"
      ? POOLS.max
      : node.op === "GlobalAveragePool"
        ? POOLS.avg
        : normKind(to, node.attributes.p);
  // However many axes there are, they are one.
  const words = [kind, NHWC, n, 1, elementCount(rest), c];
  to.emit("globalPool2d", [to.operand(x, channelsLast(rest.length + 2))], [image(to, node.outputs[0])], words);
}

export function localResponse({ inputs: [x], outputs, attributes }: Node<"LRN">, to: Lowering): void {
  const { size, alpha, beta, bias } = attributes;
  const [n = 1, c = 1, ...rest] = to.shape(x);
  const words = [NHWC, n, 1, elementCount(rest), c, size, alpha, beta, bias];
  to.emit("lrn", [to.operand(x, channelsLast(rest.length + 2))], [image(to, outputs[0])], words);
}

export function groupedNorm(node: Node<"InstanceNormalization"> | Node<"GroupNormalization">, to: Lowering): void {
  const [x, scale, bias] = node.inputs;
  const [n = 1, c = 1, ...rest] = to.shape(x);
  const inputs = [to.operand(x, channelsLast(rest.length + 2)), to.plain(scale), to.plain(bias)];
  const words = [NHWC, n, 1, elementCount(rest), c];
  const { epsilon } = node.attributes;
  if (node.op === "InstanceNormalization") {
    to.emit("instanceNorm", inputs, [image(to, node.outputs[0])], [...words, epsilon]);
  } else {
    to.emit("groupNorm", inputs, [image(to, node.outputs[0])], [...words, node.attributes.numGroups, epsilon]);
  }
}

export function batchNorm(node: Node<"BatchNormalization">, to: Lowering): void {
  const { inputs, outputs, attributes } = node;
  const [x, scale, bias, mean, variance] = inputs;
  if (to.learning !== undefined && to.variable(mean) !== undefined && to.variable(variance) !== undefined) {
    batchNormTraining(node, to);
    return;
  }
  const { shape, order, buffer } = to.held(x);
  const place = order.indexOf(1);
  const size = (from: number, end: number): number =>
    elementCount(order.slice(from, end).map((axis) => shape[axis] ?? 1));
  // A tensor of one axis has no channels but one.
  const words =
    place < 0 ? [elementCount(shape), 1, 1] : [size(0, place), shape[1] ?? 1, size(place + 1, order.length)];
  const operands = [mean, variance, scale, bias].map((name) => to.plain(name));
  to.emit("batchNorm", [buffer, ...operands], [to.result(outputs[0], order)], [...words, attributes.epsilon]);
}

/** By the batch's own statistics, which are the second output: means, then variances. */
function batchNormTraining({ inputs, outputs, attributes }: Node<"BatchNormalization">, to: Lowering): void {
  const [x, scale, bias] = inputs;
  const { shape } = to.held(x);
  const channels = shape[1] ?? 1;
  const statistics = temporary(2 * channels);
  const operands = [to.operand(x, channelsLast(shape.length)), to.plain(scale), to.plain(bias)];
  to.emit("batchNormTraining", operands, [image(to, outputs[0]), statistics], [channels, attributes.epsilon]);
}

/** Functions along axes: softmax, reductions, the largest elements, layer normalisation. */
import { elementCount, type Shape } from "../../shape.ts";
import { derived } from "../derived.ts";
import type { Node, ValueName } from "../graph.ts";
import { type Order, orderWithout, physicalShape, plainOrder } from "../layout.ts";
import { reducedAxes } from "../specialise/ranges.ts";
import { type Buffer, type Lowering, NONE, temporary } from "./lowering.ts";

/** Elements before, along and behind an axis, as a value lies in memory. */
function around(shape: Shape, order: Order, axis: number): readonly [outer: number, size: number, inner: number] {
  const memory = physicalShape(shape, order);
  const place = order.indexOf(axis);
  return [elementCount(memory.slice(0, place)), shape[axis] ?? 1, elementCount(memory.slice(place + 1))];
}

export function softmax({ op, inputs, outputs, attributes }: Node<"Softmax"> | Node<"LogSoftmax">, to: Lowering): void {
  const { axis, flatten } = attributes;
  const [x] = inputs;
  const { shape, order, buffer } = to.held(x);
  const log = op === "LogSoftmax" ? 1 : 0;
  if (!flatten) {
    to.emit("softmax", [buffer], [to.result(outputs[0], order)], [...around(shape, order, axis), log]);
    return;
  }
  // All axes from `axis` on are one row. Its elements may lie in any order, as long as they lie together.
  const together = order.slice(axis).every((each) => each >= axis);
  const kept = together ? order : plainOrder(shape.length);
  const row = elementCount(shape.slice(axis));
  const words = [elementCount(shape.slice(0, axis)), row, 1, log];
  to.emit("softmax", [to.operand(x, kept)], [to.result(outputs[0], kept)], words);
}

/** Reductions, the core's code the place here. */
const REDUCTIONS = [
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceSumSquare",
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSum",
  "ReduceLogSumExp",
] as const;

export function reduce(node: Node<(typeof REDUCTIONS)[number]>, to: Lowering): void {
  const { op, inputs, outputs, attributes } = node;
  const at = to.operands(node);
  const { shape, order, buffer } = to.held(inputs[0]);
  const reduced = reducedAxes(at, attributes);
  if (attributes.noopWithEmptyAxes && !reduced.includes(true)) {
    to.define(outputs[0], to.held(inputs[0]));
    return;
  }
  // Neighbours that are reduced together, or kept together, are one axis.
  const sizes: number[] = [];
  const mask: number[] = [];
  for (const axis of order) {
    const size = shape[axis] ?? 1;
    const flag = reduced[axis] === true ? 1 : 0;
    if (size === 1) continue;
    if (mask.at(-1) === flag) sizes.push((sizes.pop() ?? 1) * size);
    else {
      sizes.push(size);
      mask.push(flag);
    }
  }
  const left = attributes.keepdims ? order : orderWithout(order, (axis) => reduced[axis] === true);
  const words = [REDUCTIONS.indexOf(op), sizes.length, ...sizes, ...mask];
  to.emit("reduce", [buffer], [to.result(outputs[0], left)], words);
}

export function argReduce({ op, inputs, outputs, attributes }: Node<"ArgMax"> | Node<"ArgMin">, to: Lowering): void {
  const { axis, keepdims, selectLastIndex } = attributes;
  const { shape, order, buffer } = to.held(inputs[0]);
  const left = keepdims ? order : orderWithout(order, (each) => each === axis);
  const words = [op === "ArgMin" ? 1 : 0, selectLastIndex ? 1 : 0, ...around(shape, order, axis)];
  to.emit("argReduce", [buffer], [to.result(outputs[0], left)], words);
}

export function topK({ inputs, outputs, attributes }: Node<"TopK">, to: Lowering): void {
  const { axis, largest, sorted } = attributes;
  const [values, indices] = outputs;
  const { shape, order, buffer } = to.held(inputs[0]);
  const found = to.shape(values);
  const places = indices === undefined ? temporary(elementCount(found)) : to.result(indices, order);
  const words = [...around(shape, order, axis), found[axis] ?? 1, largest ? 1 : 0, sorted ? 1 : 0];
  to.emit("topK", [buffer], [to.result(values, order), places], words);
}

export function layerNorm({ inputs, outputs, attributes }: Node<"LayerNormalization">, to: Lowering): void {
  const { axis, epsilon } = attributes;
  const [x, scale, bias] = inputs;
  if (outputs.slice(1).some((name) => name !== undefined)) {
    throw to.unsupported("its mean and deviation are used; expected the first output alone");
  }
  const { shape, order } = to.held(x);
  const inner = shape.slice(axis);
  // Rows may lie in any order, their elements in the graph's: scale and bias do.
  const rowsApart = order.slice(axis).every((each, i) => each === axis + i);
  const kept = rowsApart ? order : plainOrder(shape.length);
  const operands = [to.operand(x, kept), elementwise(to, scale, inner), elementwise(to, bias, inner)];
  const size = elementCount(inner);
  to.emit("layerNorm", operands, [to.result(outputs[0], kept)], [elementCount(shape) / size, size, epsilon]);
}

/** An operand with one number for each element of `shape`, to which it broadcasts. */
function elementwise(to: Lowering, name: ValueName | undefined, shape: Shape): Buffer {
  if (name === undefined) return NONE;
  const size = elementCount(shape);
  const given = to.shape(name);
  if (elementCount(given) === size) return to.plain(name);
  const constant = to.constant(name);
  if (constant === undefined || constant.data.length !== 1) {
    throw to.unsupported(`scale or bias of shape [${given.join(", ")}] repeats; expected [${shape.join(", ")}]`);
  }
  const fill = (): Float32Array<ArrayBuffer> => new Float32Array(size).fill(constant.data[0] ?? 0);
  return { kind: "weight", constant: derived(constant, `filled ${size}`, shape, fill) };
}

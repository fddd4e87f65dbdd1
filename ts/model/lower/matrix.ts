/** Products of matrices: with weights that are packed once, and of two values that are both computed. */
import { activationWords } from "../../ops/activation.ts";
import { elementCount, type Shape } from "../../shape.ts";
import { type Constant, floats } from "../constant.ts";
import { derived } from "../derived.ts";
import type { Node, ValueName } from "../graph.ts";
import { isSameOrder, liftedShape, type Order, plainOrder } from "../layout.ts";
import { type Buffer, lifted, type Lowering, NONE, type Temporary, temporary } from "./lowering.ts";

/** `[m, k]` times weights `[k, n]`, or `[n, k]` if transposed. */
interface Dense {
  readonly x: Buffer;
  readonly weights: Buffer;
  readonly bias: Buffer;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposed: boolean;
}

function dense(
  to: Lowering,
  node: Node<"Gemm"> | Node<"MatMul">,
  product: Dense,
  result: Temporary,
  last: boolean,
): void {
  const { x, weights, bias, m, k, n, transposed } = product;
  const activation = last ? (node.attributes.activation ?? "identity") : "identity";
  const words = [m, k, n, transposed ? 1 : 0, ...activationWords(node.name, activation)];
  to.emit("dense", [x, weights, bias], [result], words);
}

export function matMul(node: Node<"MatMul">, to: Lowering): void {
  const [a, b, bias] = node.inputs;
  const [name] = node.outputs;
  const [left, right] = [to.shape(a), to.shape(b)];
  if (isWeight(to, b) && right.length === 2 && left.length > 0) {
    const [k = 1, n = 1] = right;
    const order = lastInnermost(to, a);
    const product = { x: to.operand(a, order), ...matrix(to, b), bias: to.optional(bias), k, n };
    dense(to, node, { ...product, m: elementCount(left) / k }, to.result(name, order), true);
    return;
  }
  // A vector is a row on the left and a column on the right; its axis of 1 moves nothing.
  const rows = left.length === 1 ? [1, ...left] : left;
  const columns = right.length === 1 ? [...right, 1] : right;
  const rank = Math.max(rows.length, columns.length) - 2;
  const batches = [rows, columns].map((shape) => liftedShape(shape.slice(0, -2), rank));
  const [m = 1, k = 1] = rows.slice(-2);
  const words = [m, k, columns.at(-1) ?? 1, rank, ...batches.flat()];
  const outOrder = plainOrder(to.shape(name).length);
  if (bias === undefined && node.attributes.activation === undefined) {
    to.emit("matmul", [to.plain(a), to.plain(b)], [to.result(name, outOrder)], words);
    return;
  }
  const product = temporary(elementCount(to.shape(name)));
  to.emit("matmul", [to.plain(a), to.plain(b)], [product], words);
  finish(to, node, product, bias, 1);
}

/** Whether a value is a weight, or one seen with its axes the other way round. */
function isWeight(to: Lowering, name: ValueName | undefined): boolean {
  return to.isWeight(name) || to.held(name).buffer.kind === "variable";
}

/** Weights `[k, n]` as they lie. */
function matrix(to: Lowering, name: ValueName | undefined): Pick<Dense, "weights" | "transposed"> {
  const held = to.held(name);
  const transposed = held.buffer.kind === "variable" && isSameOrder(held.shape, held.order, [1, 0]);
  return { weights: transposed ? held.buffer : to.plain(name), transposed };
}

/** The order in which a value lies, but with its last axis innermost: rows of a matrix may be in any order. */
function lastInnermost(to: Lowering, name: ValueName | undefined): Order {
  const { order, shape } = to.held(name);
  const last = shape.length - 1;
  const inner = order.findLast((axis) => shape[axis] !== 1);
  if (inner === undefined || inner === last || shape[last] === 1)
    return [...order.filter((axis) => axis !== last), last];
  return plainOrder(shape.length);
}

export function gemm(node: Node<"Gemm">, to: Lowering): void {
  const { inputs, outputs, attributes } = node;
  const [a, b, c] = inputs;
  const { alpha, beta, transA, transB } = attributes;
  const [m = 1, n = 1] = to.shape(outputs[0]);
  const k = to.shape(a)[transA ? 0 : 1] ?? 1;
  const x = to.operand(a, transA ? [1, 0] : [0, 1]);
  const constant = to.constant(b);
  const fusedBias = biasVector(to, c, n, beta);
  const separate = c !== undefined && beta !== 0 && fusedBias === undefined;
  if (constant !== undefined || (alpha === 1 && isWeight(to, b))) {
    const weights = constant === undefined ? to.plain(b) : scaledBuffer(constant, alpha);
    const product = { x, weights, bias: fusedBias ?? NONE, m, k, n, transposed: transB };
    const result = separate ? temporary(m * n) : to.result(outputs[0], plainOrder(2));
    dense(to, node, product, result, !separate);
    if (separate) finish(to, node, result, c, beta);
    return;
  }
  let product = temporary(m * n);
  to.emit("matmul", [x, to.operand(b, transB ? [1, 0] : [0, 1])], [product], [m, k, n, 0]);
  if (alpha !== 1) {
    const scaled = temporary(m * n);
    to.emit("binary", [product, number(alpha)], [scaled], [MUL, 1, m * n, 0]);
    product = scaled;
  }
  finish(to, node, product, beta === 0 ? undefined : c, beta);
}

const ADD = 0;
const MUL = 2;

function number(value: number): Buffer {
  return { kind: "weight", constant: floats(Float32Array.of(value), []) };
}

function scaledBuffer(constant: Constant, factor: number): Buffer {
  if (factor === 1) return { kind: "weight", constant };
  const multiply = (): Float32Array<ArrayBuffer> => Float32Array.from(constant.data, (value) => value * factor);
  return { kind: "weight", constant: derived(constant, `times ${factor}`, constant.shape, multiply) };
}

/** The bias of a dense layer, if `c` can be that: one number a column. */
function biasVector(to: Lowering, c: ValueName | undefined, n: number, beta: number): Buffer | undefined {
  if (c === undefined || beta === 0) return undefined;
  const shape = to.shape(c);
  const constant = to.constant(c);
  const isRow = elementCount(shape) === n && (n === 1 || shape.at(-1) === n);
  if (constant === undefined) return isRow && beta === 1 ? to.plain(c) : undefined;
  if (isRow) return scaledBuffer(constant, beta);
  if (constant.data.length !== 1) return undefined;
  const repeat = (): Float32Array<ArrayBuffer> => new Float32Array(n).fill((constant.data[0] ?? 0) * beta);
  return { kind: "weight", constant: derived(constant, `${n} times ${beta}`, [n], repeat) };
}

/** `activation(product + beta * c)`, where `c` broadcasts; the product is in the graph's order. */
function finish(
  to: Lowering,
  node: Node<"Gemm"> | Node<"MatMul">,
  product: Temporary,
  c: ValueName | undefined,
  beta: number,
): void {
  const [name] = node.outputs;
  const shape = to.shape(name);
  const order = plainOrder(shape.length);
  const { activation } = node.attributes;
  let current: Buffer = product;
  if (c !== undefined) {
    const addend = lifted(to.held(c), shape.length);
    let from = to.inOrder(addend, order);
    if (beta !== 1) {
      const scaled = temporary(elementCount(addend.shape));
      to.emit("binary", [from, number(beta)], [scaled], [MUL, 1, scaled.length, 0]);
      from = scaled;
    }
    const sum = activation === undefined ? to.result(name, order) : temporary(product.length);
    to.emit("binary", [current, from], [sum], [ADD, ...listed(shape), ...listed(addend.shape)]);
    current = sum;
  }
  if (activation !== undefined) {
    to.emit("activation", [current], [to.result(name, order)], activationWords(node.name, activation));
  } else if (current === product) {
    to.define(name, { buffer: product, shape, order });
  }
}

function listed(shape: Shape): readonly number[] {
  return [shape.length, ...shape];
}

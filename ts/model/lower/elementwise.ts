/** Functions of elements in the same place: in the order in which the largest operand lies. */
import { activationWords } from "../../ops/activation.ts";
import { elementCount, type Shape } from "../../shape.ts";
import { activationOf } from "../activations.ts";
import { floats } from "../constant.ts";
import type { Node, ValueName } from "../graph.ts";
import { channelsLast, collapse, type Order, orderKey, physicalShape } from "../layout.ts";
import { type Buffer, lifted, type Lowering, temporary } from "./lowering.ts";

/** The core's codes of functions of two elements. */
const BINARY = {
  Add: 0,
  Sub: 1,
  Mul: 2,
  Div: 3,
  Min: 4,
  Max: 5,
  Pow: 7,
  PRelu: 10,
  Equal: 11,
  Less: 12,
  LessOrEqual: 13,
  Greater: 14,
  GreaterOrEqual: 15,
  And: 16,
  Or: 17,
  Xor: 18,
} as const;
const FLOOR_MOD = 8;
const FMOD = 9;
const TRUNCATED_DIV = 19;

/** Operators whose operands may change places. */
const COMMUTATIVE: ReadonlySet<number> = new Set([
  BINARY.Add,
  BINARY.Mul,
  BINARY.Min,
  BINARY.Max,
  BINARY.Equal,
  BINARY.And,
  BINARY.Or,
  BINARY.Xor,
]);

/** The core's codes of functions of one element. */
const UNARY = {
  Abs: 0,
  Neg: 1,
  Sqrt: 2,
  Exp: 3,
  Log: 4,
  Reciprocal: 6,
  Erf: 7,
  Floor: 8,
  Ceil: 9,
  Round: 10,
  Sign: 11,
  Not: 12,
  Sin: 15,
  Cos: 16,
} as const;
const SQUARE = 5;
const TRUNCATE = 13;
const TO_BOOL = 14;

type BinaryNode = Node<keyof typeof BINARY | "Mod">;

/** Operands in one order, with sizes as they lie in memory: all of the same rank. */
interface Aligned {
  readonly buffers: readonly Buffer[];
  readonly shapes: readonly Shape[];
  readonly order: Order;
}

/** Brings operands that broadcast to the shape of `out` to one order: that of most elements that are no weights. */
export function align(to: Lowering, names: readonly (ValueName | undefined)[], out: Shape): Aligned {
  const rank = out.length;
  const operands = names.map((name) => ({ held: lifted(to.held(name), rank), fixed: to.isWeight(name) }));
  const votes = new Map<string, { order: Order; weight: number }>();
  for (const { held, fixed } of operands) {
    if (fixed || elementCount(held.shape) !== elementCount(out)) continue;
    const key = orderKey(out, held.order);
    const vote = votes.get(key) ?? { order: held.order, weight: 0 };
    votes.set(key, { ...vote, weight: vote.weight + 1 });
  }
  const usual = channelsLast(rank);
  const preferred = orderKey(out, usual);
  let best: { order: Order; weight: number } | undefined;
  for (const [key, vote] of votes) {
    // As many want either: images are to have their channels last.
    if (best === undefined || vote.weight > best.weight || (vote.weight === best.weight && key === preferred))
      best = vote;
  }
  const order = best?.order ?? usual;
  return {
    buffers: operands.map(({ held }) => to.inOrder(held, order)),
    shapes: operands.map(({ held }) => physicalShape(held.shape, order)),
    order,
  };
}

/** One step of two operands. */
function emitBinary(
  to: Lowering,
  code: number,
  a: Buffer,
  b: Buffer,
  shapes: readonly [Shape, Shape],
  out: Buffer,
): void {
  if (out.kind !== "temporary") throw new Error("a result that is none");
  const [left = [], right = []] = collapse(shapes);
  const same = left.join() === right.join();
  const words = [code, left.length, ...left, right.length, ...right];
  to.emit("binary", [a, b], [out], words, same && COMMUTATIVE.has(code));
}

export function binary(node: BinaryNode, to: Lowering): void {
  const { inputs, outputs } = node;
  const code = binaryCode(node, to);
  if (node.op === "Pow" && power(node, to)) return;
  if (inputs.length === 1) {
    to.define(outputs[0], to.held(inputs[0]));
    return;
  }
  chain(to, code, inputs, outputs[0]);
}

/** Functions of any number of operands, two at a time. */
function chain(
  to: Lowering,
  code: number,
  names: readonly (ValueName | undefined)[],
  name: ValueName | undefined,
): Order {
  const out = to.shape(name);
  const { buffers, shapes, order } = align(to, names, out);
  const sizes = physicalShape(out, order);
  let [left] = buffers;
  let [shape] = shapes;
  for (let i = 1; i < buffers.length; i++) {
    const [right, other] = [buffers[i], shapes[i]];
    if (left === undefined || right === undefined || shape === undefined || other === undefined) break;
    const next = sizes.map((_, axis) => Math.max(shape?.[axis] ?? 1, other[axis] ?? 1));
    const result = i === buffers.length - 1 ? to.result(name, order) : temporary(elementCount(next));
    emitBinary(to, code, left, right, [shape, other], result);
    [left, shape] = [result, next];
  }
  return order;
}

function binaryCode(node: BinaryNode, to: Lowering): number {
  const isFloat = to.type(node.outputs[0]) === "float32";
  if (node.op === "Mod") return node.attributes.fmod ? FMOD : FLOOR_MOD;
  if (node.op === "Div" && !isFloat) return TRUNCATED_DIV;
  return BINARY[node.op];
}

/** Powers that are cheaper than by logarithms. */
function power({ inputs: [x, exponent], outputs }: Node<"Pow">, to: Lowering): boolean {
  const constant = to.constant(exponent);
  const by = constant?.data.length === 1 ? constant.data[0] : undefined;
  if ((by !== 2 && by !== 0.5) || elementCount(to.shape(x)) !== elementCount(to.shape(outputs[0]))) return false;
  const { buffer, order } = lifted(to.held(x), to.shape(outputs[0]).length);
  to.emit("unary", [buffer], [to.result(outputs[0], order)], [by === 2 ? SQUARE : UNARY.Sqrt]);
  return true;
}

export function sum({ inputs, outputs }: Node<"Sum"> | Node<"Mean">, to: Lowering, mean: boolean): void {
  const [name] = outputs;
  const [first] = inputs;
  if (inputs.length === 1) {
    to.define(name, to.held(first));
    return;
  }
  const order = chain(to, BINARY.Add, inputs, name);
  if (!mean) return;
  const count = { kind: "weight", constant: floats(Float32Array.of(inputs.length), []) } as const;
  const total = to.held(name).buffer;
  const length = elementCount(to.shape(name));
  emitBinary(to, BINARY.Div, total, count, [[length], [1]], to.result(name, order));
}

export function unary(node: Node<keyof typeof UNARY>, to: Lowering): void {
  const { buffer, order } = to.held(node.inputs[0]);
  to.emit("unary", [buffer], [to.result(node.outputs[0], order)], [UNARY[node.op]]);
}

/** Nodes that are activations of the core; a Clip or PRelu by operands that are not known beforehand is arithmetic. */
export function activation(node: Node, to: Lowering): void {
  const [x, b, c] = node.inputs;
  const [name] = node.outputs;
  const found = activationOf(node, (value) => to.constant(value));
  if (found !== undefined) {
    const { buffer, order } = to.held(x);
    to.emit("activation", [buffer], [to.result(name, order)], activationWords(node.name, found));
  } else if (node.op === "PRelu") {
    chain(to, BINARY.PRelu, [x, b], name);
  } else if (node.op === "Clip") {
    dynamicClip(to, x, b, c, name);
  } else {
    throw to.unsupported("it is no activation");
  }
}

function dynamicClip(
  to: Lowering,
  x: ValueName | undefined,
  min: ValueName | undefined,
  max: ValueName | undefined,
  name: ValueName | undefined,
): void {
  const { order } = to.held(x);
  const shapes = [[elementCount(to.shape(x))], [1]] as const;
  let { buffer } = to.held(x);
  for (const [code, bound] of [
    [BINARY.Max, min],
    [BINARY.Min, max],
  ] as const) {
    if (bound === undefined) continue;
    const result = to.result(name, order);
    emitBinary(to, code, buffer, to.plain(bound), shapes, result);
    buffer = result;
  }
}

/** Numbers of another type: all are float32 in the core. */
export function cast({ inputs: [x], outputs: [y], attributes }: Node<"Cast">, to: Lowering): void {
  const from = to.type(x);
  const held = to.held(x);
  const type = attributes.to;
  const code = type === "bool" ? TO_BOOL : type !== "float32" && from === "float32" ? TRUNCATE : undefined;
  if (code === undefined || from === "bool" || from === type) to.define(y, held);
  else to.emit("unary", [held.buffer], [to.result(y, held.order)], [code]);
}

export function where({ inputs, outputs }: Node<"Where">, to: Lowering): void {
  const out = to.shape(outputs[0]);
  const { buffers, shapes, order } = align(to, inputs, out);
  const sizes = collapse(shapes);
  const words = [sizes[0]?.length ?? 0, ...sizes.flat()];
  to.emit("where", buffers, [to.result(outputs[0], order)], words);
}

/** `(x - zeroPoint) * scale`, along one axis if they have one element for each of its places. */
export function dequantize({ inputs, outputs, attributes }: Node<"DequantizeLinear">, to: Lowering): void {
  const [x, scale, zero] = inputs;
  if (attributes.blockSize !== 0) throw to.unsupported("block_size is not 0, and its input is no constant");
  const { buffer, shape, order } = to.held(x);
  const memory = physicalShape(shape, order);
  const along = elementCount(to.shape(scale)) === 1 ? -1 : order.indexOf(attributes.axis);
  const factors = memory.map((size, place) => (place === along ? size : 1));
  let from = buffer;
  if (zero !== undefined) {
    const centred = temporary(elementCount(shape));
    emitBinary(to, BINARY.Sub, from, to.plain(zero), [memory, factors], centred);
    from = centred;
  }
  emitBinary(to, BINARY.Mul, from, to.plain(scale), [memory, factors], to.result(outputs[0], order));
}

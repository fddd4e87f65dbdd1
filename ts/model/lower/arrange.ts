/** Operators that move elements, or only say how they are to be seen. */
import { elementCount, type Shape } from "../../shape.ts";
import type { Node, ValueName } from "../graph.ts";
import { channelsLast, type Order, physicalShape, plainOrder, reshapedOrder, transposedOrder } from "../layout.ts";
import { padGeometry, sliceGeometry, splitSizes } from "../specialise/ranges.ts";
import { align } from "./elementwise.ts";
import { type Buffer, type Held, type Lowering, type Temporary, temporary } from "./lowering.ts";

/** Operators that give a value another shape. */
type ReshapeNode = Node<"Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity" | "Dropout">;

/** No step where the elements may stay where they are. */
export function reshape({ inputs, outputs }: ReshapeNode, to: Lowering): void {
  const held = to.held(inputs[0]);
  to.define(outputs[0], reshaped(to, held, to.shape(outputs[0])));
}

function reshaped(to: Lowering, held: Held, shape: Shape): Held {
  const order = reshapedOrder(held.shape, held.order, shape);
  if (order !== undefined) return { buffer: held.buffer, shape, order };
  const buffer = to.inOrder(held, plainOrder(held.shape.length));
  return { buffer, shape, order: plainOrder(shape.length) };
}

/** Drops elements while the network learns; else it changes nothing. */
export function dropout(node: Node<"Dropout">, to: Lowering): void {
  const { learning } = to;
  const { ratio } = node.attributes;
  if (learning === undefined || ratio === 0) {
    reshape(node, to);
    return;
  }
  const { buffer, order } = to.held(node.inputs[0]);
  const words = [ratio, ...learning.seed, to.nextStream()];
  to.emit("dropout", [buffer, learning.clock], [to.result(node.outputs[0], order)], words);
}

/** Moves nothing: whoever wants another order sees to it. */
export function transpose({ inputs, outputs, attributes }: Node<"Transpose">, to: Lowering): void {
  const { buffer, order } = to.held(inputs[0]);
  to.define(outputs[0], { buffer, shape: to.shape(outputs[0]), order: transposedOrder(order, attributes.perm) });
}

export function concat({ inputs, outputs, attributes }: Node<"Concat">, to: Lowering): void {
  const [name] = outputs;
  const order = concatOrder(to, inputs);
  const place = order.indexOf(attributes.axis);
  const memory = inputs.map((input) => physicalShape(to.shape(input), order));
  const outer = elementCount(memory[0]?.slice(0, place) ?? []);
  const buffers = inputs.map((input) => to.operand(input, order));
  const words = [outer, ...memory.map((shape) => elementCount(shape.slice(place)))];
  to.emit("concat", buffers, [to.result(name, order)], words);
}

/** The order in which most of what is concatenated lies, constants apart. */
function concatOrder(to: Lowering, inputs: readonly (ValueName | undefined)[]): Order {
  const votes = new Map<string, { readonly order: Order; readonly elements: number }>();
  for (const input of inputs) {
    const { order, shape } = to.held(input);
    if (to.isWeight(input)) continue;
    const key = order.join();
    votes.set(key, { order, elements: (votes.get(key)?.elements ?? 0) + elementCount(shape) });
  }
  const first = plainOrder(to.shape(inputs[0]).length);
  return [...votes.values()].reduce((a, b) => (b.elements > a.elements ? b : a), { order: first, elements: 0 }).order;
}

/** What `slice` takes: element `starts + i * steps` of each axis of `held`. */
function emitSlice(
  to: Lowering,
  { buffer, shape, order }: Held,
  starts: readonly number[],
  steps: readonly number[],
  output: Shape,
  result: Temporary,
): void {
  const inMemory = (values: readonly number[]): readonly number[] => order.map((axis) => values[axis] ?? 0);
  const words = [order.length, ...[shape, starts, steps, output].flatMap(inMemory)];
  to.emit("slice", [buffer], [result], words);
}

export function slice(node: Node<"Slice">, to: Lowering): void {
  const { starts, steps, output } = sliceGeometry(to.operands(node));
  const held = to.held(node.inputs[0]);
  emitSlice(to, held, starts, steps, output, to.result(node.outputs[0], held.order));
}

export function split(node: Node<"Split">, to: Lowering): void {
  const { axis } = node.attributes;
  const held = to.held(node.inputs[0]);
  const steps = held.shape.map(() => 1);
  let start = 0;
  for (const [index, size] of splitSizes(to.operands(node), axis).entries()) {
    const name = node.outputs[index];
    const starts = held.shape.map((_, each) => (each === axis ? start : 0));
    start += size;
    if (name !== undefined) emitSlice(to, held, starts, steps, to.shape(name), to.result(name, held.order));
  }
}

/** Modes of padding, the core's code the place here. */
const PAD_MODES = ["constant", "reflect", "edge", "wrap"] as const;

export function pad(node: Node<"Pad">, to: Lowering): void {
  const [x, , value] = node.inputs;
  const [name] = node.outputs;
  const { before, after } = padGeometry(to.operands(node));
  const fill = value === undefined ? 0 : to.constant(value)?.data[0];
  if (fill === undefined) throw to.unsupported("value is known only when the network runs");
  const held = cut(to, to.held(x), before, after);
  const { order, shape, buffer } = held;
  const inMemory = (values: readonly number[]): readonly number[] =>
    order.map((axis) => Math.max(values[axis] ?? 0, 0));
  const words = [PAD_MODES.indexOf(node.attributes.mode), fill, order.length, ...inMemory(shape)];
  to.emit("pad", [buffer], [to.result(name, order)], [...words, ...inMemory(before), ...inMemory(after)]);
}

/** What is left once negative pads have taken their part. */
function cut(to: Lowering, held: Held, before: readonly number[], after: readonly number[]): Held {
  if (before.every((size) => size >= 0) && after.every((size) => size >= 0)) return held;
  const starts = before.map((size) => Math.max(-size, 0));
  const shape = held.shape.map((size, axis) => size - (starts[axis] ?? 0) + Math.min(after[axis] ?? 0, 0));
  const buffer = temporary(elementCount(shape));
  const ones = shape.map(() => 1);
  emitSlice(to, held, starts, ones, shape, buffer);
  return { buffer, shape, order: held.order };
}

export function expand({ inputs, outputs }: Node<"Expand">, to: Lowering): void {
  const out = to.shape(outputs[0]);
  const { buffers, shapes, order } = align(to, inputs.slice(0, 1), out);
  emitBroadcast(to, buffers[0], shapes[0] ?? [], physicalShape(out, order), to.result(outputs[0], order));
}

function emitBroadcast(to: Lowering, from: Buffer | undefined, shape: Shape, out: Shape, result: Temporary): void {
  if (from === undefined) throw new Error("nothing to repeat");
  to.emit("broadcastTo", [from], [result], [shape.length, ...shape, ...out]);
}

/** Each axis that is repeated gets an axis of 1 before it, which broadcasting repeats. */
export function tile({ inputs, outputs }: Node<"Tile">, to: Lowering): void {
  const { buffer, shape, order } = to.held(inputs[0]);
  const out = to.shape(outputs[0]);
  const from: number[] = [];
  const target: number[] = [];
  for (const axis of order) {
    const size = shape[axis] ?? 1;
    const times = (out[axis] ?? 1) / size;
    if (times !== 1) {
      from.push(1);
      target.push(times);
    }
    from.push(size);
    target.push(size);
  }
  emitBroadcast(to, buffer, from, target, to.result(outputs[0], order));
}

export function gather({ inputs, outputs, attributes }: Node<"Gather">, to: Lowering): void {
  const { axis } = attributes;
  const [data, indices] = inputs;
  const { buffer, shape, order } = to.held(data);
  const place = order.indexOf(axis);
  const memory = physicalShape(shape, order);
  const picked = to.shape(indices);
  // The axes of the indices stand where the axis stood.
  const later = picked.length - 1;
  const result = order.flatMap((each) => {
    if (each === axis) return picked.map((_, i) => axis + i);
    return [each < axis ? each : each + later];
  });
  const words = [
    ...[elementCount(memory.slice(0, place)), shape[axis] ?? 1, elementCount(memory.slice(place + 1))],
    elementCount(picked),
  ];
  to.emit("gather", [buffer, to.plain(indices)], [to.result(outputs[0], result)], words);
}

/** `[n, c, h, w]` as blocks: split, reordered and merged, of which only the reordering moves anything. */
export function depthToSpace({ inputs, outputs, attributes }: Node<"DepthToSpace">, to: Lowering): void {
  const { blocksize: b, mode } = attributes;
  const [n = 1, c = 1, h = 1, w = 1] = to.shape(inputs[0]);
  const depth = c / (b * b);
  const blocks = mode === "DCR" ? [n, b, b, depth, h, w] : [n, depth, b, b, h, w];
  // n, h, its block, w, its block, channels.
  const order = mode === "DCR" ? [0, 4, 1, 5, 2, 3] : [0, 4, 2, 5, 3, 1];
  blocked(to, inputs[0], outputs[0], blocks, order);
}

export function spaceToDepth({ inputs, outputs, attributes }: Node<"SpaceToDepth">, to: Lowering): void {
  const { blocksize: b } = attributes;
  const [n = 1, c = 1, h = 1, w = 1] = to.shape(inputs[0]);
  blocked(to, inputs[0], outputs[0], [n, c, h / b, b, w / b, b], [0, 2, 4, 3, 5, 1]);
}

/** Sees an image as blocks, moves them to `order`, and sees the result as an image with its channels last. */
function blocked(
  to: Lowering,
  x: ValueName | undefined,
  name: ValueName | undefined,
  blocks: Shape,
  order: Order,
): void {
  const buffer = to.inOrder(reshaped(to, to.held(x), blocks), order);
  to.define(name, { buffer, shape: to.shape(name), order: channelsLast(4) });
}

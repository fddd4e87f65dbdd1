/** Single nodes for tests of inference and evaluation, and tensors computed index by index. */
import { elementCount } from "../../../shape.ts";
import type { Attributes, OpType } from "../../attributes.ts";
import { type Constant, floats, type NumberType } from "../../constant.ts";
import type { KnownInfo, Node } from "../../graph.ts";
import { Budget } from "../budget.ts";
import { evaluateNode } from "../evaluate.ts";
import { inferNode } from "../infer.ts";
import type { KnownValues } from "../operands.ts";

/** A shape of float32s that are known only at run time, a type with a shape, a constant, or nothing. */
export type Operand = readonly number[] | KnownInfo | Constant | undefined;

function isShape(operand: Operand): operand is readonly number[] {
  return Array.isArray(operand);
}

/** A node called "node" over these operands, and what is known of them: values "in0", "in1", ... and "out0", ... */
export function nodeOf<T extends OpType>(
  op: T,
  operands: readonly Operand[],
  attributes: Attributes[T],
  outputs = 1,
): { readonly node: Node; readonly values: KnownValues } {
  const infos = new Map<string, KnownInfo>();
  const constants = new Map<string, Constant>();
  for (const [index, operand] of operands.entries()) {
    if (operand === undefined) continue;
    const info: KnownInfo | Constant = isShape(operand) ? { type: "float32", shape: operand } : operand;
    infos.set(`in${index}`, { type: info.type, shape: info.shape });
    if ("data" in info) constants.set(`in${index}`, info);
  }
  const inputs = operands.map((operand, index) => (operand === undefined ? undefined : `in${index}`));
  const names = Array.from({ length: outputs }, (_, index) => `out${index}`);
  return { node: { name: "node", op, inputs, outputs: names, attributes } as Node, values: { infos, constants } };
}

/** What inference says of a node's outputs. */
export function infer<T extends OpType>(
  op: T,
  operands: readonly Operand[],
  attributes: Attributes[T],
  outputs = 1,
): readonly KnownInfo[] {
  const { node, values } = nodeOf(op, operands, attributes, outputs);
  return inferNode(node, values);
}

/** What evaluation makes of constants; throws where it makes nothing. */
export function evaluate<T extends OpType>(
  op: T,
  operands: readonly Operand[],
  attributes: Attributes[T],
  outputs = 1,
): readonly Constant[] {
  const { node, values } = nodeOf(op, operands, attributes, outputs);
  const result = evaluateNode(node, values, inferNode(node, values), new Budget(2 ** 30, 2 ** 30));
  if (result === undefined) throw new Error(`${op} was not evaluated`);
  return result;
}

/** A constant of any type. */
export function constant(
  type: NumberType,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): Constant {
  const arrays = {
    float32: Float32Array,
    int64: Float64Array,
    int32: Int32Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };
  return { type, shape, data: arrays[type].from(values) } as Constant;
}

/** int64s of one axis. */
export function int64(...values: readonly number[]): Constant {
  return constant("int64", values);
}

/** 0, 1, 2, ... in this shape. */
export function counting(shape: readonly number[]): Constant<"float32"> {
  return floats(
    Float32Array.from({ length: elementCount(shape) }, (_, index) => index),
    shape,
  );
}

/** The numbers that `at` gives for each index of a shape, the last axis running fastest. */
export function tabulate(shape: readonly number[], at: (index: readonly number[]) => number): number[] {
  return Array.from({ length: elementCount(shape) }, (_, flat) => {
    let rest = flat;
    const index = shape.toReversed().map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    });
    return at(index.toReversed());
  });
}

/** The element at an index of a tensor. */
export function element({ shape, data }: Constant, index: readonly number[]): number {
  const flat = index.reduce((place, value, axis) => place * (shape[axis] ?? 1) + value, 0);
  const value = data[flat];
  if (value === undefined) throw new RangeError(`no element [${index.join(", ")}]`);
  return value;
}

/** What an evaluator is, and what all of them share. */
import { elementCount } from "../../../shape.ts";
import type { Attributes, OpType } from "../../attributes.ts";
import type { Constant, NumberArrays, NumberType } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import type { Operands } from "../operands.ts";

/** Numbers of any type. */
export type Numbers = NumberArrays[NumberType];

/** The outputs of a node with attributes `A` of which all inputs are constant; `outputs` are their types and shapes. */
export type Evaluator<A> = (at: Operands, attributes: A, outputs: readonly KnownInfo[]) => readonly Constant[];

/** Evaluators by operator. */
export type Evaluators<T extends OpType> = { readonly [K in T]: Evaluator<Attributes[K]> };

/** Zeros. */
export function allocate(type: NumberType, length: number): Numbers {
  switch (type) {
    case "float32":
      return new Float32Array(length);
    case "int64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "int8":
      return new Int8Array(length);
    case "uint8":
    case "bool":
      return new Uint8Array(length);
  }
}

/** A constant of these numbers, which are of `type`'s array. */
export function constantOf({ type, shape }: KnownInfo, data: Numbers): Constant {
  return { type, shape, data } as Constant;
}

/** A constant of zeros. */
export function zeros(info: KnownInfo): Constant {
  return constantOf(info, allocate(info.type, elementCount(info.shape)));
}

/** The one output of an operator that has one. */
export function only(outputs: readonly KnownInfo[]): KnownInfo {
  const [output] = outputs;
  if (output === undefined) throw new RangeError("an operator without outputs");
  return output;
}

/** Makes int64s whole again: what exceeds the type ends at its bounds, and what is no number becomes 0. */
export function wholeNumbers({ type, data }: Constant): void {
  if (type !== "int64") return;
  for (let i = 0; i < data.length; i++) data[i] = wholeNumber(data[i] ?? 0);
}

const INT64_END = 2 ** 63;

/** The int64 nearest below in magnitude. */
export function wholeNumber(value: number): number {
  if (Number.isNaN(value)) return 0;
  // Adding 0 turns -0 into 0.
  return Math.min(Math.max(Math.trunc(value), -INT64_END), INT64_END) + 0;
}

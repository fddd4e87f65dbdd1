/** Evaluates what makes tensors from shapes, and weights from small integers. */
import type { Attributes } from "../../attributes.ts";
import type { Constant } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { dequantizationBlocks } from "../infer/shapes.ts";
import type { Operands } from "../operands.ts";
import { type Evaluators, only, zeros } from "./evaluator.ts";

function constantOfShape(
  _: Operands,
  { value }: Attributes["ConstantOfShape"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const result = zeros(only(outputs));
  if (value !== 0) result.data.fill(value);
  return [result];
}

function range(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const result = zeros(only(outputs));
  const [start = 0] = at.known(0).data;
  const [delta = 0] = at.known(2).data;
  for (let i = 0; i < result.data.length; i++) result.data[i] = start + i * delta;
  return [result];
}

/** `(x - zeroPoint) * scale`, the product rounded to float32 once. */
function dequantizeLinear(
  at: Operands,
  attributes: Attributes["DequantizeLinear"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const { outer, size, inner, block, shared } = dequantizationBlocks(at, attributes);
  const { type, data } = at.known(0);
  const { data: scales } = at.known(1);
  const zeroPoints = at.constant(2)?.data;
  const { shape } = only(outputs);
  const y = new Float32Array(data.length);
  const blocks = Math.ceil(size / block);
  let begin = 0;
  for (let row = 0; row < outer; row++) {
    for (let i = 0; i < size; i++) {
      const scaleAt = shared ? i : (row * blocks + Math.floor(i / block)) * inner;
      if (!shared) {
        for (let k = 0; k < inner; k++) {
          y[begin + k] = ((data[begin + k] ?? 0) - (zeroPoints?.[scaleAt + k] ?? 0)) * (scales[scaleAt + k] ?? 0);
        }
      } else {
        scaleRun(type, data, y, begin, begin + inner, scales[scaleAt] ?? 0, zeroPoints?.[scaleAt] ?? 0);
      }
      begin += inner;
    }
  }
  return [{ type: "float32", shape, data: y }];
}

/** A loop for each type: one that sees several array types takes 4 times as long. */
const loops = {
  int8: (x: Int8Array, y: Float32Array, from: number, to: number, scale: number, zero: number): void => {
    for (let i = from; i < to; i++) y[i] = ((x[i] ?? 0) - zero) * scale;
  },
  uint8: (x: Uint8Array, y: Float32Array, from: number, to: number, scale: number, zero: number): void => {
    for (let i = from; i < to; i++) y[i] = ((x[i] ?? 0) - zero) * scale;
  },
  other: (x: ArrayLike<number>, y: Float32Array, from: number, to: number, scale: number, zero: number): void => {
    for (let i = from; i < to; i++) y[i] = ((x[i] ?? 0) - zero) * scale;
  },
};

function scaleRun(
  type: Constant["type"],
  x: Constant["data"],
  y: Float32Array,
  from: number,
  to: number,
  scale: number,
  zero: number,
): void {
  if (type === "int8" && x instanceof Int8Array) loops.int8(x, y, from, to, scale, zero);
  else if (type === "uint8" && x instanceof Uint8Array) loops.uint8(x, y, from, to, scale, zero);
  else loops.other(x, y, from, to, scale, zero);
}

/** Evaluators of what makes tensors. */
export const shapes: Evaluators<"ConstantOfShape" | "Range" | "DequantizeLinear"> = {
  ConstantOfShape: constantOfShape,
  Range: range,
  DequantizeLinear: dequantizeLinear,
};

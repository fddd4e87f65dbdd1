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

/** `(x - zeroPoint) * scale`, rounded to float32 once. */
function dequantizeLinear(
  at: Operands,
  attributes: Attributes["DequantizeLinear"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const { outer, size, inner, block, shared } = dequantizationBlocks(at, attributes);
  const { shape } = only(outputs);
  const { data } = at.known(0);
  const scales = Float32Array.from(at.known(1).data);
  const zeroPoints = new Float64Array(scales.length);
  zeroPoints.set(at.constant(2)?.data ?? []);
  const y = new Float32Array(data.length);
  // As float32 first: int8 and uint8 are exact, and the loops below see one type of array.
  y.set(data);
  const blocks = Math.ceil(size / block);
  for (let row = 0; row < outer; row++) {
    const begin = row * size * inner;
    if (shared && inner === 1) {
      scaleEach(y, begin, size, scales, zeroPoints, 0);
    } else if (inner === 1) {
      for (let k = 0; k < blocks; k++) {
        const scaleAt = row * blocks + k;
        const length = Math.min(block, size - k * block);
        scaleRun(y, begin + k * block, length, scales[scaleAt] ?? 0, zeroPoints[scaleAt] ?? 0);
      }
    } else {
      for (let i = 0; i < size; i++) {
        const from = begin + i * inner;
        if (shared) scaleRun(y, from, inner, scales[i] ?? 0, zeroPoints[i] ?? 0);
        else scaleEach(y, from, inner, scales, zeroPoints, (row * blocks + Math.floor(i / block)) * inner);
      }
    }
  }
  return [{ type: "float32", shape, data: y }];
}

function scaleRun(y: Float32Array, begin: number, length: number, scale: number, zeroPoint: number): void {
  for (let i = begin; i < begin + length; i++) y[i] = ((y[i] ?? 0) - zeroPoint) * scale;
}

/** Each element by its own of `scales` and `zeroPoints`, from `first` on. */
function scaleEach(
  y: Float32Array,
  begin: number,
  length: number,
  scales: Float32Array,
  zeroPoints: Float64Array,
  first: number,
): void {
  for (let i = 0; i < length; i++) {
    y[begin + i] = ((y[begin + i] ?? 0) - (zeroPoints[first + i] ?? 0)) * (scales[first + i] ?? 0);
  }
}

/** Evaluators of what makes tensors. */
export const shapes: Evaluators<"ConstantOfShape" | "Range" | "DequantizeLinear"> = {
  ConstantOfShape: constantOfShape,
  Range: range,
  DequantizeLinear: dequantizeLinear,
};

/** What a `Resize` makes of each axis. */
import { formatShape } from "../../shape.ts";
import type { ResizeAttributes } from "../attributes.ts";
import type { Operands } from "./operands.ts";

/** One number for each axis of the input; axes that the node does not name keep their size. */
export interface ResizeGeometry {
  readonly output: readonly number[];
  /** The scale by which coordinates are found, as given; where sizes are given, output / input. */
  readonly scales: readonly number[];
  /** The part of each axis that `tf_crop_and_resize` shows, as fractions: 0 to 1 unless given. */
  readonly roi: readonly (readonly [from: number, to: number])[];
}

/** Sizes and scales of a `Resize`. */
export function resizeGeometry(at: Operands, attributes: ResizeAttributes): ResizeGeometry {
  const input = at.shape(0);
  const all = input.map((_, axis) => axis);
  const axes = attributes.axes.length === 0 ? all : at.axes(attributes.axes, input.length);
  const roi = regions(at, attributes, input.length, axes);
  const [scales, sizes] = [given(at, 2), given(at, 3)];
  if ((scales === undefined) === (sizes === undefined)) throw at.invalid("expected either scales or sizes");
  const output = [...input];
  const factors = input.map(() => 1);
  if (scales !== undefined) {
    expectOneEach(at, "scales", scales, axes);
    for (const [index, axis] of axes.entries()) {
      const scale = scales[index] ?? 1;
      if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) {
        throw at.invalid(`scales has ${scale} for axis ${axis}; expected a positive number`);
      }
      const [from, to] = roi[axis] ?? [0, 1];
      factors[axis] = scale;
      // In float32, as onnxruntime and ONNX's own inference multiply: 10 * 0.7f is 7, not 6.9999998.
      output[axis] = Math.floor(Math.fround(Math.fround((input[axis] ?? 0) * Math.fround(to - from)) * scale));
    }
  } else if (sizes !== undefined) {
    expectOneEach(at, "sizes", sizes, axes);
    for (const [axis, size] of fitted(attributes, input, axes, sizes)) {
      if (!Number.isInteger(size) || size < 1)
        throw at.invalid(`sizes has ${size} for axis ${axis}; expected 1 or more`);
      const [from, to] = roi[axis] ?? [0, 1];
      output[axis] = size;
      factors[axis] = size / ((input[axis] ?? 0) * (to - from));
    }
  }
  const empty = output.findIndex((size, axis) => size < 1 && (input[axis] ?? 0) > 0);
  if (empty !== -1)
    throw at.empty(`axis ${empty} of ${input[empty] ?? 0} elements scaled by ${factors[empty] ?? 1} is empty`);
  return { output, scales: factors, roi };
}

/** An operand's numbers; exporters give an empty tensor for one that is not there. */
function given(at: Operands, index: number): readonly number[] | undefined {
  if (!at.has(index) || at.shape(index).includes(0)) return undefined;
  return at.numbers(index);
}

function expectOneEach(at: Operands, what: string, values: readonly number[], axes: readonly number[]): void {
  if (values.length === axes.length) return;
  throw at.invalid(`${what} has ${values.length} elements; expected ${axes.length}, one for each axis`);
}

function regions(
  at: Operands,
  { coordinateTransformationMode }: ResizeAttributes,
  rank: number,
  axes: readonly number[],
): readonly (readonly [number, number])[] {
  const whole = Array.from({ length: rank }, (): readonly [number, number] => [0, 1]);
  if (coordinateTransformationMode !== "tf_crop_and_resize") return whole;
  const roi = given(at, 1);
  if (roi === undefined) throw at.invalid("tf_crop_and_resize needs roi");
  if (roi.length !== 2 * axes.length || !roi.every(Number.isFinite)) {
    throw at.invalid(`roi is ${formatShape(roi)}; expected ${2 * axes.length} numbers, two for each axis`);
  }
  for (const [index, axis] of axes.entries()) whole[axis] = [roi[index] ?? 0, roi[index + axes.length] ?? 1];
  return whole;
}

/** Sizes by axis, as the aspect ratio's policy has them. */
function fitted(
  { keepAspectRatioPolicy }: ResizeAttributes,
  input: readonly number[],
  axes: readonly number[],
  sizes: readonly number[],
): readonly (readonly [axis: number, size: number])[] {
  if (keepAspectRatioPolicy === "stretch") return axes.map((axis, index) => [axis, sizes[index] ?? 0]);
  const ratios = axes.map((axis, index) => (sizes[index] ?? 0) / (input[axis] ?? 0));
  const ratio = keepAspectRatioPolicy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis) => [axis, Math.floor(ratio * (input[axis] ?? 0) + 0.5)]);
}

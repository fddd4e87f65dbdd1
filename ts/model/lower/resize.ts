/** Other sizes: by the core's resize where that does the same, else axis by axis. */
import { elementCount, type Shape } from "../../shape.ts";
import type { ResizeAttributes } from "../attributes.ts";
import { floats } from "../constant.ts";
import type { Node, ValueName } from "../graph.ts";
import { channelsLast, type Order, physicalShape } from "../layout.ts";
import { type ResizedAxis, tapsOf } from "../resampling.ts";
import { resizeGeometry } from "../specialise/resize.ts";
import type { Held, Lowering, Temporary } from "./lowering.ts";
import { temporary } from "./lowering.ts";
import { imageWords } from "./window.ts";

export function resize(node: Node<"Resize">, to: Lowering): void {
  const { attributes } = node;
  const [x] = node.inputs;
  const [name] = node.outputs;
  const { output, scales, roi } = resizeGeometry(to.operands(node), attributes);
  const shape = to.shape(x);
  const changed = shape.flatMap((input, axis): (ResizedAxis & { readonly axis: number })[] => {
    const resized = { axis, input, output: output[axis] ?? 1, scale: scales[axis] ?? 1, roi: roi[axis] ?? [0, 1] };
    return isWhole(resized, attributes) ? [] : [resized];
  });
  const codes = nativeCodes(attributes, changed);
  if (codes !== undefined && (shape.length === 3 || shape.length === 4) && changed.every(({ axis }) => axis > 1)) {
    const order = channelsLast(shape.length);
    const [, outH, outW] = imageWords(to, output);
    const words = [0, ...imageWords(to, shape), outH, outW, ...codes];
    to.emit("resize2d", [to.operand(x, order)], [to.result(name, order)], words);
    return;
  }
  axisByAxis(to, x, name, changed, attributes);
}

/** Whether an axis stays as it is. */
function isWhole(
  { input, output, scale, roi }: ResizedAxis,
  { coordinateTransformationMode }: ResizeAttributes,
): boolean {
  const cropped = coordinateTransformationMode === "tf_crop_and_resize" && (roi[0] !== 0 || roi[1] !== 1);
  return input === output && scale === 1 && !cropped;
}

/** The core's codes of mode and coordinates; undefined if it does not do the same. */
function nativeCodes(
  { mode, coordinateTransformationMode, nearestMode, antialias, excludeOutside }: ResizeAttributes,
  axes: readonly ResizedAxis[],
): readonly [mode: number, coordinates: number] | undefined {
  if (mode === "cubic" || excludeOutside) return undefined;
  // The core knows sizes only: a scale must be theirs.
  if (axes.some(({ input, output, scale }) => Math.abs(scale * input - output) > 1e-4)) return undefined;
  if (mode === "linear" && antialias && axes.some(({ scale }) => scale < 1)) return undefined;
  const rounds = nearestMode === "round_prefer_floor";
  switch (coordinateTransformationMode) {
    case "asymmetric":
      return mode === "linear" ? [1, 2] : nearestMode === "floor" ? [0, 2] : undefined;
    case "align_corners":
      return mode === "linear" ? [1, 1] : rounds ? [0, 1] : undefined;
    case "pytorch_half_pixel":
      if (axes.some(({ output }) => output === 1)) return undefined;
      return mode === "linear" ? [1, 0] : rounds ? [0, 0] : undefined;
    case "half_pixel":
    case "half_pixel_symmetric":
      return mode === "linear" ? [1, 0] : rounds ? [0, 0] : undefined;
    case "tf_crop_and_resize":
      return undefined;
  }
}

function axisByAxis(
  to: Lowering,
  x: ValueName | undefined,
  name: ValueName | undefined,
  axes: readonly (ResizedAxis & { readonly axis: number })[],
  attributes: ResizeAttributes,
): void {
  let held = to.held(x);
  for (const [i, resized] of axes.entries()) {
    const { axis } = resized;
    const shape = held.shape.map((size, each) => (each === axis ? resized.output : size));
    const isLast = i === axes.length - 1;
    const make = (order: Order): Temporary => (isLast ? to.result(name, order) : temporary(elementCount(shape)));
    held = resample(to, held, axis, shape, tapsOf(resized, attributes), attributes, make);
  }
  // Nothing changes at all.
  if (axes.length === 0) to.define(name, held);
}

function resample(
  to: Lowering,
  held: Held,
  axis: number,
  shape: Shape,
  taps: ReturnType<typeof tapsOf>,
  attributes: ResizeAttributes,
  make: (order: Order) => Temporary,
): Held {
  const input = held.shape[axis] ?? 1;
  const outputs = taps.length;
  const picks = taps.map(({ indices, weights }) => indices[weights.indexOf(1)]);
  if (picks.every((index) => index !== undefined)) {
    const { order } = held;
    const memory = physicalShape(held.shape, order);
    const place = order.indexOf(axis);
    const words = [elementCount(memory.slice(0, place)), input, elementCount(memory.slice(place + 1)), outputs];
    const indices = { kind: "weight", constant: floats(Float32Array.from(picks)) } as const;
    const buffer = make(order);
    to.emit("gather", [held.buffer, indices], [buffer], words);
    return { buffer, shape, order };
  }
  // A product with a matrix that holds each output element's weights in a column.
  const matrix = new Float32Array(input * outputs);
  const bias = new Float32Array(outputs);
  for (const [i, { indices, weights }] of taps.entries()) {
    if (indices.length === 0) bias[i] = attributes.extrapolationValue;
    indices.forEach((index, k) => {
      matrix[index * outputs + i] = (matrix[index * outputs + i] ?? 0) + (weights[k] ?? 0);
    });
  }
  const order = [...held.order.filter((each) => each !== axis), axis];
  const buffer = make(order);
  const operands = [
    to.inOrder(held, order),
    { kind: "weight", constant: floats(matrix, [input, outputs]) },
    { kind: "weight", constant: floats(bias) },
  ] as const;
  to.emit("dense", operands, [buffer], [elementCount(held.shape) / input, input, outputs, 0, 0, 0, 0]);
  return { buffer, shape, order };
}

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
  const isImage = shape.length === 3 || shape.length === 4;
  const coordinates = COORDINATES.indexOf(attributes.coordinateTransformationMode);
  if (coordinates >= 0 && isImage && changed.every(({ axis }) => axis > 1)) {
    const order = channelsLast(shape.length);
    const [, outH, outW] = imageWords(to, output);
    const words = [0, ...imageWords(to, shape), outH, outW, MODES.indexOf(attributes.mode), coordinates];
    const particulars = [ROUNDINGS.indexOf(attributes.nearestMode), attributes.cubicCoeffA];
    const flags = [attributes.excludeOutside ? 1 : 0, attributes.antialias ? 1 : 0];
    // Scales that are those of the sizes the core knows exactly; as float32 they might fall on the other side of a tie.
    const exact = changed.every(({ input, output: size, scale }) => Math.abs(scale * input - size) < 1e-4);
    const [scaleH, scaleW] = exact ? [0, 0] : imageScales(scales);
    to.emit(
      "resize2d",
      [to.operand(x, order)],
      [to.result(name, order)],
      [...words, ...particulars, ...flags, scaleH, scaleW],
    );
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

/** Scales of rows and columns. */
function imageScales([, , ...scales]: readonly number[]): readonly [h: number, w: number] {
  const [a = 1, b] = scales;
  return b === undefined ? [1, a] : [a, b];
}

/** Modes, coordinates and roundings, the core's code the place here; it crops nothing. */
const MODES = ["nearest", "linear", "cubic"] as const;
const COORDINATES: readonly ResizeAttributes["coordinateTransformationMode"][] = [
  "half_pixel",
  "align_corners",
  "asymmetric",
  "pytorch_half_pixel",
  "half_pixel_symmetric",
];
const ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

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

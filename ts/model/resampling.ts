/**
 * How a Resize finds the elements of one axis: which input elements make an output element, and how much of each.
 * After ONNX's own definition (onnx/reference/ops/op_resize.py).
 */
import type { ResizeAttributes } from "./attributes.ts";

/** One axis that is resized. */
export interface ResizedAxis {
  readonly input: number;
  readonly output: number;
  /** The scale that was given; output / input where sizes were. */
  readonly scale: number;
  readonly roi: readonly [from: number, to: number];
}

/** What makes one output element; no taps at all: the extrapolation value does. */
export interface Taps {
  /** Input elements, inside the axis; one may be there several times. */
  readonly indices: readonly number[];
  readonly weights: readonly number[];
}

/** What makes each output element of an axis. */
export function tapsOf(axis: ResizedAxis, attributes: ResizeAttributes): readonly Taps[] {
  return Array.from({ length: axis.output }, (_, i) => tapsAt(i, axis, attributes));
}

function tapsAt(i: number, axis: ResizedAxis, attributes: ResizeAttributes): Taps {
  const x = placeOf(i, axis, attributes);
  if (attributes.coordinateTransformationMode === "tf_crop_and_resize" && (x < 0 || x > axis.input - 1)) {
    return { indices: [], weights: [] };
  }
  // The left neighbour, a whole number's too, so that the ratio lies in (0, 1].
  const left = Math.ceil(x) - 1;
  const coefficients = coefficientsAt(x - left, axis.scale, attributes);
  const first = left + 1 - coefficients.length / 2;
  const inside = (index: number): boolean => index >= 0 && index < axis.input;
  const places = coefficients.map((_, k) => first + k);
  const kept = coefficients.map((weight, k) => (attributes.excludeOutside && !inside(places[k] ?? -1) ? 0 : weight));
  const sum = attributes.excludeOutside ? kept.reduce((total, weight) => total + weight, 0) : 1;
  return {
    indices: places.map((index) => Math.min(Math.max(index, 0), axis.input - 1)),
    weights: kept.map((weight) => weight / sum),
  };
}

/** Where output element `i` lies in the input. */
function placeOf(i: number, { input, output, scale, roi }: ResizedAxis, attributes: ResizeAttributes): number {
  const exact = scale * input;
  switch (attributes.coordinateTransformationMode) {
    case "align_corners":
      return exact === 1 ? 0 : (i * (input - 1)) / (exact - 1);
    case "asymmetric":
      return i / scale;
    case "tf_crop_and_resize": {
      const [from, to] = roi;
      const size = exact * (to - from);
      const within = size === 1 ? ((to - from) * (input - 1)) / 2 : (i * (to - from) * (input - 1)) / (size - 1);
      return within + from * (input - 1);
    }
    case "pytorch_half_pixel":
      return exact === 1 ? -0.5 : (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric":
      return (input / 2) * (1 - output / exact) + (i + 0.5) / scale - 0.5;
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
  }
}

/** Weights of neighbours, as many on either side; `ratio` is how far behind the left neighbour the place lies. */
function coefficientsAt(ratio: number, scale: number, attributes: ResizeAttributes): readonly number[] {
  const { mode, cubicCoeffA: a } = attributes;
  if (mode === "nearest") return nearest(ratio, attributes.nearestMode) ? [0, 1] : [1, 0];
  const reach = mode === "linear" ? 1 : 2;
  const weight = mode === "linear" ? triangle : (x: number): number => cubic(x, a);
  const stretch = attributes.antialias ? Math.min(scale, 1) : 1;
  const first = Math.floor(-reach / stretch) + 1;
  const weights = Array.from({ length: 2 - 2 * first }, (_, k) => weight(Math.abs((first + k - ratio) * stretch)));
  if (!attributes.antialias) return weights;
  const sum = weights.reduce((total, each) => total + each, 0);
  return weights.map((each) => each / sum);
}

/** Whether the right neighbour is the nearest. */
function nearest(ratio: number, mode: ResizeAttributes["nearestMode"]): boolean {
  if (ratio === 1 || mode === "ceil") return true;
  if (mode === "floor") return false;
  return mode === "round_prefer_floor" ? ratio > 0.5 : ratio >= 0.5;
}

function triangle(x: number): number {
  return Math.max(1 - x, 0);
}

/** Keys' cubic; `a` is -0.75 for most, -0.5 for Catmull-Rom. */
function cubic(x: number, a: number): number {
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

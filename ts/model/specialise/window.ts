/** Windows that slide over the axes behind batch and channels: their pads where they are to be found, and their places. */
import { isCount, MAX_AXIS } from "../../options.ts";
import { extent, formatShape } from "../../shape.ts";
import type { ConvTransposeAttributes, WindowAttributes } from "../attributes.ts";
import type { Operands } from "./operands.ts";

/** A window over known sizes. */
export interface WindowGeometry {
  /** As the node has them, but all there: `autoPad` is `"NOTSET"`. */
  readonly attributes: WindowAttributes;
  /** Places of the window along each axis. */
  readonly output: readonly number[];
}

/** Where a window of `kernel` lies over `input`, sizes without batch and channels. */
export function slideWindow(
  at: Operands,
  given: WindowAttributes,
  input: readonly number[],
  kernel: readonly number[],
  ceilMode = false,
): WindowGeometry {
  const rank = input.length;
  const { strides, dilations, pads } = checkWindow(at, given, kernel, rank);
  const output: number[] = [];
  const found: number[] = [...pads];
  for (let axis = 0; axis < rank; axis++) {
    const size = input[axis] ?? 0;
    const stride = strides[axis] ?? 1;
    const covers = extent(kernel[axis] ?? 1, dilations[axis] ?? 1);
    if (given.autoPad === "SAME_UPPER" || given.autoPad === "SAME_LOWER") {
      const places = Math.ceil(size / stride);
      const total = Math.max((places - 1) * stride + covers - size, 0);
      const less = Math.floor(total / 2);
      const [begin, end] = given.autoPad === "SAME_UPPER" ? [less, total - less] : [total - less, less];
      found[axis] = begin;
      found[axis + rank] = end;
    }
    const begin = found[axis] ?? 0;
    const padded = size + begin + (found[axis + rank] ?? 0);
    // Rounding up, a single window may reach beyond the padded input, by less than a stride.
    if (covers > padded + (ceilMode ? stride - 1 : 0)) {
      const text = `the window covers ${covers} elements of spatial axis ${axis}, the padded input has ${padded}`;
      throw at.empty(`${text}; the network needs a larger input`);
    }
    const steps = (padded - covers) / stride;
    let places = (ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A last window that would begin in the end padding is dropped (PyTorch; ONNX since opset 19; onnxruntime).
    if (ceilMode && (places - 1) * stride >= size + begin) places -= 1;
    output.push(places);
  }
  return { attributes: { strides, dilations, pads: found, autoPad: "NOTSET" }, output };
}

/** A transposed convolution over known sizes; `outputShape` of its attributes is empty. */
export interface TransposedGeometry {
  readonly attributes: ConvTransposeAttributes;
  readonly output: readonly number[];
}

/** What a transposed convolution makes of `input`, sizes without batch and channels. */
export function slideTransposed(
  at: Operands,
  given: ConvTransposeAttributes,
  input: readonly number[],
  kernel: readonly number[],
): TransposedGeometry {
  const rank = input.length;
  const { strides, dilations, pads } = checkWindow(at, given, kernel, rank);
  const outputPadding = [...spread(at, "outputPadding", given.outputPadding, rank, 0, 0)];
  const same = given.autoPad === "SAME_UPPER" || given.autoPad === "SAME_LOWER";
  const wanted = given.outputShape.length > 0 ? spread(at, "outputShape", given.outputShape, rank, 1, 1) : undefined;
  const found = [...pads];
  const output: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const size = input[axis] ?? 0;
    const stride = strides[axis] ?? 1;
    const extra = outputPadding[axis] ?? 0;
    const full = stride * (size - 1) + extent(kernel[axis] ?? 1, dilations[axis] ?? 1) + extra;
    const target = wanted?.[axis] ?? (same ? size * stride : undefined);
    if (target !== undefined) {
      // More than the windows reach is added at the end, as onnxruntime does.
      const total = Math.max(full - target, 0);
      outputPadding[axis] = extra + Math.max(target - full, 0);
      const less = Math.floor(total / 2);
      const [begin, end] = given.autoPad === "SAME_UPPER" ? [less, total - less] : [total - less, less];
      found[axis] = begin;
      found[axis + rank] = end;
    }
    const places = target ?? full - (found[axis] ?? 0) - (found[axis + rank] ?? 0);
    if (places < 1) {
      const text = `spatial axis ${axis} would have ${places} elements: the pads take all ${full}`;
      throw at.empty(`${text}; the network needs a larger input`);
    }
    output.push(places);
  }
  const { group } = given;
  const attributes = { strides, dilations, pads: found, autoPad: "NOTSET", group, outputPadding, outputShape: [] };
  return {
    attributes: { ...attributes, autoPad: "NOTSET", ...(given.activation && { activation: given.activation }) },
    output,
  };
}

/** Strides, dilations and pads with what is left out filled in; pads are 0 where they are still to be found. */
function checkWindow(
  at: Operands,
  given: WindowAttributes,
  kernel: readonly number[],
  rank: number,
): Omit<WindowAttributes, "autoPad"> {
  if (kernel.length !== rank || !kernel.every((size) => isCount(size, 1))) {
    throw at.invalid(`the window is ${formatShape(kernel)}; expected ${rank} positive sizes`);
  }
  return {
    strides: spread(at, "strides", given.strides, rank, 1, 1),
    dilations: spread(at, "dilations", given.dilations, rank, 1, 1),
    pads: spread(at, "pads", given.autoPad === "NOTSET" ? given.pads : [], 2 * rank, 0, 0),
  };
}

/** `length` whole numbers of `min` or more; `empty` for each if none is given. */
function spread(
  at: Operands,
  what: string,
  given: readonly number[],
  length: number,
  empty: number,
  min: number,
): readonly number[] {
  if (given.length === 0) return new Array<number>(length).fill(empty);
  if (given.length === length && given.every((value) => isCount(value, min))) return given;
  const range = min === 0 ? "integers of 0 or more" : "positive integers";
  throw at.invalid(`${what} is ${formatShape(given)}; expected ${length} ${range}, at most ${MAX_AXIS}`);
}

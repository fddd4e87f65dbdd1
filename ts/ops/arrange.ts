/** Elements in another order or shape, themselves unchanged. */
import { LensletError } from "../errors.ts";
import { checkOptions, invalid, isCount } from "../options.ts";
import { elementCount, formatShape, MAX_RANK, parseAxis, parseShape, type Shape } from "../shape.ts";
import type { DType, Operand, Tensor } from "../tensor.ts";
import { anyTensor, mismatch, operandInput, output, type Plan, type Reshape, tensorInput } from "./plan.ts";

/** Options of `concat`. */
export interface ConcatOptions {
  /** The axis along which the tensors follow one another; a negative one counts from the end. */
  readonly axis: number;
}

/** Options of `flatten`. */
export interface FlattenOptions {
  /** The first axis that is merged with those behind it; a negative one counts from the end. Default 1: keeps the batch. */
  readonly axis?: number | undefined;
}

/** Most tensors of one call, given what the core takes at a time. */
const MAX_CONCAT = 1024;

/** Tensors one behind the other along an axis. */
export function concat(call: string, tensors: readonly Operand[], options: ConcatOptions): Plan {
  checkOptions(call, options, ["axis"]);
  if (!Array.isArray(tensors) || tensors.length === 0 || tensors.length > MAX_CONCAT) {
    throw invalid(call, "tensors", tensors, `an array of 1 to ${MAX_CONCAT} tensors`);
  }
  const inputs = tensors.map((tensor: Operand, i) => operandInput(call, `tensors[${i}]`, tensor));
  const first: Shape = inputs[0]?.shape ?? [];
  const axis = parseAxis(call, "axis", options.axis, first.length);
  for (const { argument, shape } of inputs) {
    if (shape.length === first.length && shape.every((size, i) => i === axis || size === first[i])) continue;
    const text = `has shape ${formatShape(shape)}, tensors[0] has ${formatShape(first)}; expected the same sizes but on axis ${axis}`;
    throw mismatch(call, argument, text);
  }
  const total = inputs.reduce((sum, { shape }) => sum + (shape[axis] ?? 1), 0);
  const behind = elementCount(first.slice(axis + 1));
  return {
    call,
    op: "concat",
    inputs,
    outputs: [
      output(
        call,
        first.map((size, i) => (i === axis ? total : size)),
      ),
    ],
    words: [elementCount(first.slice(0, axis)), ...inputs.map(({ shape }) => (shape[axis] ?? 1) * behind)],
  };
}

/** Axes in another order. */
export function transpose(call: string, x: Tensor, perm?: readonly number[]): Plan {
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const order = perm === undefined ? shape.map((_, i) => shape.length - 1 - i) : perm;
  if (!Array.isArray(order) || order.length !== shape.length || !shape.every((_, i) => order.includes(i))) {
    throw invalid(
      call,
      "perm",
      perm,
      `each of the axes 0 to ${shape.length - 1} once, for x of shape ${formatShape(shape)}`,
    );
  }
  return {
    call,
    op: "transpose",
    inputs: [input],
    outputs: [
      output(
        call,
        order.map((axis: number) => shape[axis] ?? 1),
      ),
    ],
    words: [shape.length, ...shape, ...order],
  };
}

/** The same elements under another shape, in which one size may be -1: what is left over. */
export function reshape<D extends DType>(call: string, x: Tensor<D>, shape: Shape): Reshape<D> {
  const of = anyTensor(call, "x", x);
  const given: readonly unknown[] = Array.isArray(shape) ? shape : [];
  const holes = given.filter((size) => size === -1).length;
  if (holes === 0) {
    const sizes = parseShape(call, "shape", shape);
    if (elementCount(sizes) === of.size) return { call, of, shape: sizes };
    const text = `is ${formatShape(sizes)} of ${elementCount(sizes)} elements, x has ${of.size} (shape ${formatShape(of.shape)}); expected as many`;
    throw mismatch(call, "shape", text);
  }
  if (
    holes > 1 ||
    given.length > MAX_RANK ||
    !given.every((size) => size === -1 || isCount(size, 1, Number.MAX_SAFE_INTEGER))
  ) {
    throw invalid(call, "shape", shape, "up to 8 positive integers, one of which may be -1");
  }
  const rest = -elementCount(given as Shape);
  if (of.size % rest !== 0) {
    const text = `is ${formatShape(given as Shape)}, whose other sizes make ${rest}; expected a divisor of the ${of.size} elements of x`;
    throw mismatch(call, "shape", text);
  }
  return { call, of, shape: Object.freeze(given.map((size) => (size === -1 ? of.size / rest : Number(size)))) };
}

/** Merges the axes from `axis` on. */
export function flatten<D extends DType>(call: string, x: Tensor<D>, options: FlattenOptions = {}): Reshape<D> {
  checkOptions(call, options, ["axis"]);
  const { shape } = anyTensor(call, "x", x);
  const axis = options.axis ?? 1;
  // One beyond the last axis merges nothing and adds an axis of 1: a vector [n] becomes [n, 1], as in ONNX.
  if (axis !== shape.length) parseAxis(call, "axis", axis, shape.length);
  const from = axis < 0 ? axis + shape.length : axis;
  if (from === MAX_RANK) {
    throw new LensletError(
      "invalid-argument",
      `${call}: axis is ${axis}; expected less than ${MAX_RANK}, the most axes`,
      { argument: "axis" },
    );
  }
  return { call, of: x, shape: Object.freeze([...shape.slice(0, from), elementCount(shape.slice(from))]) };
}

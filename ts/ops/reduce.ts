/** Many elements to one: sums, means and extremes along axes, and where the extremes are. */
import { checkOptions, count, flag, invalid } from "../options.ts";
import { elementCount, parseAxis, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { output, type Plan, tensorInput } from "./plan.ts";

/** Options of reductions. */
export interface ReduceOptions {
  /** Axes that are reduced; negative ones count from the end. Default all. */
  readonly axes?: number | readonly number[] | undefined;
  /** Whether they stay, with one element each. Default false. */
  readonly keepAxes?: boolean | undefined;
}

/** Options of `argMax` and `argMin`. */
export interface ArgOptions {
  /** The axis along which to look; a negative one counts from the end. Default -1. */
  readonly axis?: number | undefined;
  /** Whether it stays, with one element. Default false. */
  readonly keepAxis?: boolean | undefined;
}

/** Options of `topK`. */
export interface TopKAxisOptions {
  /** How many: up to the size of the axis. */
  readonly k: number;
  /** The axis along which to look; a negative one counts from the end. Default -1. */
  readonly axis?: number | undefined;
  /** The largest, or with false the smallest. Default true. */
  readonly largest?: boolean | undefined;
}

/** Reductions; the core's code is the place here. */
const REDUCTIONS = [
  "reduceSum",
  "reduceMean",
  "reduceMax",
  "reduceMin",
  "reduceProd",
  "reduceSumSquare",
  "reduceL1",
  "reduceL2",
  "reduceLogSum",
  "reduceLogSumExp",
] as const;

/** The name of a reduction. */
export type ReductionName = (typeof REDUCTIONS)[number];

/** A shape without an axis, or with one element on it. */
function without(shape: Shape, isGone: (axis: number) => boolean, keep: boolean): Shape {
  return keep ? shape.map((size, i) => (isGone(i) ? 1 : size)) : shape.filter((_, i) => !isGone(i));
}

/** Reduces axes of a tensor. */
export function reduce(call: ReductionName, x: Tensor, options: ReduceOptions = {}): Plan {
  checkOptions(call, options, ["axes", "keepAxes"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const { axes = shape.map((_, i) => i) } = options;
  const keep = flag(call, "keepAxes", options.keepAxes ?? false);
  const given: readonly unknown[] = Array.isArray(axes) ? axes : [axes];
  const reduced = new Set(given.map((axis) => parseAxis(call, "axes", axis, shape.length)));
  if (reduced.size !== given.length) throw invalid(call, "axes", axes, "each axis once");
  const mask = shape.map((_, i) => (reduced.has(i) ? 1 : 0));
  return {
    call,
    op: "reduce",
    inputs: [input],
    outputs: [
      output(
        call,
        without(shape, (i) => reduced.has(i), keep),
      ),
    ],
    words: [REDUCTIONS.indexOf(call), shape.length, ...shape, ...mask],
  };
}

/** Elements before, along and behind an axis. */
function around(shape: Shape, axis: number): readonly [outer: number, size: number, inner: number] {
  return [elementCount(shape.slice(0, axis)), shape[axis] ?? 1, elementCount(shape.slice(axis + 1))];
}

/** Where along an axis the largest or smallest elements are, as float32. */
export function argReduce(call: "argMax" | "argMin", x: Tensor, options: ArgOptions = {}): Plan {
  checkOptions(call, options, ["axis", "keepAxis"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const axis = parseAxis(call, "axis", options.axis ?? -1, shape.length);
  const keep = flag(call, "keepAxis", options.keepAxis ?? false);
  return {
    call,
    op: "argReduce",
    inputs: [input],
    outputs: [
      output(
        call,
        without(shape, (i) => i === axis, keep),
      ),
    ],
    words: [call === "argMin" ? 1 : 0, 0, ...around(shape, axis)],
  };
}

/** The best elements along an axis, and where they are, as float32. */
export function topK(call: string, x: Tensor, options: TopKAxisOptions): Plan {
  checkOptions(call, options, ["k", "axis", "largest"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const axis = parseAxis(call, "axis", options.axis ?? -1, shape.length);
  const size = shape[axis] ?? 1;
  const k = count(call, "k", options.k);
  if (k > size) throw invalid(call, "k", k, `at most ${size}, the size of axis ${axis}`);
  const largest = flag(call, "largest", options.largest ?? true);
  const found = output(
    call,
    shape.map((each, i) => (i === axis ? k : each)),
  );
  const words = [...around(shape, axis), k, largest ? 1 : 0, 1];
  return { call, op: "topK", inputs: [input], outputs: [found, found], words };
}

/** Whole numbers in float32 as int32. */
export function toInt32(call: string, x: Tensor): Plan {
  const input = tensorInput(call, "x", x);
  return { call, op: "toInt32", inputs: [input], outputs: [output(call, input.shape, "int32")], words: [] };
}

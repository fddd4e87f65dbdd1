/** Elements chosen: by a condition, by index, by ranges; and repeated. */
import { checkOptions, invalid, isCount } from "../options.ts";
import { elementCount, formatShape, MAX_RANK, parseAxis, parseShape, type Shape } from "../shape.ts";
import type { Tensor, VectorOperand } from "../tensor.ts";
import { type ArithmeticOperand, arithmeticInput, broadcast } from "./elementwise.ts";
import { looseInput, mismatch, output, type Plan, tensorInput } from "./plan.ts";

/** Options of `slice`; each list has one number an axis, and may be shorter: the axes behind are whole. */
export interface SliceOptions {
  /** The first element; a negative one counts from the end. Default 0, or with a negative step the last element. */
  readonly start?: readonly number[] | undefined;
  /**
   * The element before which to stop; a negative one counts from the end, one beyond the axis means its end. Default to the
   * end, or with a negative step to the beginning.
   */
  readonly end?: readonly (number | undefined)[] | undefined;
  /** From one element to the next; a negative step goes backwards. Default 1. */
  readonly step?: readonly number[] | undefined;
}

/** Options of `gather`. */
export interface GatherOptions {
  /** The axis along which to pick; a negative one counts from the end. Default 0. */
  readonly axis?: number | undefined;
}

/** A shape with axes of 1 in front. */
function lifted(shape: Shape, rank: number): readonly number[] {
  return [...Array<number>(rank - shape.length).fill(1), ...shape];
}

/** `a` where the condition is not 0, else `b`. */
export function where(call: string, condition: Tensor, a: ArithmeticOperand, b: ArithmeticOperand): Plan {
  const inputs = [
    tensorInput(call, "condition", condition),
    arithmeticInput(call, "a", a),
    arithmeticInput(call, "b", b),
  ] as const;
  const [c, x, y] = inputs;
  const shape = broadcast(call, broadcast(call, c.shape, x.shape, ["a", "condition"]), y.shape, ["b", "the rest"]);
  const words = [shape.length, ...inputs.flatMap((input) => lifted(input.shape, shape.length))];
  return { call, op: "where", inputs, outputs: [output(call, shape)], words };
}

/** A part of a tensor. */
export function slice(call: string, x: Tensor, options: SliceOptions): Plan {
  checkOptions(call, options, ["start", "end", "step"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const list = (name: "start" | "end" | "step"): readonly unknown[] => {
    const values: unknown = options[name] ?? [];
    if (Array.isArray(values) && values.length <= shape.length) return values;
    throw invalid(call, name, values, `up to ${shape.length} whole numbers, one for each axis of x`);
  };
  const [starts, ends, steps] = [list("start"), list("end"), list("step")];
  const whole = (name: string, value: unknown, usual: number): number => {
    if (value === undefined) return usual;
    if (isCount(value, -(2 ** 31) + 1, 2 ** 31 - 1)) return value;
    throw invalid(call, name, value, "a whole number");
  };
  const ranges = shape.map((size, i) => {
    const step = whole(`step[${i}]`, steps[i], 1);
    if (step === 0) throw invalid(call, `step[${i}]`, step, "a whole number that is not 0");
    const from = (value: number): number => (value < 0 ? value + size : value);
    // Bounds beyond the axis mean its ends, as in Python.
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamped = (value: number): number => Math.min(Math.max(from(value), low), high);
    const start = starts[i] === undefined ? (step > 0 ? low : high) : clamped(whole(`start[${i}]`, starts[i], 0));
    const end = ends[i] === undefined ? (step > 0 ? high : low) : clamped(whole(`end[${i}]`, ends[i], 0));
    const length = Math.ceil((end - start) / step);
    if (length > 0) return { start, step, length };
    const text = `from ${start} to before ${end} by ${step}`;
    throw invalid(call, `end[${i}]`, ends[i], `an end that leaves elements on axis ${i}, of ${size} (here ${text})`);
  });
  const lengths = ranges.map(({ length }) => length);
  return {
    call,
    op: "slice",
    inputs: [input],
    outputs: [output(call, lengths)],
    words: [shape.length, ...shape, ...ranges.map(({ start }) => start), ...ranges.map(({ step }) => step), ...lengths],
  };
}

/** Parts of a tensor by their indices along an axis. */
export function gather(call: string, x: Tensor, indices: VectorOperand, options: GatherOptions = {}): Plan {
  checkOptions(call, options, ["axis"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const axis = parseAxis(call, "axis", options.axis ?? 0, shape.length);
  const picks = looseInput(call, "indices", indices);
  const [before, behind] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const result = [...before, ...picks.shape, ...behind];
  if (result.length > MAX_RANK) {
    const text = `has shape ${formatShape(picks.shape)}, which makes ${result.length} axes; expected at most ${MAX_RANK}`;
    throw mismatch(call, "indices", text);
  }
  return {
    call,
    op: "gather",
    inputs: [input, picks],
    outputs: [output(call, result)],
    words: [elementCount(before), shape[axis] ?? 1, elementCount(behind), elementCount(picks.shape)],
  };
}

/** A tensor repeated along axes of one element, and along new axes in front. */
export function broadcastTo(call: string, x: Tensor, shape: Shape): Plan {
  const input = tensorInput(call, "x", x);
  const target = parseShape(call, "shape", shape);
  const from = input.shape.length > target.length ? undefined : lifted(input.shape, target.length);
  if (from === undefined || from.some((size, i) => size !== 1 && size !== target[i])) {
    const text = `is ${formatShape(target)}; expected sizes that those of x, ${formatShape(input.shape)}, are equal to, or 1, from the last axis on`;
    throw mismatch(call, "shape", text);
  }
  return {
    call,
    op: "broadcastTo",
    inputs: [input],
    outputs: [output(call, target)],
    words: [target.length, ...from, ...target],
  };
}

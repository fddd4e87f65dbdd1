/** Arithmetic, element by element. */
import { formatShape, type Shape } from "../shape.ts";
import type { Tensor, VectorOperand } from "../tensor.ts";
import { type Input, looseInput, mismatch, output, type Plan, tensorInput } from "./plan.ts";

/** An operand of arithmetic: a tensor, numbers to upload for the call, or one number for all elements. */
export type ArithmeticOperand = VectorOperand | number;

/** Operators of two operands; the core's code is the place here. */
const BINARY = [
  "add",
  "sub",
  "mul",
  "div",
  "min",
  "max",
  "hypot",
  "pow",
  "floorMod",
  "fmod",
  "prelu",
  "equal",
  "less",
  "lessOrEqual",
  "greater",
  "greaterOrEqual",
  "and",
  "or",
  "xor",
] as const;
/** Operators of one operand; the core's code is the place here. Networks alone use `truncate` and `toBool`. */
const UNARY = [
  "abs",
  "neg",
  "sqrt",
  "exp",
  "log",
  "square",
  "reciprocal",
  "erf",
  "floor",
  "ceil",
  "round",
  "sign",
  "not",
  "truncate",
  "toBool",
  "sin",
  "cos",
] as const;

/** The name of an operator of two operands. */
export type BinaryName = (typeof BINARY)[number];
/** The name of an operator of one operand. */
export type UnaryName = (typeof UNARY)[number];

/** `a (op) b` with NumPy's broadcasting: axes are matched from the last one on, and those of size 1 repeat. */
export function binary(call: BinaryName, a: ArithmeticOperand, b: ArithmeticOperand): Plan {
  const inputs = [arithmeticInput(call, "a", a), arithmeticInput(call, "b", b)] as const;
  const [x, y] = [inputs[0].shape, inputs[1].shape];
  return {
    call,
    op: "binary",
    inputs,
    outputs: [output(call, broadcast(call, x, y))],
    words: [BINARY.indexOf(call), x.length, ...x, y.length, ...y],
  };
}

/** A tensor, numbers, or one number as an input. */
export function arithmeticInput(call: string, argument: string, value: ArithmeticOperand): Input {
  if (typeof value !== "number") return looseInput(call, argument, value);
  return { argument, shape: [], value: new Uint8Array(Float32Array.of(value).buffer) };
}

/** The shape of two shapes together; `names` are what the caller calls the second and the first. */
export function broadcast(
  call: string,
  a: Shape,
  b: Shape,
  [name, other]: readonly [string, string] = ["b", "a"],
): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x = 1, y = 1] = [a[a.length - rank + i], b[b.length - rank + i]];
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    const text = `has shape ${formatShape(b)}, ${other} has ${formatShape(a)}; expected sizes that are equal or 1, from the last axis on (here ${x} and ${y})`;
    throw mismatch(call, name, text);
  });
}

/** A function of each element. */
export function unary(call: UnaryName, x: Tensor): Plan {
  const input = tensorInput(call, "x", x);
  return { call, op: "unary", inputs: [input], outputs: [output(call, input.shape)], words: [UNARY.indexOf(call)] };
}

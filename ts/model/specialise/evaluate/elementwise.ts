/** Evaluates functions of elements in the same place. */
import type { Attributes } from "../../attributes.ts";
import type { Constant, NumberType } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { broadcastStrides, stridesOf } from "../broadcast.ts";
import type { Operands } from "../operands.ts";
import { constantOf, type Evaluators, only, wholeNumber, wholeNumbers, zeros } from "./evaluator.ts";
import { eachRow } from "./walk.ts";

type Binary = (a: number, b: number) => number;

type BroadcastOp =
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Pow"
  | "Mod"
  | "Min"
  | "Max"
  | "Sum"
  | "Mean"
  | "Equal"
  | "Less"
  | "LessOrEqual"
  | "Greater"
  | "GreaterOrEqual"
  | "And"
  | "Or"
  | "Xor"
  | "Where"
  | "PRelu"
  | "Clip"
  | "Cast";

function broadcast(a: Constant, b: Constant, info: KnownInfo, f: Binary): Constant {
  const result = zeros(info);
  const { data } = result;
  const [left, right] = [a.data, b.data];
  const strides = [a, b].map(({ shape }) => broadcastStrides(shape, info.shape));
  eachRow(
    info.shape,
    [stridesOf(info.shape), ...strides],
    ([to = 0, i = 0, j = 0], [, stepI = 0, stepJ = 0], length) => {
      for (let k = 0; k < length; k++) data[to + k] = f(left[i + k * stepI] ?? 0, right[j + k * stepJ] ?? 0);
    },
  );
  wholeNumbers(result);
  return result;
}

function binary(f: Binary): (at: Operands, attributes: unknown, outputs: readonly KnownInfo[]) => readonly Constant[] {
  return (at, _, outputs) => [broadcast(at.known(0), at.known(1), only(outputs), f)];
}

/** Any number of inputs, from the left. */
function folded(f: Binary): (at: Operands, attributes: unknown, outputs: readonly KnownInfo[]) => readonly [Constant] {
  return (at, _, outputs) => {
    const info = only(outputs);
    if (at.count === 1) return [at.known(0)];
    let result = broadcast(at.known(0), at.known(1), info, f);
    for (let index = 2; index < at.count; index++) result = broadcast(result, at.known(index), info, f);
    return [result];
  };
}

const truth = (value: boolean): number => (value ? 1 : 0);
const add: Binary = (a, b) => a + b;
const divide: Binary = (a, b) => a / b;

function division(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  if (at.type(0) === "float32") return binary(divide)(at, _, outputs);
  expectNoZero(at);
  return binary((a, b) => Math.trunc(a / b))(at, _, outputs);
}

function modulo(at: Operands, { fmod }: Attributes["Mod"], outputs: readonly KnownInfo[]): readonly Constant[] {
  if (at.type(0) !== "float32") expectNoZero(at);
  // C's fmod has the dividend's sign, as JavaScript's %; the other has the divisor's.
  return binary(fmod ? (a, b) => a % b : (a, b) => ((a % b) + b) % b)(at, undefined, outputs);
}

function expectNoZero(at: Operands): void {
  if (at.known(1).data.includes(0)) throw at.invalid("an integer is divided by 0");
}

function mean(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const [{ shape, data }] = folded(add)(at, _, outputs);
  return [{ type: "float32", shape, data: Float32Array.from(data, (sum) => sum / at.count) }];
}

function where(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const info = only(outputs);
  const result = zeros(info);
  const { data } = result;
  const operands = [0, 1, 2].map((index) => at.known(index));
  const [condition, a, b] = operands.map((operand) => operand.data);
  const strides = operands.map(({ shape }) => broadcastStrides(shape, info.shape));
  if (condition === undefined || a === undefined || b === undefined) return [result];
  eachRow(info.shape, [stridesOf(info.shape), ...strides], (starts, steps, length) => {
    const [to = 0, c = 0, i = 0, j = 0] = starts;
    const [, stepC = 0, stepI = 0, stepJ = 0] = steps;
    for (let k = 0; k < length; k++) {
      data[to + k] = (condition[c + k * stepC] === 0 ? b[j + k * stepJ] : a[i + k * stepI]) ?? 0;
    }
  });
  return [result];
}

function clip(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const result = zeros(only(outputs));
  const { data } = at.known(0);
  const [min = Number.NEGATIVE_INFINITY] = at.constant(1)?.data ?? [];
  const [max = Number.POSITIVE_INFINITY] = at.constant(2)?.data ?? [];
  for (let i = 0; i < data.length; i++) result.data[i] = Math.min(Math.max(data[i] ?? 0, min), max);
  return [result];
}

/** Converts numbers: integers cut the fraction off, and truth is what is not 0. */
function cast(at: Operands, { to }: Attributes["Cast"], outputs: readonly KnownInfo[]): readonly Constant[] {
  const source = at.known(0);
  const info = only(outputs);
  if (source.type === to) return [source];
  const result = zeros(info);
  const { data } = result;
  const { data: from } = source;
  const convert = conversion(source.type, to);
  if (convert === undefined) data.set(from);
  else for (let i = 0; i < from.length; i++) data[i] = convert(from[i] ?? 0);
  return [constantOf(info, data)];
}

/** Undefined: what assignment to the array does. */
function conversion(from: NumberType, to: NumberType): ((value: number) => number) | undefined {
  if (to === "bool") return (value) => truth(value !== 0);
  return from === "float32" && to !== "float32" ? wholeNumber : undefined;
}

/** Evaluators of functions of several elements, and of conversions. */
export const elementwise: Evaluators<BroadcastOp> = {
  Add: binary(add),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: division,
  Pow: binary((a, b) => a ** b),
  Mod: modulo,
  Min: folded(Math.min),
  Max: folded(Math.max),
  Sum: folded(add),
  Mean: mean,
  Equal: binary((a, b) => truth(a === b)),
  Less: binary((a, b) => truth(a < b)),
  LessOrEqual: binary((a, b) => truth(a <= b)),
  Greater: binary((a, b) => truth(a > b)),
  GreaterOrEqual: binary((a, b) => truth(a >= b)),
  And: binary((a, b) => a & b),
  Or: binary((a, b) => a | b),
  Xor: binary((a, b) => a ^ b),
  Where: where,
  PRelu: binary((x, slope) => (x < 0 ? x * slope : x)),
  Clip: clip,
  Cast: cast,
};

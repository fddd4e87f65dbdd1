/** Gradients of functions of elements in the same place. */
import type { OpName } from "../../command.ts";
import { activationWords } from "../../ops/activation.ts";
import { elementCount, type Shape } from "../../shape.ts";
import type { Buffer, LoweredStep } from "../../model/lower/lowering.ts";
import type { Rule } from "./rule.ts";
import { BINARY, broadcast, number, type Site, UNARY } from "./site.ts";

const { add, sub, mul, div, pow, equal, less, greater } = BINARY;

/** Activations whose derivative is computed from their input; of the others from their output. */
const FROM_INPUT: ReadonlySet<number> = new Set(
  (
    ["hardSwish", "silu", "gelu", "mish", "thresholdedRelu", "swish", { type: "gelu", approximate: "tanh" }] as const
  ).map((activation) => activationWords("gradient", activation)[0]),
);
const [LEAKY_RELU, ELU, SELU] = (["leakyRelu", "elu", "selu"] as const).map(
  (activation) => activationWords("gradient", activation)[0],
);

/** Whether an activation, as words, may be part of the operator before it: its output tells its derivative. */
export function isToldByOutput(words: readonly number[]): boolean {
  return !FROM_INPUT.has(words[0] ?? 0) && !isFolded(words);
}

/** Whether an activation that bends at 0 falls on one side of it: its output does not tell the side, which decides its slope. */
function isFolded([code, a = 0, b = 0]: readonly number[]): boolean {
  return ((code === LEAKY_RELU || code === ELU) && a < 0) || (code === SELU && (a < 0 || b < 0));
}

/** An activation as an operator. */
export const activation: Rule = {
  run: (at) => {
    const { words } = at.step;
    const [code = 0] = words;
    if (code === 0 || at.isPastActivation) at.give(0, at.gradient);
    else if (isFolded(words)) at.give(0, unfolded(at, words));
    else at.give(0, derive(at, FROM_INPUT.has(code) ? at.input(0) : at.output, words));
  },
};

/** The gradient of an activation {@link isFolded} is true of: the slope above 0, or that below it, which the output tells there. */
function unfolded(at: Site, [code, alpha = 0, gamma = 1]: readonly number[]): Buffer {
  const { gradient: g, output } = at;
  const { length } = output;
  const isAbove = at.binary(greater, at.input(0), 0, length);
  const above = code === SELU ? at.binary(mul, g, gamma, length) : g;
  const limit = code === SELU ? gamma * alpha : alpha;
  const below = at.binary(mul, g, code === LEAKY_RELU ? alpha : at.binary(add, output, limit), length);
  return at.make("where", [isAbove, above, below], [1, length, length, length], length);
}

/** What keeps an operator from having a gradient: an activation in it whose derivative its result does not tell. */
export function refusesActivation({ op, words }: LoweredStep): string | undefined {
  const activation = ACTIVATION_WORDS[op]?.(words) ?? [];
  if (isToldByOutput(activation)) return undefined;
  return "its activation is one of those that must be nodes of their own to be trained through";
}

/** The gradient in front of an activation that is the last part of an operator. */
export function unfused(at: Site, words: readonly number[]): Buffer {
  const [code = 0] = words;
  return code === 0 || at.isPastActivation ? at.gradient : derive(at, at.output, words);
}

/**
 * The gradient of a maximum over results of an activation, taken through that activation: it is that of the maxima's own
 * values, of which there are fewer.
 */
export function pastActivation(at: Site): Buffer {
  const maker = at.makerOf(0);
  const words = maker === undefined ? undefined : ACTIVATION_WORDS[maker.op]?.(maker.words);
  if (words === undefined || words[0] === 0 || !isToldByOutput(words)) return at.gradient;
  at.passActivation(0);
  return derive(at, at.output, words);
}

/** The words of the activation that ends an operator. */
const ACTIVATION_WORDS: Partial<Record<OpName, (words: readonly number[]) => readonly number[]>> = {
  conv2d: (words) => words.slice(18),
  convTranspose2d: (words) => words.slice(18, 21),
  dense: (words) => words.slice(4),
  activation: (words) => words,
};

function derive(at: Site, values: Buffer, words: readonly number[]): Buffer {
  return at.make("activationGrad", [values, at.gradient], words, at.output.length);
}

/** The gradient of a function of one element. */
type Derivative = (at: Site, x: Buffer, g: Buffer, length: number) => Buffer;

/** By the core's codes. */
const UNARIES: ReadonlyMap<number, Derivative> = new Map<number, Derivative>([
  [0, (at, x, g, n) => at.binary(mul, g, at.unary(UNARY.sign, x, n), n)],
  [1, (at, _, g, n) => at.unary(UNARY.neg, g, n)],
  [2, (at, _, g, n) => at.binary(mul, at.binary(div, g, at.output, n), 0.5)],
  [3, (at, _, g, n) => at.binary(mul, g, at.output, n)],
  [4, (at, x, g, n) => at.binary(div, g, x, n)],
  [5, (at, x, g, n) => at.binary(mul, at.binary(mul, g, x, n), 2)],
  [6, (at, _, g, n) => at.unary(UNARY.neg, at.binary(mul, at.binary(mul, g, at.output, n), at.output))],
  [7, errorFunction],
  [15, (at, x, g, n) => at.binary(mul, g, at.unary(UNARY.cos, x, n), n)],
  [16, (at, x, g, n) => at.unary(UNARY.neg, at.binary(mul, g, at.unary(UNARY.sin, x, n), n))],
]);

/** `2 / √π e^(-x²)` */
function errorFunction(at: Site, x: Buffer, g: Buffer, length: number): Buffer {
  const density = at.unary(UNARY.exp, at.unary(UNARY.neg, at.unary(UNARY.square, x, length)));
  return at.binary(mul, g, at.binary(mul, density, 2 / Math.sqrt(Math.PI)), length);
}

/** Functions of one element; those that round, compare or negate truths are flat. */
export const unary: Rule = {
  flows: ({ words: [code = -1] }) => UNARIES.has(code),
  run: (at) => {
    const derivative = UNARIES.get(at.step.words[0] ?? -1);
    if (derivative !== undefined) at.give(0, derivative(at, at.input(0), at.gradient, at.output.length));
  },
};

/** Two operands that broadcast, as a rule of {@link BINARIES} sees them. */
interface Pair {
  readonly a: Buffer;
  readonly b: Buffer;
  readonly shapes: readonly [Shape, Shape];
  readonly out: Shape;
  /** The gradient of the result. */
  readonly g: Buffer;
}

/** The gradients of both operands, before they are summed over the axes that were broadcast. */
type Partials = readonly [a: (at: Site, pair: Pair) => Buffer, b: (at: Site, pair: Pair) => Buffer];

/** By the core's codes. */
const BINARIES: ReadonlyMap<number, Partials> = new Map<number, Partials>([
  [add, [(_, { g }) => g, (_, { g }) => g]],
  [sub, [(_, { g }) => g, (at, { g }) => at.unary(UNARY.neg, g)]],
  [mul, [(at, pair) => times(at, pair, 1), (at, pair) => times(at, pair, 0)]],
  [div, [(at, { g, b, out, shapes }) => at.broadcastBinary(div, [g, b], [out, shapes[1]]), ofDivisor]],
  [4, [(at, pair) => chosen(at, pair, less), (at, pair) => chosen(at, pair, greater)]],
  [5, [(at, pair) => chosen(at, pair, greater), (at, pair) => chosen(at, pair, less)]],
  [pow, [ofBase, ofExponent]],
  [8, [(_, { g }) => g, (at, pair) => ofModulus(at, pair, UNARY.floor)]],
  [9, [(_, { g }) => g, (at, pair) => ofModulus(at, pair, UNARY.truncate)]],
  [10, [ofSlopedInput, ofSlope]],
]);

/** `g` times an operand. */
function times(at: Site, { a, b, g, out, shapes }: Pair, index: 0 | 1): Buffer {
  return at.broadcastBinary(mul, [g, index === 0 ? a : b], [out, shapes[index]]);
}

/** `-g (a / b) / b` */
function ofDivisor(at: Site, { b, g, out, shapes }: Pair): Buffer {
  const product = at.binary(mul, g, at.output);
  return at.unary(UNARY.neg, at.broadcastBinary(div, [product, b], [out, shapes[1]]));
}

/** `g` where the operand is the chosen one, half of it where both are equal (PyTorch's `maximum`). */
function chosen(at: Site, { a, b, g, shapes }: Pair, comparison: number): Buffer {
  const same = at.binary(mul, at.broadcastBinary(equal, [a, b], shapes), 0.5);
  return at.binary(mul, g, at.binary(add, same, at.broadcastBinary(comparison, [a, b], shapes)));
}

/** `g b a^(b - 1)`, and 0 where b is 0, whatever a is. */
function ofBase(at: Site, { a, b, g, out, shapes }: Pair): Buffer {
  const [, right] = shapes;
  const length = elementCount(right);
  const lowered = at.broadcastBinary(pow, [a, at.binary(sub, b, 1, length)], shapes);
  const slope = at.broadcastBinary(mul, [lowered, b], [out, right]);
  const exponents = at.broadcastTo(b, right, out);
  return at.binary(mul, g, at.where(exponents, slope, 0, elementCount(out)));
}

/** `g a^b ln a`, and 0 where a is 0. */
function ofExponent(at: Site, { a, g, out, shapes: [left] }: Pair): Buffer {
  const length = elementCount(left);
  const logarithm = at.where(a, at.unary(UNARY.log, a, length), 0);
  const product = at.binary(mul, g, at.output);
  return at.broadcastBinary(mul, [product, logarithm], [out, left]);
}

/** `-g` times how often the divisor fits. */
function ofModulus(at: Site, { a, b, g, shapes }: Pair, rounding: number): Buffer {
  const times = at.unary(rounding, at.broadcastBinary(div, [a, b], shapes));
  return at.unary(UNARY.neg, at.binary(mul, g, times));
}

/** PRelu: `g` times the slope where `a` is below 0. */
function ofSlopedInput(at: Site, { a, b, g, out, shapes }: Pair): Buffer {
  const sloped = at.broadcastBinary(mul, [g, b], [out, shapes[1]]);
  const length = elementCount(out);
  const isBelow = at.binary(less, at.broadcastTo(a, shapes[0], out), 0, length);
  return at.make("where", [isBelow, sloped, g], [1, length, length, length], length);
}

/** PRelu: `g a` where `a` is below 0. */
function ofSlope(at: Site, { a, g, out, shapes: [left] }: Pair): Buffer {
  const below = at.make("binary", [a, number(0)], [4, 1, elementCount(left), 0], elementCount(left));
  return at.broadcastBinary(mul, [g, below], [out, left]);
}

function pairOf(at: Site): Pair {
  const [, rank = 0, ...rest] = at.step.words;
  const [left, right] = [rest.slice(0, rank), rest.slice(rank + 1)];
  // Of fewer axes, by numpy's rules, is as of axes of 1 before them.
  const most = Math.max(left.length, right.length);
  const lift = (shape: Shape): Shape => [...new Array<number>(most - shape.length).fill(1), ...shape];
  const shapes = [lift(left), lift(right)] as const;
  return { a: at.input(0), b: at.input(1), shapes, out: broadcast(...shapes), g: at.gradient };
}

/** Functions of two elements; comparisons are flat. */
export const binary: Rule = {
  flows: ({ words: [code = -1] }) => BINARIES.has(code),
  run: (at) => {
    const partials = BINARIES.get(at.step.words[0] ?? -1);
    const pair = pairOf(at);
    for (const index of [0, 1] as const) {
      const partial = partials?.[index];
      if (partial === undefined || !at.wants(index)) continue;
      const shape = pair.shapes[index];
      at.give(index, at.sumTo(partial(at, pair), pair.out, shape), elementCount(shape));
    }
  },
};

/** The chosen operand gets the gradient. */
export const where: Rule = {
  flows: (_, input) => input > 0,
  run: (at) => {
    const [rank = 0, ...sizes] = at.step.words;
    const [condition = [], ...operands] = [0, 1, 2].map((i) => sizes.slice(i * rank, (i + 1) * rank));
    const out = operands.reduce<Shape>(broadcast, condition);
    const length = elementCount(out);
    for (const [i, shape] of operands.entries()) {
      if (!at.wants(i + 1)) continue;
      const choices = i === 0 ? [at.gradient, number(0)] : [number(0), at.gradient];
      const ones = out.map(() => 1);
      const words = [rank, ...condition, ...(i === 0 ? [...out, ...ones] : [...ones, ...out])];
      const part = at.make("where", [at.input(0), ...choices], words, length);
      at.give(i + 1, at.sumTo(part, out, shape), elementCount(shape));
    }
  },
};

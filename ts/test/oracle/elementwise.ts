/** Arithmetic element by element, softmax and batch norm, in float64. */
import { type Expected, sumTolerance, unit, within } from "./compare.ts";
import { erfc } from "./activation.ts";
import { at, type Nd, sizeOf } from "./nd.ts";

/** Operators of two tensors. */
export type BinaryName =
  | ("add" | "sub" | "mul" | "div" | "min" | "max" | "hypot" | "pow" | "floorMod" | "fmod" | "prelu")
  | ("equal" | "less" | "lessOrEqual" | "greater" | "greaterOrEqual" | "and" | "or" | "xor");
/** Operators of one tensor. */
export type UnaryName =
  | ("abs" | "neg" | "sqrt" | "exp" | "log" | "square" | "reciprocal" | "erf" | "floor" | "ceil" | "round" | "sign")
  | ("not" | "sin" | "cos");

const binaries: Readonly<Record<BinaryName, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)),
  max: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)),
  hypot: (a, b) => Math.sqrt(a * a + b * b),
  pow: (a, b) => a ** b,
  floorMod: (a, b) => ((a % b) + b) % b,
  fmod: (a, b) => a % b,
  prelu: (a, b) => (a < 0 ? a * b : a),
  equal: (a, b) => Number(a === b),
  less: (a, b) => Number(a < b),
  lessOrEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterOrEqual: (a, b) => Number(a >= b),
  and: (a, b) => Number(a !== 0 && b !== 0),
  or: (a, b) => Number(a !== 0 || b !== 0),
  xor: (a, b) => Number((a !== 0) !== (b !== 0)),
};

const unaries: Readonly<Record<UnaryName, (x: number) => number>> = {
  abs: Math.abs,
  neg: (x) => -x,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  erf: (x) => 1 - erfc(x),
  floor: Math.floor,
  ceil: Math.ceil,
  round: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
  sign: Math.sign,
  not: (x) => Number(x === 0),
  sin: Math.sin,
  cos: Math.cos,
};

/** The shape of two shapes together, by NumPy's rules. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a[a.length - rank + axis] ?? 1, b[b.length - rank + axis] ?? 1];
    if (left !== right && left !== 1 && right !== 1) throw new RangeError(`[${a.join(", ")}] with [${b.join(", ")}]`);
    return Math.max(left, right);
  });
}

/** Two arrays, broadcast. One rounding each; a hypotenuse has four, and so may a power. */
export function binary(name: BinaryName, a: Nd, b: Nd): Expected {
  const shape = broadcastShape(a.shape, b.shape);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, flat) =>
    binaries[name](at(a.data, source(flat, shape, a.shape)), at(b.data, source(flat, shape, b.shape))),
  );
  return within({ shape, data }, name === "hypot" || name === "pow" ? 4 : 1);
}

/** Where a broadcast element comes from. */
function source(flat: number, shape: readonly number[], from: readonly number[]): number {
  let rest = flat;
  let index = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const position = rest % at(shape, axis);
    rest = Math.floor(rest / at(shape, axis));
    const size = from[from.length - shape.length + axis] ?? 1;
    if (size > 1) index += position * stride;
    stride *= size;
  }
  return index;
}

/** One array. What is approximated (exp, log) may be off by some units in the last place. */
export function unary(name: UnaryName, x: Nd): Expected {
  const data = Float64Array.from(x.data, unaries[name]);
  if (name === "log") return within({ shape: x.shape, data }, 8, 8);
  return within({ shape: x.shape, data }, name === "exp" ? 16 : name === "erf" ? 4 : 2);
}

/** Exponentials that add up to one along an axis. */
export function softmax(x: Nd, axis: number): Expected {
  const length = at(x.shape, axis);
  const inner = sizeOf(x.shape.slice(axis + 1));
  const values = new Float64Array(x.data.length);
  const tolerance = new Float64Array(x.data.length);
  for (let first = 0; first < x.data.length; first++) {
    if (Math.floor(first / inner) % length !== 0) continue;
    const indices = Array.from({ length }, (_, i) => first + i * inner);
    const largest = Math.max(...indices.map((index) => at(x.data, index)));
    const powers = indices.map((index) => Math.exp(at(x.data, index) - largest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (const [i, index] of indices.entries()) {
      const value = at(powers, i) / total;
      values[index] = value;
      // The difference from the largest rounds once, and exp carries that over; the rest is exp itself and the sum.
      const difference = largest - at(x.data, index);
      tolerance[index] = sumTolerance(length + 16, value) + 2 * difference * unit * value;
    }
  }
  return { shape: x.shape, values, tolerance };
}

/** The logarithms of {@link softmax}. */
export function logSoftmax(x: Nd, axis: number): Expected {
  const { shape, values, tolerance } = softmax(x, axis);
  const logs = values.map(Math.log);
  // A relative error of the exponential is an absolute one of its logarithm, whose own roundings are relative.
  return {
    shape,
    values: logs,
    tolerance: logs.map((log, i) => at(tolerance, i) / at(values, i) + 4 * unit * Math.abs(log)),
  };
}

/** Statistics of batch norm, one number a channel. */
export interface BatchNormOptions {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  readonly scale?: readonly number[];
  readonly offset?: readonly number[];
  readonly epsilon?: number;
}

/** Batch norm of inference; the channel is the last axis. */
export function batchNorm(x: Nd, options: BatchNormOptions): Expected {
  const channels = options.mean.length;
  const epsilon = options.epsilon ?? 1e-5;
  const terms = Array.from(x.data, (value, index) => {
    const channel = index % channels;
    const deviation = Math.sqrt(Math.fround(at(options.variance, channel)) + epsilon);
    const factor = Math.fround(options.scale?.[channel] ?? 1) / deviation;
    const mean = Math.fround(at(options.mean, channel));
    const offset = Math.fround(options.offset?.[channel] ?? 0);
    const magnitude = (Math.abs(value) + Math.abs(mean)) * Math.abs(factor) + Math.abs(offset);
    return [(value - mean) * factor + offset, sumTolerance(5, magnitude)] as const;
  });
  return {
    shape: x.shape,
    values: Float64Array.from(terms, ([value]) => value),
    tolerance: Float64Array.from(terms, ([, tolerance]) => tolerance),
  };
}

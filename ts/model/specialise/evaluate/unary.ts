/** Evaluates functions of one element. */
import type { Attributes } from "../../attributes.ts";
import { type Evaluator, type Evaluators, only, wholeNumbers, zeros } from "./evaluator.ts";

type UnaryOp =
  | "Relu"
  | "LeakyRelu"
  | "ThresholdedRelu"
  | "Elu"
  | "Celu"
  | "Selu"
  | "Sigmoid"
  | "HardSigmoid"
  | "HardSwish"
  | "Swish"
  | "Tanh"
  | "Mish"
  | "Softplus"
  | "Softsign"
  | "Gelu"
  | "Erf"
  | "Exp"
  | "Log"
  | "Sqrt"
  | "Reciprocal"
  | "Abs"
  | "Neg"
  | "Floor"
  | "Ceil"
  | "Round"
  | "Sign"
  | "Not"
  | "Sin"
  | "Cos";

/** An evaluator of the function that `make` gives for a node's attributes. */
function each<A>(make: (attributes: A) => (x: number) => number): Evaluator<A> {
  return (at, attributes, outputs) => {
    const f = make(attributes);
    const { data } = at.known(0);
    const result = zeros(only(outputs));
    for (let i = 0; i < data.length; i++) result.data[i] = f(data[i] ?? 0);
    wholeNumbers(result);
    return [result];
  };
}

const plain = (f: (x: number) => number): Evaluator<unknown> => each(() => f);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** To the nearest integer; a tie to the even one. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  // -0.5 becomes -0.
  return low % 2 === 0 ? low : -(-low - 1);
}

/** The error function, by a series of positive terms: about 1e-15 for all x. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  // 1 - erf(6) is 2e-17.
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 / Math.sqrt(Math.PI)) * sum) / Math.exp(x * x);
}

function gelu({ approximate }: Attributes["Gelu"]): (x: number) => number {
  if (approximate === "none") return (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
  return (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Evaluators of functions of one element. */
export const unary: Evaluators<UnaryOp> = {
  Relu: plain((x) => (x < 0 ? 0 : x)),
  LeakyRelu: each(
    ({ alpha }) =>
      (x) =>
        x < 0 ? alpha * x : x,
  ),
  ThresholdedRelu: each(
    ({ alpha }) =>
      (x) =>
        x > alpha ? x : 0,
  ),
  Elu: each(
    ({ alpha }) =>
      (x) =>
        x < 0 ? alpha * Math.expm1(x) : x,
  ),
  Celu: each(
    ({ alpha }) =>
      (x) =>
        x < 0 ? alpha * Math.expm1(x / alpha) : x,
  ),
  Selu: each(
    ({ alpha, gamma }) =>
      (x) =>
        gamma * (x < 0 ? alpha * Math.expm1(x) : x),
  ),
  Sigmoid: plain(sigmoid),
  HardSigmoid: each(
    ({ alpha, beta }) =>
      (x) =>
        Math.max(0, Math.min(1, alpha * x + beta)),
  ),
  HardSwish: plain((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  Swish: each(
    ({ alpha }) =>
      (x) =>
        x * sigmoid(alpha * x),
  ),
  Tanh: plain(Math.tanh),
  Mish: plain((x) => x * Math.tanh(softplus(x))),
  Softplus: plain(softplus),
  Softsign: plain((x) => x / (1 + Math.abs(x))),
  Gelu: each(gelu),
  Erf: plain(erf),
  Exp: plain(Math.exp),
  Log: plain(Math.log),
  Sqrt: plain(Math.sqrt),
  Reciprocal: plain((x) => 1 / x),
  Abs: plain(Math.abs),
  Neg: plain((x) => -x),
  Floor: plain(Math.floor),
  Ceil: plain(Math.ceil),
  Round: plain(roundHalfEven),
  Sign: plain(Math.sign),
  Not: plain((x) => (x === 0 ? 1 : 0)),
  Sin: plain(Math.sin),
  Cos: plain(Math.cos),
};

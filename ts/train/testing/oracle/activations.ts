/** Activations by the core's codes, in float64, from their formulas; `a` and `b` are their parameters. */
import { erfc } from "../../../test/oracle/activation.ts";

type Activation = (x: number, a: number, b: number) => number;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const clamp = (x: number, min: number, max: number): number => Math.min(Math.max(x, min), max);
const softplus = (x: number): number => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);

/** The code of each is its place. */
export const activations: readonly Activation[] = [
  (x) => x,
  (x) => Math.max(x, 0),
  (x) => clamp(x, 0, 6),
  (x, min, max) => clamp(x, min, max),
  (x, alpha) => (x < 0 ? alpha * x : x),
  sigmoid,
  Math.tanh,
  (x, alpha, beta) => clamp(alpha * x + beta, 0, 1),
  (x) => x * clamp(x / 6 + 0.5, 0, 1),
  (x) => x * sigmoid(x),
  (x) => 0.5 * x * erfc(-x / Math.SQRT2),
  (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  (x) => x * Math.tanh(softplus(x)),
  softplus,
  (x) => x / (1 + Math.abs(x)),
  (x, alpha, gamma) => gamma * (x < 0 ? alpha * Math.expm1(x) : x),
  (x, alpha) => (x < 0 ? alpha * Math.expm1(x / alpha) : x),
  (x, alpha) => (x > alpha ? x : 0),
  (x, alpha) => x * sigmoid(alpha * x),
];

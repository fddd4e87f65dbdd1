/** Activations from their formulas, in float64, and how they spread an error of their input. */
import type { Expected } from "./compare.ts";
import { unit } from "./compare.ts";
import { at } from "./nd.ts";

/** An activation as the package's option spells it. */
export type Activation =
  | "identity"
  | "relu"
  | "relu6"
  | "sigmoid"
  | "tanh"
  | "hardSigmoid"
  | "hardSwish"
  | "silu"
  | "gelu"
  | "mish"
  | "softplus"
  | "softsign"
  | { readonly type: "selu"; readonly alpha: number; readonly gamma: number }
  | { readonly type: "celu" | "thresholdedRelu" | "swish"; readonly alpha: number }
  | { readonly type: "clamp"; readonly min: number; readonly max: number }
  | { readonly type: "leakyRelu"; readonly alpha: number }
  | { readonly type: "elu"; readonly alpha: number }
  | { readonly type: "hardSigmoid"; readonly alpha: number; readonly beta: number }
  | { readonly type: "gelu"; readonly approximate: "none" | "tanh" };

/** One value through an activation. */
export function activate(activation: Activation, x: number): number {
  const spec = typeof activation === "string" ? { type: activation } : activation;
  switch (spec.type) {
    case "identity":
      return x;
    case "relu":
      return Math.max(x, 0);
    case "relu6":
      return Math.min(Math.max(x, 0), 6);
    case "clamp":
      return Math.min(Math.max(x, spec.min), spec.max);
    case "leakyRelu":
      return x < 0 ? Math.fround(spec.alpha) * x : x;
    case "sigmoid":
      return 1 / (1 + Math.exp(-x));
    case "tanh":
      return Math.tanh(x);
    case "hardSigmoid": {
      const { alpha, beta } = "alpha" in spec ? spec : { alpha: 0.2, beta: 0.5 };
      return Math.min(Math.max(alpha * x + beta, 0), 1);
    }
    case "hardSwish":
      return x * Math.min(Math.max(x / 6 + 0.5, 0), 1);
    case "silu":
      return x / (1 + Math.exp(-x));
    case "gelu": {
      if ("approximate" in spec && spec.approximate === "tanh") {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
      }
      return 0.5 * x * erfc(-x / Math.SQRT2);
    }
    case "elu":
      return x < 0 ? spec.alpha * Math.expm1(x) : x;
    case "mish":
      return x * Math.tanh(softplus(x));
    case "softplus":
      return softplus(x);
    case "softsign":
      return x / (1 + Math.abs(x));
    case "selu":
      return spec.gamma * (x < 0 ? spec.alpha * Math.expm1(x) : x);
    case "celu":
      return x < 0 ? spec.alpha * Math.expm1(x / spec.alpha) : x;
    case "thresholdedRelu":
      return x <= spec.alpha ? 0 : x;
    case "swish":
      return x / (1 + Math.exp(-spec.alpha * x));
  }
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** An expectation through a fused activation; every activation here is steeper than 1.5 nowhere, but for its own alpha. */
export function activateExpected(activation: Activation, { shape, values, tolerance }: Expected): Expected {
  const steepness =
    typeof activation === "object" && "alpha" in activation ? Math.max(1.5, Math.abs(activation.alpha)) : 1.5;
  const moves = activation === "identity" || activation === "relu";
  return {
    shape,
    values: values.map((value) => activate(activation, value)),
    tolerance: tolerance.map(
      (allowed, index) => allowed * steepness + (moves ? 0 : ownError(at(values, index), steepness)),
    ),
  };
}

/** What an approximation of a few units in the last place may add: relative to the input where that is large, else to one. */
function ownError(x: number, steepness: number): number {
  return Number.isFinite(x) ? 8 * unit * steepness * Math.max(1, Math.abs(x)) : 0;
}

/** The complementary error function, to about 1e-15: a series near zero, a continued fraction beyond. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

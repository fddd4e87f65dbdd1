/** Activations: as operators of their own, and as the last step of convolutions and dense layers. */
import { checkOptions, invalid, list, numeric, oneOf, show } from "../options.ts";
import { parseAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { output, type Plan, tensorInput } from "./plan.ts";

/** Bounds of a clamp. */
export interface ClampOptions {
  /** What smaller elements become. Default -Infinity. */
  readonly min?: number | undefined;
  /** What larger elements become. Default Infinity. */
  readonly max?: number | undefined;
}

/** The one parameter of some activations. */
export interface AlphaOptions {
  /**
   * `leakyRelu`: the slope below 0, default 0.01. `elu`, `celu`: minus the limit below 0, default 1. `thresholdedRelu`: what
   * has to be exceeded, default 1. `swish`: the steepness, default 1.
   */
  readonly alpha?: number | undefined;
}

/** The line and the curve of `selu`. */
export interface SeluOptions {
  /** Minus the limit below 0, over gamma. Default 1.6732632. */
  readonly alpha?: number | undefined;
  /** The slope above 0. Default 1.0507010. */
  readonly gamma?: number | undefined;
}

/** The line of a hard sigmoid. */
export interface HardSigmoidOptions {
  /** Slope. Default 0.2, as in ONNX; PyTorch and Keras 3 have 1/6. */
  readonly alpha?: number | undefined;
  /** Value at 0. Default 0.5. */
  readonly beta?: number | undefined;
}

/** What becomes of a hard swish: `scale * hardSwish(x) + shift`. */
export interface HardSwishOptions {
  /** Default 1. */
  readonly scale?: number | undefined;
  /** Default 0. */
  readonly shift?: number | undefined;
}

/** Which form of GELU. */
export interface GeluOptions {
  /** `"none"`: x Φ(x), by the error function; `"tanh"`: the approximation of GPT-2. Default `"none"`. */
  readonly approximate?: "none" | "tanh" | undefined;
}

/** Activations that need no parameters, or have usual ones. */
export type ActivationName =
  | "identity"
  | "relu"
  | "relu6"
  | "leakyRelu"
  | "sigmoid"
  | "tanh"
  | "hardSigmoid"
  | "hardSwish"
  | "silu"
  | "gelu"
  | "elu"
  | "mish"
  | "softplus"
  | "softsign"
  | "selu"
  | "celu"
  | "thresholdedRelu"
  | "swish";

type WithAlpha = "leakyRelu" | "elu" | "celu" | "thresholdedRelu" | "swish";

/**
 * The `activation` option: a name, or a name with its parameters.
 *
 * @example
 * engine.conv2d(x, filter, { activation: "relu" });
 * engine.conv2d(x, filter, { activation: { type: "leakyRelu", alpha: 0.2 } });
 */
export type Activation =
  | ActivationName
  | { readonly type: Exclude<ActivationName, WithAlpha | "hardSigmoid" | "hardSwish" | "gelu" | "selu"> }
  | ({ readonly type: "clamp" } & ClampOptions)
  | ({ readonly type: WithAlpha } & AlphaOptions)
  | ({ readonly type: "selu" } & SeluOptions)
  | ({ readonly type: "hardSigmoid" } & HardSigmoidOptions)
  | ({ readonly type: "hardSwish" } & HardSwishOptions)
  | ({ readonly type: "gelu" } & GeluOptions);

type ActivationType = ActivationName | "clamp";

/** The core's code of each activation, and its parameters with their defaults, in the core's order. */
const ACTIVATIONS: Readonly<
  Record<ActivationType, { readonly code: number; readonly parameters?: Readonly<Record<string, number>> }>
> = {
  identity: { code: 0 },
  relu: { code: 1 },
  relu6: { code: 2 },
  clamp: { code: 3, parameters: { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY } },
  leakyRelu: { code: 4, parameters: { alpha: 0.01 } },
  sigmoid: { code: 5 },
  tanh: { code: 6 },
  hardSigmoid: { code: 7, parameters: { alpha: 0.2, beta: 0.5 } },
  hardSwish: { code: 8, parameters: { scale: 1, shift: 0 } },
  silu: { code: 9 },
  gelu: { code: 10 },
  elu: { code: 12, parameters: { alpha: 1 } },
  mish: { code: 13 },
  softplus: { code: 14 },
  softsign: { code: 15 },
  selu: { code: 16, parameters: { alpha: 1.6732631921768188, gamma: 1.0507010221481323 } },
  celu: { code: 17, parameters: { alpha: 1 } },
  thresholdedRelu: { code: 18, parameters: { alpha: 1 } },
  swish: { code: 19, parameters: { alpha: 1 } },
};
const GELU_TANH = 11;

const TYPES = Object.keys(ACTIVATIONS) as ActivationType[];

/** An activation as the core's three words: code and two parameters. */
export function activationWords(
  call: string,
  activation: unknown,
  argument = "activation",
): readonly [number, number, number] {
  if (typeof activation === "string") return parameterWords(call, parseType(call, argument, activation), {}, argument);
  if (typeof activation !== "object" || activation === null || !("type" in activation)) {
    throw invalid(call, argument, activation, `one of ${list(TYPES.map((type) => show(type)))}, or { type, ... }`);
  }
  const { type, ...parameters } = activation;
  return parameterWords(call, parseType(call, `${argument}.type`, type), parameters, argument);
}

function parseType(call: string, argument: string, type: unknown): ActivationType {
  return oneOf(call, argument, type, TYPES);
}

/** The words of an activation whose parameters came as options: those of the operators, or of an `activation` option. */
function parameterWords(
  call: string,
  type: ActivationType,
  options: object,
  argument: string,
): readonly [number, number, number] {
  const { code, parameters = {} } = ACTIVATIONS[type];
  if (type === "gelu") {
    checkOptions(call, options, ["approximate"], argument);
    const { approximate = "none" } = options as GeluOptions;
    return [oneOf(call, "approximate", approximate, ["none", "tanh"]) === "tanh" ? GELU_TANH : code, 0, 0];
  }
  checkOptions(call, options, Object.keys(parameters), argument);
  const given = options as Readonly<Record<string, unknown>>;
  const [a = 0, b = 0] = Object.entries(parameters).map(([name, usual]) => {
    const value = given[name];
    return value === undefined ? usual : numeric(call, name, value);
  });
  // As float32, in which the core compares them.
  if (type === "clamp" && Math.fround(a) > Math.fround(b)) throw invalid(call, "min", a, `at most max, which is ${b}`);
  if (type === "celu" && Math.fround(a) <= 0) throw invalid(call, "alpha", a, "a positive number");
  return [code, a, b];
}

/** An activation as an operator: element by element. */
export function activate(call: string, type: ActivationType, x: Tensor, options: object = {}): Plan {
  const input = tensorInput(call, "x", x);
  const words = parameterWords(call, type, options, "options");
  return { call, op: "activation", inputs: [input], outputs: [output(call, input.shape)], words };
}

/** Options of `softmax`. */
export interface SoftmaxOptions {
  /** The axis that sums to 1; a negative one counts from the end. Default -1. */
  readonly axis?: number | undefined;
}

/** `exp(x - max) / sum(exp(x - max))` along one axis, or the logarithm of that. */
export function softmax(call: "softmax" | "logSoftmax", x: Tensor, options: SoftmaxOptions = {}): Plan {
  checkOptions(call, options, ["axis"]);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const axis = parseAxis(call, "axis", options.axis ?? -1, shape.length);
  const size = (from: number, to: number): number => shape.slice(from, to).reduce((product, n) => product * n, 1);
  const log = call === "logSoftmax" ? 1 : 0;
  const words = [size(0, axis), shape[axis] ?? 1, size(axis + 1, shape.length), log];
  return { call, op: "softmax", inputs: [input], outputs: [output(call, shape)], words };
}

/** Operators of a graph that the core computes as activations, alone or as the last step of a layer. */
import type { Activation } from "../ops/activation.ts";
import type { Constant } from "./constant.ts";
import type { Node, ValueName } from "./graph.ts";

/** The activation that a node computes of its first input; undefined if it is something else, or not known beforehand. */
export function activationOf(
  node: Node,
  constant: (value: ValueName | undefined) => Constant | undefined,
): Activation | undefined {
  switch (node.op) {
    case "Relu":
      return "relu";
    case "LeakyRelu":
      return { type: "leakyRelu", alpha: node.attributes.alpha };
    case "PRelu": {
      const slope = constant(node.inputs[1]);
      return slope?.data.length === 1 ? { type: "leakyRelu", alpha: slope.data[0] } : undefined;
    }
    case "ThresholdedRelu":
      return { type: "thresholdedRelu", alpha: node.attributes.alpha };
    case "Elu":
      return { type: "elu", alpha: node.attributes.alpha };
    case "Celu":
      return { type: "celu", alpha: node.attributes.alpha };
    case "Selu":
      return { type: "selu", alpha: node.attributes.alpha, gamma: node.attributes.gamma };
    case "Sigmoid":
      return "sigmoid";
    case "HardSigmoid":
      return { type: "hardSigmoid", alpha: node.attributes.alpha, beta: node.attributes.beta };
    case "HardSwish":
      return "hardSwish";
    case "Swish":
      return node.attributes.alpha === 1 ? "silu" : { type: "swish", alpha: node.attributes.alpha };
    case "Tanh":
      return "tanh";
    case "Mish":
      return "mish";
    case "Softplus":
      return "softplus";
    case "Softsign":
      return "softsign";
    case "Gelu":
      return { type: "gelu", approximate: node.attributes.approximate };
    case "Clip":
      return clip(node, constant);
    default:
      return undefined;
  }
}

function clip(
  { inputs: [, low, high] }: Node<"Clip">,
  constant: (value: ValueName | undefined) => Constant | undefined,
): Activation | undefined {
  const min = low === undefined ? Number.NEGATIVE_INFINITY : constant(low)?.data[0];
  const max = high === undefined ? Number.POSITIVE_INFINITY : constant(high)?.data[0];
  // ONNX: where min exceeds max, every element becomes max.
  return min === undefined || max === undefined ? undefined : clamp(Math.min(min, max), max);
}

/** A clamp, by the name that it has if it has one. */
function clamp(min: number, max: number): Activation {
  if (min === 0 && max === Number.POSITIVE_INFINITY) return "relu";
  return min === 0 && max === 6 ? "relu6" : { type: "clamp", min, max };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

function boundsOf(activation: Activation): Bounds | undefined {
  if (activation === "relu") return { min: 0, max: Number.POSITIVE_INFINITY };
  if (activation === "relu6") return { min: 0, max: 6 };
  if (typeof activation === "string" || activation.type !== "clamp") return undefined;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = activation;
  return { min, max };
}

/** One activation that does what `inner` and then `outer` do, if there is one. */
export function composeActivations(outer: Activation, inner: Activation | undefined): Activation | undefined {
  if (inner === undefined || inner === "identity") return outer;
  const [a, b] = [boundsOf(inner), boundsOf(outer)];
  if (a === undefined || b === undefined) return undefined;
  const within = (value: number): number => Math.min(Math.max(value, b.min), b.max);
  return clamp(within(a.min), within(a.max));
}

/** `inner * factor + term` as one activation: there is one if `inner` is a hard swish. */
export function scaleHardSwish(inner: Activation | undefined, factor: number, term: number): Activation | undefined {
  const given = inner === "hardSwish" ? ({ type: "hardSwish" } as const) : inner;
  if (typeof given !== "object" || given.type !== "hardSwish") return undefined;
  const { scale = 1, shift = 0 } = given;
  return { type: "hardSwish", scale: scale * factor, shift: shift * factor + term };
}

/** Whether an activation gives no negative number, whatever it is given. */
export function isNonNegative(activation: Activation): boolean {
  const bounds = boundsOf(activation);
  if (bounds !== undefined) return bounds.min >= 0;
  const type = typeof activation === "string" ? activation : activation.type;
  return type === "sigmoid" || type === "hardSigmoid" || type === "softplus";
}

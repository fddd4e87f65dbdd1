/** Activations of layers, as nodes of their own: plans fuse them, gradients need them apart. */
import { checkOptions } from "../../options.ts";
import type { Activation, AlphaOptions, GeluOptions } from "../../ops/activation.ts";
import { activationWords } from "../../ops/activation.ts";
import { parseAxis } from "../../shape.ts";
import { floats } from "../constant.ts";
import { checkedValue, type Layer, type LayerOptions, type Network, type Value } from "./network.ts";

/** `x` behind an activation, in a node called `name`. */
export function activated(call: string, name: string, x: Value, activation: Activation = "identity"): Value {
  // Refuses what is unknown, and fills in the defaults. A graph's numbers are float32s, saved or not.
  const [, a, b] = activationWords(call, activation).map(Math.fround) as [number, number, number];
  const type = typeof activation === "string" ? activation : activation.type;
  const { network, shape } = x;
  switch (type) {
    case "identity":
      return x;
    case "relu":
      return network.add("Relu", name, [x], {}, shape);
    case "relu6":
      return clip(network, name, x, 0, 6);
    case "clamp":
      return clip(network, name, x, a, b);
    case "leakyRelu":
      return network.add("LeakyRelu", name, [x], { alpha: a }, shape);
    case "sigmoid":
      return network.add("Sigmoid", name, [x], {}, shape);
    case "tanh":
      return network.add("Tanh", name, [x], {}, shape);
    case "hardSigmoid":
      return network.add("HardSigmoid", name, [x], { alpha: a, beta: b }, shape);
    case "hardSwish":
      return network.add("HardSwish", name, [x], {}, shape);
    case "silu":
      return network.add("Swish", name, [x], { alpha: 1 }, shape);
    case "gelu":
      return network.add("Gelu", name, [x], { approximate: geluForm(activation) }, shape);
    case "elu":
      return network.add("Elu", name, [x], { alpha: a }, shape);
    case "celu":
      return network.add("Celu", name, [x], { alpha: a }, shape);
    case "selu":
      return network.add("Selu", name, [x], { alpha: a, gamma: b }, shape);
    case "thresholdedRelu":
      return network.add("ThresholdedRelu", name, [x], { alpha: a }, shape);
    case "swish":
      return network.add("Swish", name, [x], { alpha: a }, shape);
    case "mish":
      return network.add("Mish", name, [x], {}, shape);
    case "softplus":
      return network.add("Softplus", name, [x], {}, shape);
    case "softsign":
      return network.add("Softsign", name, [x], {}, shape);
  }
}

function geluForm(activation: Activation): "none" | "tanh" {
  return typeof activation === "object" && activation.type === "gelu" ? (activation.approximate ?? "none") : "none";
}

function clip(network: Network, name: string, x: Value, min: number, max: number): Value {
  const low = network.constant(`${name}/min`, floats(Float32Array.of(min), []));
  const high = network.constant(`${name}/max`, floats(Float32Array.of(max), []));
  return network.add("Clip", name, [x, low, high], {}, x.shape);
}

/** A layer that is an activation. */
export function activation(function_: Activation, options: LayerOptions = {}): Layer {
  return activationLayer("activation", function_, options);
}

function activationLayer(call: string, function_: Activation, options: LayerOptions): Layer {
  checkOptions(call, options, ["name"]);
  activationWords(call, function_);
  return (x) => activated(call, checkedValue(call, "x", x).network.layerName(call, options.name), x, function_);
}

/** `max(x, 0)` */
export function relu(options: LayerOptions = {}): Layer {
  return activationLayer("relu", "relu", options);
}

/** `x` above 0, `alpha * x` below. */
export function leakyRelu({ alpha, ...options }: AlphaOptions & LayerOptions = {}): Layer {
  return activationLayer("leakyRelu", { type: "leakyRelu", alpha }, options);
}

/** `1 / (1 + exp(-x))` */
export function sigmoid(options: LayerOptions = {}): Layer {
  return activationLayer("sigmoid", "sigmoid", options);
}

/** The hyperbolic tangent. */
export function tanh(options: LayerOptions = {}): Layer {
  return activationLayer("tanh", "tanh", options);
}

/** `x * Φ(x)` */
export function gelu({ approximate, ...options }: GeluOptions & LayerOptions = {}): Layer {
  return activationLayer("gelu", { type: "gelu", approximate }, options);
}

/** Options of {@link softmax}. */
export interface SoftmaxLayerOptions extends LayerOptions {
  /** The axis along which the results sum to 1, the batch not counted. Default the last. */
  readonly axis?: number | undefined;
}

/** Exponentials that sum to 1 along an axis, the last one by default. */
export function softmax(options: SoftmaxLayerOptions = {}): Layer {
  checkOptions("softmax", options, ["axis", "name"]);
  return (x) => {
    const { network, shape } = checkedValue("softmax", "x", x);
    const axis = parseAxis("softmax", "axis", options.axis ?? -1, shape.length);
    // [h, w, c] of an image are axes 2, 3, 1 of the graph's [n, c, h, w].
    const inGraph = shape.length === 3 ? ([2, 3, 1][axis] ?? 1) : axis + 1;
    const name = network.layerName("softmax", options.name);
    return network.add("Softmax", name, [x], { axis: inGraph, flatten: false }, shape);
  };
}

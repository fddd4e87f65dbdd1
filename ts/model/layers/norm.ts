/** Layers that matter most in training. */
import { checkOptions, invalid, numeric } from "../../options.ts";
import type { Numbers } from "../../tensor.ts";
import { floats } from "../constant.ts";
import { givenVector } from "./convolution.ts";
import { checkedValue, type Layer, type LayerOptions } from "./network.ts";

/** Options of {@link batchNorm}. */
export interface BatchNormLayerOptions extends LayerOptions {
  /** Added to variances. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /**
   * How much of the running mean and variance stays at each step of training, 0 to 1: `running = momentum running +
   * (1 - momentum) batch`, as in ONNX and Keras; PyTorch's momentum is 1 less it. Default 0.9, ONNX's (PyTorch: 0.1, which
   * is the same; Keras: 0.99).
   */
  readonly momentum?: number | undefined;
  /** Known statistics and weights, one number a channel. Default mean 0, variance 1, scale 1, offset 0. */
  readonly weights?:
    | {
        readonly scale?: Numbers | undefined;
        readonly offset?: Numbers | undefined;
        readonly mean?: Numbers | undefined;
        readonly variance?: Numbers | undefined;
      }
    | undefined;
}

/** Batch normalisation, channel by channel, as `engine.batchNorm`. */
export function batchNorm(options: BatchNormLayerOptions = {}): Layer {
  const call = "batchNorm";
  checkOptions(call, options, ["epsilon", "momentum", "weights", "name"]);
  const epsilon = numeric(call, "epsilon", options.epsilon ?? 1e-5, "a positive number", true);
  if (epsilon <= 0) throw invalid(call, "epsilon", epsilon, "a positive number");
  const momentum = numeric(call, "momentum", options.momentum ?? 0.9, "a number from 0 to 1");
  if (momentum < 0 || momentum > 1) throw invalid(call, "momentum", momentum, "a number from 0 to 1");
  const { scale, offset, mean, variance, ...unknown } = options.weights ?? {};
  checkOptions(call, unknown, [], "weights");
  return (x) => {
    const { network, shape } = checkedValue(call, "x", x);
    const channels = shape.at(-1) ?? 1;
    const name = network.layerName(call, options.name);
    const weight = (key: string, values: Numbers | undefined, otherwise: number): string => {
      const data =
        values === undefined
          ? new Float32Array(channels).fill(otherwise)
          : givenVector(call, `weights.${key}`, values, channels);
      return network.constant(`${name}.${key}`, floats(data));
    };
    const weights = [
      weight("scale", scale, 1),
      weight("offset", offset, 0),
      weight("mean", mean, 0),
      weight("variance", variance, 1),
    ];
    const attributes = { epsilon: Math.fround(epsilon), momentum: Math.fround(momentum) };
    return network.add("BatchNormalization", name, [x, ...weights], attributes, shape);
  };
}

/** Options of {@link dropout}. */
export interface DropoutLayerOptions extends LayerOptions {
  /** The share of elements that training sets to 0, below 1. */
  readonly rate: number;
}

/** Sets elements to 0 at random in training, and scales the rest; does nothing otherwise. */
export function dropout(options: DropoutLayerOptions): Layer {
  const call = "dropout";
  checkOptions(call, options, ["rate", "name"]);
  const rate = numeric(call, "rate", options.rate, "a number of 0 or more, below 1");
  if (rate < 0 || rate >= 1) throw invalid(call, "rate", rate, "a number of 0 or more, below 1");
  return (x) => {
    const { network, shape } = checkedValue(call, "x", x);
    return network.add("Dropout", network.layerName(call, options.name), [x], { ratio: Math.fround(rate) }, shape);
  };
}

/** Optimisers: how weights follow from gradients. The formulas are PyTorch's. */
import { checkOptions, flag, invalid, numeric } from "../options.ts";

/** What all optimisers have. */
interface Rate {
  /** What a step's length is multiplied with, before any schedule. */
  readonly learningRate: number;
}

/** Stochastic gradient descent. */
export interface Sgd extends Rate {
  readonly kind: "sgd";
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** Adam; its `weightDecay` is added to the gradient. */
export interface Adam extends Rate {
  readonly kind: "adam";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** AdamW; its `weightDecay` is taken from the weights themselves. */
export interface AdamW extends Rate {
  readonly kind: "adamW";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** RMSprop. */
export interface RmsProp extends Rate {
  readonly kind: "rmsprop";
  readonly alpha: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** An optimiser with all its numbers; {@link sgd}, {@link adam}, {@link adamW} and {@link rmsprop} make one. */
export type Optimizer = Sgd | Adam | AdamW | RmsProp;

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Above 0. Default 0.01. */
  readonly learningRate?: number | undefined;
  /** How much of the last step's direction is kept, from 0 to below 1. Default 0. */
  readonly momentum?: number | undefined;
  /** Whether the step looks ahead along its momentum, which must then be above 0. Default false. */
  readonly nesterov?: boolean | undefined;
  /** L2 penalty: added to the gradient, times the weight. Default 0. */
  readonly weightDecay?: number | undefined;
}

/** Options of {@link adam} and {@link adamW}. */
export interface AdamOptions {
  /** Above 0. Default 0.001. */
  readonly learningRate?: number | undefined;
  /** How much of the mean gradient is kept, from 0 to below 1. Default 0.9. */
  readonly beta1?: number | undefined;
  /** How much of the mean squared gradient is kept, from 0 to below 1. Default 0.999. */
  readonly beta2?: number | undefined;
  /** Added to what is divided by: above 0. Default 1e-8. */
  readonly epsilon?: number | undefined;
  /** `adam`: L2 penalty, default 0. `adamW`: the weights' share, times the learning rate, that each step takes away, default 0.01. */
  readonly weightDecay?: number | undefined;
}

/** Options of {@link rmsprop}. */
export interface RmsPropOptions {
  /** Above 0. Default 0.01. */
  readonly learningRate?: number | undefined;
  /** How much of the mean squared gradient is kept, from 0 to below 1. Default 0.99. */
  readonly alpha?: number | undefined;
  /** Added to what is divided by: above 0. Default 1e-8. */
  readonly epsilon?: number | undefined;
  /** How much of the last step's direction is kept, from 0 to below 1. Default 0. */
  readonly momentum?: number | undefined;
  /** L2 penalty: added to the gradient, times the weight. Default 0. */
  readonly weightDecay?: number | undefined;
}

/**
 * Stochastic gradient descent: `g += weightDecay w`; `b = momentum b + g`; `w -= learningRate b`, or with Nesterov's
 * momentum `w -= learningRate (g + momentum b)`.
 */
export function sgd(options: SgdOptions = {}): Sgd {
  const call = "sgd";
  checkOptions(call, options, ["learningRate", "momentum", "nesterov", "weightDecay"]);
  const momentum = share(call, "momentum", options.momentum ?? 0);
  const nesterov = flag(call, "nesterov", options.nesterov ?? false);
  if (nesterov && momentum === 0) throw invalid(call, "momentum", momentum, "a number above 0, as nesterov is true");
  const learningRate = positive(call, "learningRate", options.learningRate ?? 0.01);
  return Object.freeze({ kind: call, learningRate, momentum, nesterov, weightDecay: decay(call, options, 0) });
}

/** Adam: steps of the mean gradient over the root of the mean squared one (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980). */
export function adam(options: AdamOptions = {}): Adam {
  return Object.freeze({ kind: "adam", ...adaptive("adam", options, 0) });
}

/** Adam whose weight decay is apart from the gradient (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101). */
export function adamW(options: AdamOptions = {}): AdamW {
  return Object.freeze({ kind: "adamW", ...adaptive("adamW", options, 0.01) });
}

/** RMSprop: `s = alpha s + (1 - alpha) g²`; `b = momentum b + g / (√s + epsilon)`; `w -= learningRate b` (Hinton 2012). */
export function rmsprop(options: RmsPropOptions = {}): RmsProp {
  const call = "rmsprop";
  checkOptions(call, options, ["learningRate", "alpha", "epsilon", "momentum", "weightDecay"]);
  return Object.freeze({
    kind: call,
    learningRate: positive(call, "learningRate", options.learningRate ?? 0.01),
    alpha: share(call, "alpha", options.alpha ?? 0.99),
    epsilon: positive(call, "epsilon", options.epsilon ?? 1e-8),
    momentum: share(call, "momentum", options.momentum ?? 0),
    weightDecay: decay(call, options, 0),
  });
}

function adaptive(call: string, options: AdamOptions, weightDecay: number): Omit<Adam, "kind"> {
  checkOptions(call, options, ["learningRate", "beta1", "beta2", "epsilon", "weightDecay"]);
  return {
    learningRate: positive(call, "learningRate", options.learningRate ?? 0.001),
    beta1: share(call, "beta1", options.beta1 ?? 0.9),
    beta2: share(call, "beta2", options.beta2 ?? 0.999),
    epsilon: positive(call, "epsilon", options.epsilon ?? 1e-8),
    weightDecay: decay(call, options, weightDecay),
  };
}

function positive(call: string, argument: string, value: unknown): number {
  const expected = "a positive number";
  const number = numeric(call, argument, value, expected, true);
  if (number > 0) return number;
  throw invalid(call, argument, value, expected);
}

function share(call: string, argument: string, value: unknown): number {
  const expected = "a number from 0 to below 1";
  const number = numeric(call, argument, value, expected);
  if (number >= 0 && number < 1) return number;
  throw invalid(call, argument, value, expected);
}

function decay(call: string, options: { readonly weightDecay?: number | undefined }, otherwise: number): number {
  const expected = "a number of 0 or more";
  const number = numeric(call, "weightDecay", options.weightDecay ?? otherwise, expected, true);
  if (number >= 0) return number;
  throw invalid(call, "weightDecay", number, expected);
}

/** The `optimizer` option: what a function such as {@link adam} made, or the same written by hand. */
export function parseOptimizer(call: string, value: unknown): Optimizer {
  if (typeof value === "object" && value !== null && "kind" in value) {
    const { kind, ...options } = value;
    if (kind === "sgd") return sgd(options);
    if (kind === "adam") return adam(options);
    if (kind === "adamW") return adamW(options);
    if (kind === "rmsprop") return rmsprop(options);
  }
  throw invalid(call, "optimizer", value, "sgd(...), adam(...), adamW(...) or rmsprop(...)");
}

/** Words of the core's `optimiserStep`. */
export function optimiserWords(optimizer: Optimizer): readonly number[] {
  switch (optimizer.kind) {
    case "sgd":
      return [0, optimizer.momentum, Number(optimizer.nesterov), optimizer.weightDecay, 0];
    case "adam":
    case "adamW": {
      const { beta1, beta2, epsilon, weightDecay } = optimizer;
      return [optimizer.kind === "adam" ? 1 : 2, beta1, beta2, epsilon, weightDecay];
    }
    case "rmsprop":
      return [3, optimizer.alpha, optimizer.epsilon, optimizer.momentum, optimizer.weightDecay];
  }
}

/** What the optimiser remembers of each weight, in the order of the core's outputs: as many tensors of the weight's shape, zeros at first. */
export function optimiserSlots(optimizer: Optimizer): readonly OptimizerSlot[] {
  switch (optimizer.kind) {
    case "sgd":
      return optimizer.momentum === 0 ? [] : ["momentum"];
    case "adam":
    case "adamW":
      return ["mean", "square"];
    case "rmsprop":
      return optimizer.momentum === 0 ? ["square"] : ["square", "momentum"];
  }
}

/** Names of what optimisers remember: of gradients the running mean and the running mean of squares, and the last direction. */
export type OptimizerSlot = "momentum" | "mean" | "square";

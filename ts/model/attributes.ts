/**
 * The operators of a graph and their attributes: those of ONNX in their latest form, so that an imported file, a network
 * written by hand and a saved one are the same graph. Attribute names are ONNX's in camel case, all defaults filled in.
 * https://onnx.ai/onnx/operators/ tells what each operator computes; what differs is said here.
 */
import type { Activation } from "../ops/activation.ts";
import type { NumberType } from "./constant.ts";

/** How pads are found: as given, or so that the output has `ceil(in / stride)` places. */
export type AutoPad = "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";

/** Attributes of an operator that has none. */
export type None = Readonly<Record<never, never>>;

/** A window that slides over the axes behind batch and channels: one number an axis, `pads` all begins, then all ends. */
export interface WindowAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: AutoPad;
}

/** What a pass may have merged into an operator: applied last, after bias and residual. */
export interface Fused {
  /** Default identity. */
  readonly activation?: Activation;
}

/**
 * Inputs `x, w, bias?, residual?`; `w` is `[outC, inC / group, kH, kW]`. `residual`, of the output's shape, or of fewer
 * channels, to which those that it lacks are zeros, is added before the activation.
 */
export interface ConvAttributes extends WindowAttributes, Fused {
  readonly group: number;
}

/** Inputs `x, w, bias?`; `w` is `[inC, outC / group, kH, kW]`. */
export interface ConvTransposeAttributes extends WindowAttributes, Fused {
  readonly group: number;
  readonly outputPadding: readonly number[];
  /** Sizes behind batch and channels that override `pads`; empty: not given. */
  readonly outputShape: readonly number[];
}

/** A window that pools. */
export interface PoolAttributes extends WindowAttributes {
  readonly kernelShape: readonly number[];
  readonly ceilMode: boolean;
}

/** A reduction: inputs `x, axes?`. */
export interface ReduceAttributes {
  readonly keepdims: boolean;
  readonly noopWithEmptyAxes: boolean;
}

/** Where the largest or smallest element is. */
export interface ArgAttributes {
  readonly axis: number;
  readonly keepdims: boolean;
  readonly selectLastIndex: boolean;
}

/** Inputs `x, roi?, scales?, sizes?`. */
export interface ResizeAttributes {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinateTransformationMode:
    | "half_pixel"
    | "half_pixel_symmetric"
    | "pytorch_half_pixel"
    | "align_corners"
    | "asymmetric"
    | "tf_crop_and_resize";
  readonly nearestMode: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
  readonly cubicCoeffA: number;
  readonly excludeOutside: boolean;
  readonly extrapolationValue: number;
  readonly antialias: boolean;
  /** Axes that scales or sizes are for; empty: all. */
  readonly axes: readonly number[];
  readonly keepAspectRatioPolicy: "stretch" | "not_larger" | "not_smaller";
}

/** Attributes by operator. */
export interface Attributes {
  // Layers with weights.
  readonly Conv: ConvAttributes;
  readonly ConvTranspose: ConvTransposeAttributes;
  /** `alpha * a' * b' + beta * c`, inputs `a, b, c?`. */
  readonly Gemm: Fused & {
    readonly alpha: number;
    readonly beta: number;
    readonly transA: boolean;
    readonly transB: boolean;
  };
  /** Inputs `a, b`, and a bias of the last axis that a pass may have merged. */
  readonly MatMul: Fused;

  // Normalisation.
  /**
   * Inference: inputs `x, scale, bias, mean, variance`. Training moves the last two after the batches' own:
   * `running = momentum running + (1 - momentum) batch`.
   */
  readonly BatchNormalization: { readonly epsilon: number; readonly momentum: number };
  readonly InstanceNormalization: { readonly epsilon: number };
  readonly LayerNormalization: { readonly axis: number; readonly epsilon: number };
  readonly GroupNormalization: { readonly epsilon: number; readonly numGroups: number };
  readonly LRN: { readonly alpha: number; readonly beta: number; readonly bias: number; readonly size: number };

  // Pools.
  /** Second output: indices, as ONNX counts them. */
  readonly MaxPool: PoolAttributes & { readonly storageOrder: number };
  readonly AveragePool: PoolAttributes & { readonly countIncludePad: boolean };
  readonly LpPool: PoolAttributes & { readonly p: number };
  readonly GlobalMaxPool: None;
  readonly GlobalAveragePool: None;
  readonly GlobalLpPool: { readonly p: number };

  // Functions of one element.
  readonly Relu: None;
  readonly LeakyRelu: { readonly alpha: number };
  readonly ThresholdedRelu: { readonly alpha: number };
  readonly Elu: { readonly alpha: number };
  readonly Celu: { readonly alpha: number };
  readonly Selu: { readonly alpha: number; readonly gamma: number };
  readonly Sigmoid: None;
  readonly HardSigmoid: { readonly alpha: number; readonly beta: number };
  readonly HardSwish: None;
  /** `x * sigmoid(alpha * x)`; ONNX's Swish. */
  readonly Swish: { readonly alpha: number };
  readonly Tanh: None;
  readonly Mish: None;
  readonly Softplus: None;
  readonly Softsign: None;
  readonly Gelu: { readonly approximate: "none" | "tanh" };
  /** Inputs `x, min?, max?`. */
  readonly Clip: None;
  /** Inputs `x, slope`. */
  readonly PRelu: None;
  readonly Erf: None;
  readonly Exp: None;
  readonly Log: None;
  readonly Sqrt: None;
  readonly Reciprocal: None;
  readonly Abs: None;
  readonly Neg: None;
  readonly Floor: None;
  readonly Ceil: None;
  readonly Round: None;
  readonly Sign: None;
  readonly Not: None;
  readonly Sin: None;
  readonly Cos: None;

  // Functions of several elements in the same place; shapes broadcast.
  readonly Add: None;
  readonly Sub: None;
  readonly Mul: None;
  readonly Div: None;
  readonly Pow: None;
  readonly Mod: { readonly fmod: boolean };
  /** Any number of inputs. */
  readonly Min: None;
  readonly Max: None;
  readonly Sum: None;
  readonly Mean: None;
  readonly Equal: None;
  readonly Less: None;
  readonly LessOrEqual: None;
  readonly Greater: None;
  readonly GreaterOrEqual: None;
  readonly And: None;
  readonly Or: None;
  readonly Xor: None;
  /** Inputs `condition, a, b`. */
  readonly Where: None;

  // Along axes.
  /** `flatten`: over all axes from `axis` on together, as before opset 13. */
  readonly Softmax: { readonly axis: number; readonly flatten: boolean };
  readonly LogSoftmax: { readonly axis: number; readonly flatten: boolean };
  readonly ReduceSum: ReduceAttributes;
  readonly ReduceMean: ReduceAttributes;
  readonly ReduceMax: ReduceAttributes;
  readonly ReduceMin: ReduceAttributes;
  readonly ReduceProd: ReduceAttributes;
  readonly ReduceSumSquare: ReduceAttributes;
  readonly ReduceL1: ReduceAttributes;
  readonly ReduceL2: ReduceAttributes;
  readonly ReduceLogSum: ReduceAttributes;
  readonly ReduceLogSumExp: ReduceAttributes;
  readonly ArgMax: ArgAttributes;
  readonly ArgMin: ArgAttributes;
  /** Inputs `x, k`; outputs values, indices. */
  readonly TopK: { readonly axis: number; readonly largest: boolean; readonly sorted: boolean };

  // Arrangement.
  readonly Concat: { readonly axis: number };
  /** Inputs `x, sizes?`; without sizes, as many even parts as outputs. */
  readonly Split: { readonly axis: number };
  /** Inputs `x, starts, ends, axes?, steps?`. */
  readonly Slice: None;
  /** Inputs `x, pads, value?, axes?`. */
  readonly Pad: { readonly mode: "constant" | "reflect" | "edge" | "wrap" };
  readonly Reshape: { readonly allowzero: boolean };
  readonly Flatten: { readonly axis: number };
  readonly Squeeze: None;
  readonly Unsqueeze: None;
  /** Empty: reversed. */
  readonly Transpose: { readonly perm: readonly number[] };
  readonly Expand: None;
  readonly Tile: None;
  readonly Gather: { readonly axis: number };
  readonly Resize: ResizeAttributes;
  readonly DepthToSpace: { readonly blocksize: number; readonly mode: "DCR" | "CRD" };
  readonly SpaceToDepth: { readonly blocksize: number };

  // What inference passes through, and arithmetic of shapes.
  readonly Identity: None;
  readonly Dropout: { readonly ratio: number };
  /** `end` undefined: to the last axis. */
  readonly Shape: { readonly start: number; readonly end: number | undefined };
  readonly Size: None;
  /** A tensor of `value`, of the shape that the input gives. */
  readonly ConstantOfShape: { readonly value: number; readonly type: NumberType };
  readonly Range: None;
  readonly Cast: { readonly to: NumberType };
  /** Inputs `x, scale, zeroPoint?`. */
  readonly DequantizeLinear: { readonly axis: number; readonly blockSize: number };

  /**
   * Inputs `boxes, scores, maxOutputBoxesPerClass?, iouThreshold?, scoreThreshold?`. How many it selects is known only when
   * it has run: in a `KnownGraph`, `selected` has room for as many as there may be, and a second output that ONNX does not
   * have, `count` of shape [1], tells how many rows of it there are; what is left of it is 0.
   */
  readonly NonMaxSuppression: { readonly centerPointBox: boolean };
}

/** An operator's name. */
export type OpType = keyof Attributes;

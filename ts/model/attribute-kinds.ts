/** What kind of value each attribute has: types say it to the compiler, this to whoever gets a graph from elsewhere. */
import type { Attributes, OpType } from "./attributes.ts";
import type { NumberType } from "./constant.ts";

/** A whole number, any number, true or false, whole numbers, one of some words, an activation. */
export type AttributeKind = "integer" | "number" | "flag" | "integers" | "activation" | readonly string[];

/** An attribute that may be absent. */
export interface OptionalKind {
  readonly optional: AttributeKind;
}

/** Kinds by attribute. */
export type AttributeKinds<T extends OpType> = { readonly [A in keyof Attributes[T]]-?: AttributeKind | OptionalKind };

const AUTO_PADS = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"];

/** Number types by name. */
export const NUMBER_TYPES: readonly NumberType[] = ["float32", "int64", "int32", "int8", "uint8", "bool"];

const none = {};
const fused = { activation: { optional: "activation" } } as const;
const alpha = { alpha: "number" } as const;
const axis = { axis: "integer" } as const;
const epsilon = { epsilon: "number" } as const;
const blocks = { blocksize: "integer" } as const;
const window = { strides: "integers", dilations: "integers", pads: "integers", autoPad: AUTO_PADS } as const;
const pool = { ...window, kernelShape: "integers", ceilMode: "flag" } as const;
const reduction = { keepdims: "flag", noopWithEmptyAxes: "flag" } as const;
const arg = { ...axis, keepdims: "flag", selectLastIndex: "flag" } as const;
const softmax = { ...axis, flatten: "flag" } as const;

/** Kinds of attributes by operator. */
export const attributeKinds: { readonly [T in OpType]: AttributeKinds<T> } = {
  Conv: { ...window, ...fused, group: "integer" },
  ConvTranspose: { ...window, ...fused, group: "integer", outputPadding: "integers", outputShape: "integers" },
  Gemm: { ...fused, alpha: "number", beta: "number", transA: "flag", transB: "flag" },
  MatMul: fused,

  BatchNormalization: { ...epsilon, momentum: "number" },
  InstanceNormalization: epsilon,
  LayerNormalization: { ...axis, ...epsilon },
  GroupNormalization: { ...epsilon, numGroups: "integer" },
  LRN: { alpha: "number", beta: "number", bias: "number", size: "integer" },

  MaxPool: { ...pool, storageOrder: "integer" },
  AveragePool: { ...pool, countIncludePad: "flag" },
  LpPool: { ...pool, p: "integer" },
  GlobalMaxPool: none,
  GlobalAveragePool: none,
  GlobalLpPool: { p: "integer" },

  Relu: none,
  LeakyRelu: alpha,
  ThresholdedRelu: alpha,
  Elu: alpha,
  Celu: alpha,
  Selu: { alpha: "number", gamma: "number" },
  Sigmoid: none,
  HardSigmoid: { alpha: "number", beta: "number" },
  HardSwish: none,
  Swish: alpha,
  Tanh: none,
  Mish: none,
  Softplus: none,
  Softsign: none,
  Gelu: { approximate: ["none", "tanh"] },
  Clip: none,
  PRelu: none,
  Erf: none,
  Exp: none,
  Log: none,
  Sqrt: none,
  Reciprocal: none,
  Abs: none,
  Neg: none,
  Floor: none,
  Ceil: none,
  Round: none,
  Sign: none,
  Not: none,
  Sin: none,
  Cos: none,

  Add: none,
  Sub: none,
  Mul: none,
  Div: none,
  Pow: none,
  Mod: { fmod: "flag" },
  Min: none,
  Max: none,
  Sum: none,
  Mean: none,
  Equal: none,
  Less: none,
  LessOrEqual: none,
  Greater: none,
  GreaterOrEqual: none,
  And: none,
  Or: none,
  Xor: none,
  Where: none,

  Softmax: softmax,
  LogSoftmax: softmax,
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSumSquare: reduction,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ArgMax: arg,
  ArgMin: arg,
  TopK: { ...axis, largest: "flag", sorted: "flag" },

  Concat: axis,
  Split: axis,
  Slice: none,
  Pad: { mode: ["constant", "reflect", "edge", "wrap"] },
  Reshape: { allowzero: "flag" },
  Flatten: axis,
  Squeeze: none,
  Unsqueeze: none,
  Transpose: { perm: "integers" },
  Expand: none,
  Tile: none,
  Gather: axis,
  Resize: {
    mode: ["nearest", "linear", "cubic"],
    coordinateTransformationMode: [
      "half_pixel",
      "half_pixel_symmetric",
      "pytorch_half_pixel",
      "align_corners",
      "asymmetric",
      "tf_crop_and_resize",
    ],
    nearestMode: ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"],
    cubicCoeffA: "number",
    excludeOutside: "flag",
    extrapolationValue: "number",
    antialias: "flag",
    axes: "integers",
    keepAspectRatioPolicy: ["stretch", "not_larger", "not_smaller"],
  },
  DepthToSpace: { ...blocks, mode: ["DCR", "CRD"] },
  SpaceToDepth: blocks,

  Identity: none,
  Dropout: { ratio: "number" },
  Shape: { start: "integer", end: { optional: "integer" } },
  Size: none,
  ConstantOfShape: { value: "number", type: NUMBER_TYPES },
  Range: none,
  Cast: { to: NUMBER_TYPES },
  DequantizeLinear: { ...axis, blockSize: "integer" },

  NonMaxSuppression: { centerPointBox: "flag" },
};

/** Attributes of nodes as ONNX writes them. */
import { create } from "@bufbuild/protobuf";
import type { Attributes, OpType } from "../../model/attributes.ts";
import type { Constant, NumberType } from "../../model/constant.ts";
import { type AttributeProto, AttributeProtoSchema } from "../proto/onnx_pb.ts";
import { elementCode, tensorProto } from "./tensor.ts";

type Encoded = Omit<Partial<AttributeProto>, "$typeName" | "name"> & { readonly type: number };

/** AttributeProto.AttributeType. */
const [FLOAT, INT, STRING, TENSOR, INTS] = [1, 2, 3, 4, 7];

const utf8 = new TextEncoder();

const float = (f: number): Encoded => ({ type: FLOAT, f });
const int = (i: number): Encoded => ({ type: INT, i: BigInt(i) });
const flag = (set: boolean): Encoded => int(Number(set));
const text = (value: string): Encoded => ({ type: STRING, s: utf8.encode(value) });
const ints = (values: readonly number[]): Encoded => ({ type: INTS, ints: values.map(BigInt) });
/** Absent rather than empty. */
const someInts = (values: readonly number[]): Encoded | undefined => (values.length === 0 ? undefined : ints(values));

type Written<T> = {
  readonly [K in keyof T]-?: readonly [name: string, write: (value: T[K]) => Encoded | undefined] | null;
};
type Table = { readonly [K in OpType]: Written<Attributes[K]> };

const none = {};
const alpha = { alpha: ["alpha", float] } as const;
const epsilon = { epsilon: ["epsilon", float] } as const;
const axis = { axis: ["axis", int] } as const;
const p = { p: ["p", int] } as const;
const window = {
  strides: ["strides", ints],
  dilations: ["dilations", ints],
  // What `auto_pad` finds is not given as well.
  pads: ["pads", someInts],
  autoPad: ["auto_pad", text],
} as const;
/** Merged by passes, which no graph that is saved has been through. */
const fused = { activation: null } as const;
const pool = { ...window, kernelShape: ["kernel_shape", ints], ceilMode: ["ceil_mode", flag] } as const;
const reduce = { keepdims: ["keepdims", flag], noopWithEmptyAxes: ["noop_with_empty_axes", flag] } as const;
const arg = { ...axis, keepdims: ["keepdims", flag], selectLastIndex: ["select_last_index", flag] } as const;
// What opset 13 and later cannot say, the exporter writes as several nodes.
const softmax = { ...axis, flatten: null } as const;

const TABLE: Table = {
  Conv: { ...window, ...fused, group: ["group", int] },
  ConvTranspose: {
    ...window,
    ...fused,
    group: ["group", int],
    outputPadding: ["output_padding", someInts],
    outputShape: ["output_shape", someInts],
  },
  Gemm: { ...fused, ...alpha, beta: ["beta", float], transA: ["transA", flag], transB: ["transB", flag] },
  MatMul: fused,
  BatchNormalization: { ...epsilon, momentum: ["momentum", float] },
  InstanceNormalization: epsilon,
  LayerNormalization: { ...axis, ...epsilon },
  GroupNormalization: { ...epsilon, numGroups: ["num_groups", int] },
  LRN: { ...alpha, beta: ["beta", float], bias: ["bias", float], size: ["size", int] },
  MaxPool: { ...pool, storageOrder: ["storage_order", int] },
  AveragePool: { ...pool, countIncludePad: ["count_include_pad", flag] },
  LpPool: { ...pool, ...p },
  GlobalMaxPool: none,
  GlobalAveragePool: none,
  GlobalLpPool: p,
  Relu: none,
  LeakyRelu: alpha,
  ThresholdedRelu: alpha,
  Elu: alpha,
  Celu: alpha,
  Selu: { ...alpha, gamma: ["gamma", float] },
  Sigmoid: none,
  HardSigmoid: { ...alpha, beta: ["beta", float] },
  HardSwish: none,
  Swish: alpha,
  Tanh: none,
  Mish: none,
  Softplus: none,
  Softsign: none,
  Gelu: { approximate: ["approximate", text] },
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
  Mod: { fmod: ["fmod", flag] },
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
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSumSquare: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ArgMax: arg,
  ArgMin: arg,
  TopK: { ...axis, largest: ["largest", flag], sorted: ["sorted", flag] },
  Concat: axis,
  Split: axis,
  Slice: none,
  Pad: { mode: ["mode", text] },
  Reshape: { allowzero: ["allowzero", flag] },
  Flatten: axis,
  Squeeze: none,
  Unsqueeze: none,
  Transpose: { perm: ["perm", someInts] },
  Expand: none,
  Tile: none,
  Gather: axis,
  Resize: {
    mode: ["mode", text],
    coordinateTransformationMode: ["coordinate_transformation_mode", text],
    nearestMode: ["nearest_mode", text],
    cubicCoeffA: ["cubic_coeff_a", float],
    excludeOutside: ["exclude_outside", flag],
    extrapolationValue: ["extrapolation_value", float],
    antialias: ["antialias", flag],
    axes: ["axes", someInts],
    keepAspectRatioPolicy: ["keep_aspect_ratio_policy", text],
  },
  DepthToSpace: { blocksize: ["blocksize", int], mode: ["mode", text] },
  SpaceToDepth: { blocksize: ["blocksize", int] },
  Identity: none,
  // An input since opset 12.
  Dropout: { ratio: null },
  Shape: { start: ["start", int], end: ["end", (end) => (end === undefined ? undefined : int(end))] },
  Size: none,
  ConstantOfShape: {
    // One attribute for both.
    type: null,
    value: null,
  },
  Range: none,
  Cast: { to: ["to", (type) => int(elementCode(type))] },
  DequantizeLinear: { ...axis, blockSize: ["block_size", (size) => (size === 0 ? undefined : int(size))] },
  NonMaxSuppression: { centerPointBox: ["center_point_box", flag] },
};

/** A node's attributes in an ONNX file. */
export function attributeProtos<T extends OpType>(op: T, attributes: Attributes[T]): AttributeProto[] {
  const protos: AttributeProto[] = [];
  const table = TABLE[op] as Readonly<
    Record<string, readonly [string, (value: unknown) => Encoded | undefined] | null>
  >;
  const autoPad = "autoPad" in attributes && attributes.autoPad !== "NOTSET";
  for (const [key, value] of Object.entries(attributes)) {
    const [name, write] = table[key] ?? [];
    if (name === undefined || write === undefined || (autoPad && key === "pads")) continue;
    const encoded = write(value);
    if (encoded !== undefined) protos.push(create(AttributeProtoSchema, { name, ...encoded }));
  }
  return protos;
}

/** The value that ConstantOfShape repeats. */
export function repeatedValue({ value, type }: Attributes["ConstantOfShape"]): AttributeProto {
  return create(AttributeProtoSchema, { name: "value", type: TENSOR, t: tensorProto("", one(type, value)) });
}

function one(type: NumberType, value: number): Constant {
  const shape = [1];
  switch (type) {
    case "float32":
      return { type, shape, data: Float32Array.of(value) };
    case "int64":
      return { type, shape, data: Float64Array.of(value) };
    case "int32":
      return { type, shape, data: Int32Array.of(value) };
    case "int8":
      return { type, shape, data: Int8Array.of(value) };
    case "uint8":
    case "bool":
      return { type, shape, data: Uint8Array.of(value) };
  }
}

/** What each operator takes and gives: how messages name its operands, and how many of them a node may have. */
import type { OpType } from "./attributes.ts";

/** The operands of an operator. */
export interface Signature {
  /** Names in order; the last stands for any number more if `variadic`. */
  readonly inputs: readonly string[];
  /** How many inputs, from the first on, must be there. */
  readonly required: number;
  /** Whether the last input may be repeated. */
  readonly variadic: boolean;
  /** Names of outputs, all but the first optional. */
  readonly outputs: readonly string[];
  /** Whether the last output may be repeated. */
  readonly manyOutputs: boolean;
}

/** `"x w bias?"`: optional operands have a question mark and come last; `"a..."` is one or more. */
function signature(inputs: string, outputs = "y"): Signature {
  const names = inputs.split(" ");
  const bare = (name: string): string => name.replace(/\?|\.\.\./, "");
  return {
    inputs: names.map(bare),
    required: names.filter((name) => !name.endsWith("?")).length,
    variadic: inputs.endsWith("..."),
    outputs: outputs.split(" ").map(bare),
    manyOutputs: outputs.endsWith("..."),
  };
}

const unary = signature("x");
const binary = signature("a b");
const variadic = signature("x...");
const reduction = signature("x axes?");

/** Operands by operator. */
export const signatures: Readonly<Record<OpType, Signature>> = {
  Conv: signature("x w bias? residual?"),
  ConvTranspose: signature("x w bias?"),
  Gemm: signature("a b c?"),
  MatMul: signature("a b bias?"),

  BatchNormalization: signature("x scale bias mean variance"),
  InstanceNormalization: signature("x scale bias"),
  LayerNormalization: signature("x scale bias?", "y mean invStdDev"),
  GroupNormalization: signature("x scale bias"),
  LRN: unary,

  MaxPool: signature("x", "y indices"),
  AveragePool: unary,
  LpPool: unary,
  GlobalMaxPool: unary,
  GlobalAveragePool: unary,
  GlobalLpPool: unary,

  Relu: unary,
  LeakyRelu: unary,
  ThresholdedRelu: unary,
  Elu: unary,
  Celu: unary,
  Selu: unary,
  Sigmoid: unary,
  HardSigmoid: unary,
  HardSwish: unary,
  Swish: unary,
  Tanh: unary,
  Mish: unary,
  Softplus: unary,
  Softsign: unary,
  Gelu: unary,
  Clip: signature("x min? max?"),
  PRelu: signature("x slope"),
  Erf: unary,
  Exp: unary,
  Log: unary,
  Sqrt: unary,
  Reciprocal: unary,
  Abs: unary,
  Neg: unary,
  Floor: unary,
  Ceil: unary,
  Round: unary,
  Sign: unary,
  Not: unary,
  Sin: unary,
  Cos: unary,

  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Pow: binary,
  Mod: binary,
  Min: variadic,
  Max: variadic,
  Sum: variadic,
  Mean: variadic,
  Equal: binary,
  Less: binary,
  LessOrEqual: binary,
  Greater: binary,
  GreaterOrEqual: binary,
  And: binary,
  Or: binary,
  Xor: binary,
  Where: signature("condition a b"),

  Softmax: unary,
  LogSoftmax: unary,
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
  ArgMax: unary,
  ArgMin: unary,
  TopK: signature("x k", "values indices"),

  Concat: variadic,
  Split: signature("x sizes?", "y..."),
  Slice: signature("x starts ends axes? steps?"),
  Pad: signature("x pads value? axes?"),
  Reshape: signature("x shape"),
  Flatten: unary,
  Squeeze: signature("x axes?"),
  Unsqueeze: signature("x axes"),
  Transpose: unary,
  Expand: signature("x shape"),
  Tile: signature("x repeats"),
  Gather: signature("x indices"),
  Resize: signature("x roi? scales? sizes?"),
  DepthToSpace: unary,
  SpaceToDepth: unary,

  Identity: unary,
  Dropout: signature("x", "y mask"),
  Shape: unary,
  Size: unary,
  ConstantOfShape: signature("shape"),
  Range: signature("start limit delta"),
  Cast: unary,
  DequantizeLinear: signature("x scale zeroPoint?"),

  NonMaxSuppression: signature("boxes scores maxOutputBoxesPerClass? iouThreshold? scoreThreshold?", "selected count"),
};

/** What messages call the input at `index` of an operator. */
export function inputName(op: OpType, index: number): string {
  const { inputs, variadic } = signatures[op];
  if (variadic && index >= inputs.length - 1) return `${inputs.at(-1) ?? "input"}[${index - inputs.length + 1}]`;
  return inputs[index] ?? `input ${index}`;
}

/** A node as messages name it. */
export function describeNode({ name, op }: { readonly name: string; readonly op: OpType }): string {
  return `node ${JSON.stringify(name)} (${op})`;
}

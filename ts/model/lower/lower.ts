/** From a graph to steps of the core, each operator by its own rule. */
import { LensletError } from "../../errors.ts";
import type { OpType } from "../attributes.ts";
import type { KnownGraph, KnownInfo, Node, ValueName } from "../graph.ts";
import { argReduce, layerNorm, reduce, softmax, topK } from "./along.ts";
import {
  concat,
  depthToSpace,
  dropout,
  expand,
  gather,
  pad,
  reshape,
  slice,
  spaceToDepth,
  split,
  tile,
  transpose,
} from "./arrange.ts";
import { nonMaxSuppression } from "./detect.ts";
import { activation, binary, cast, dequantize, sum, unary, where } from "./elementwise.ts";
import { type LoweredStep, Lowering, type Temporary, type Training, temporary } from "./lowering.ts";
import { gemm, matMul } from "./matrix.ts";
import { resize } from "./resize.ts";
import { batchNorm, conv, convTranspose, globalPool, groupedNorm, localResponse, pool } from "./window.ts";

/** How an operator becomes steps. */
type Rule<T extends OpType> = (node: Node<T>, to: Lowering) => void;

/** Operators that are computed when a network is specialised, or not at all. */
type NeverRun = "Shape" | "Size" | "ConstantOfShape" | "Range";

const RULES: { readonly [T in Exclude<OpType, NeverRun>]: Rule<T> } = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: matMul,

  BatchNormalization: batchNorm,
  InstanceNormalization: groupedNorm,
  LayerNormalization: layerNorm,
  GroupNormalization: groupedNorm,
  LRN: localResponse,

  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalMaxPool: globalPool,
  GlobalAveragePool: globalPool,
  GlobalLpPool: globalPool,

  Relu: activation,
  LeakyRelu: activation,
  ThresholdedRelu: activation,
  Elu: activation,
  Celu: activation,
  Selu: activation,
  Sigmoid: activation,
  HardSigmoid: activation,
  HardSwish: activation,
  Swish: activation,
  Tanh: activation,
  Mish: activation,
  Softplus: activation,
  Softsign: activation,
  Gelu: activation,
  Clip: activation,
  PRelu: activation,
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
  Min: binary,
  Max: binary,
  Sum: (node, to) => sum(node, to, false),
  Mean: (node, to) => sum(node, to, true),
  Equal: binary,
  Less: binary,
  LessOrEqual: binary,
  Greater: binary,
  GreaterOrEqual: binary,
  And: binary,
  Or: binary,
  Xor: binary,
  Where: where,

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
  ArgMax: argReduce,
  ArgMin: argReduce,
  TopK: topK,

  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  Resize: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,

  Identity: reshape,
  Dropout: dropout,
  Cast: cast,
  DequantizeLinear: dequantize,

  NonMaxSuppression: nonMaxSuppression,
};

/** An output of a network, and the buffer that holds it in the graph's order. */
export interface LoweredOutput extends KnownInfo {
  readonly name: ValueName;
  readonly buffer: Temporary;
}

/** A network as steps of the core, their buffers not yet in memory. */
export interface Lowered {
  readonly steps: readonly LoweredStep[];
  /** In the graph's order; each has a buffer of its own. */
  readonly outputs: readonly LoweredOutput[];
}

/** Types that an output gives as integers; the others are float32. */
function isInteger({ type }: KnownInfo): boolean {
  return type !== "float32";
}

/**
 * The steps that compute a graph's outputs; of a network that is trained, those of its forward pass. Throws
 * `model-unsupported` for what the core cannot do.
 */
export function lower(graph: KnownGraph, training?: Training): Lowered {
  const to = new Lowering(graph, training);
  for (const node of graph.nodes) {
    to.begin(node);
    checkWidth(node, to);
    lowerNode(node, to);
  }
  const taken = new Set<Temporary>();
  const outputs = graph.outputs.map((name): LoweredOutput => {
    const info = to.info(name);
    to.begin(outputNode(name));
    const found = to.plain(name);
    if (found.kind === "temporary" && !taken.has(found) && !isInteger(info)) {
      taken.add(found);
      return { ...info, name, buffer: found };
    }
    // What is an input, a constant or another output too is copied; integers change their bits.
    const buffer = temporary(info.shape.reduce((product, size) => product * size, 1));
    if (isInteger(info)) to.emit("toInt32", [found], [buffer], []);
    else to.emit("activation", [found], [buffer], [0, 0, 0]);
    taken.add(buffer);
    return { ...info, name, buffer };
  });
  return { steps: to.steps, outputs };
}

/** Operators whose results are elements of their operands: of 8 bits like those. */
const SELECTING: ReadonlySet<OpType> = new Set<OpType>([
  ...(["Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile"] as const),
  ...(["Concat", "Split", "Slice", "Pad", "Gather", "DepthToSpace", "SpaceToDepth", "TopK", "Where"] as const),
  ...(["Max", "Min", "Clip", "Relu", "MaxPool", "GlobalMaxPool", "ReduceMax", "ReduceMin"] as const),
]);

/** Throws for arithmetic of 8 bits, which wraps around where the core's float32s go on. */
function checkWidth({ op, inputs, outputs: [y] }: Node, to: Lowering): void {
  const narrow = y === undefined ? undefined : to.type(y);
  if ((narrow !== "int8" && narrow !== "uint8") || SELECTING.has(op)) return;
  // Of a float that the type does not have, ONNX leaves open what becomes.
  const from = inputs[0] === undefined ? undefined : to.type(inputs[0]);
  if (op === "Cast" && (from === "float32" || from === "bool" || from === narrow)) return;
  throw to.unsupported(`it computes in ${narrow} while the network runs; only float32 is computed then`);
}

function lowerNode<T extends OpType>(node: Node<T>, to: Lowering): void {
  if (!isRunnable(node.op)) {
    const text = `node ${JSON.stringify(node.name)} (${node.op}) is computed before a network runs; specialise the graph first`;
    throw new LensletError("model-unsupported", text);
  }
  (RULES[node.op] as Rule<T>)(node, to);
}

function isRunnable(op: OpType): op is Exclude<OpType, NeverRun> {
  return Object.hasOwn(RULES, op);
}

/** What stands for an output in a profile. */
function outputNode(name: ValueName): Node {
  return { name, op: "Identity", inputs: [name], outputs: [name], attributes: {} };
}

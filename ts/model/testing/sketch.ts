/** Graphs written as text, for tests. */
import { Random } from "../../test/oracle/random.ts";
import type { Attributes, OpType } from "../attributes.ts";
import { type Constant, floats, integers } from "../constant.ts";
import type { Graph, KnownGraph, Node, ValueInfo, ValueName } from "../graph.ts";
import { specialise } from "../specialise/specialise.ts";

const WINDOW = { strides: [], dilations: [], pads: [], autoPad: "NOTSET" } as const;
const REDUCE = { keepdims: true, noopWithEmptyAxes: false } as const;
const ARG = { axis: 0, keepdims: true, selectLastIndex: false } as const;
const POOL = { ...WINDOW, kernelShape: [], ceilMode: false } as const;

/** Attributes of operators that have some, unless a sketch gives others. */
const USUAL: Partial<Attributes> = {
  Conv: { ...WINDOW, group: 1 },
  ConvTranspose: { ...WINDOW, group: 1, outputPadding: [], outputShape: [] },
  Gemm: { alpha: 1, beta: 1, transA: false, transB: false },
  BatchNormalization: { epsilon: 1e-5, momentum: 0.9 },
  InstanceNormalization: { epsilon: 1e-5 },
  GroupNormalization: { epsilon: 1e-5, numGroups: 1 },
  LayerNormalization: { axis: -1, epsilon: 1e-5 },
  LRN: { alpha: 1e-4, beta: 0.75, bias: 1, size: 3 },
  MaxPool: { ...POOL, storageOrder: 0 },
  AveragePool: { ...POOL, countIncludePad: false },
  LpPool: { ...POOL, p: 2 },
  GlobalLpPool: { p: 2 },
  LeakyRelu: { alpha: 0.01 },
  ThresholdedRelu: { alpha: 1 },
  Elu: { alpha: 1 },
  Celu: { alpha: 1 },
  Selu: { alpha: 1.67326, gamma: 1.0507 },
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  Swish: { alpha: 1 },
  Gelu: { approximate: "none" },
  Mod: { fmod: false },
  Softmax: { axis: -1, flatten: false },
  LogSoftmax: { axis: -1, flatten: false },
  ReduceSum: REDUCE,
  ReduceMean: REDUCE,
  ReduceMax: REDUCE,
  ReduceMin: REDUCE,
  ReduceProd: REDUCE,
  ReduceSumSquare: REDUCE,
  ReduceL1: REDUCE,
  ReduceL2: REDUCE,
  ReduceLogSum: REDUCE,
  ReduceLogSumExp: REDUCE,
  ArgMax: ARG,
  ArgMin: ARG,
  TopK: { axis: -1, largest: true, sorted: true },
  Concat: { axis: 1 },
  Split: { axis: 1 },
  Pad: { mode: "constant" },
  Reshape: { allowzero: false },
  Flatten: { axis: 1 },
  Transpose: { perm: [] },
  Gather: { axis: 0 },
  Resize: {
    mode: "nearest",
    coordinateTransformationMode: "half_pixel",
    nearestMode: "round_prefer_floor",
    cubicCoeffA: -0.75,
    excludeOutside: false,
    extrapolationValue: 0,
    antialias: false,
    axes: [],
    keepAspectRatioPolicy: "stretch",
  },
  DepthToSpace: { blocksize: 2, mode: "DCR" },
  SpaceToDepth: { blocksize: 2 },
  Dropout: { ratio: 0.5 },
  Cast: { to: "float32" },
  DequantizeLinear: { axis: 1, blockSize: 0 },
  NonMaxSuppression: { centerPointBox: false },
};

/**
 * A specialised graph of a text:
 *
 *     x: [1, 3, 8, 8]                                  an input
 *     c = Conv(x, w: [4, 3, 3, 3]) pads=[1, 1, 1, 1]    a node; w is a constant of random numbers from -1 to 1
 *     d = Add(c, 3)                                    a float32 number; [1, 2] a vector; i[1, 2] of integers; _ nothing
 *     -> d                                             outputs
 *
 * A constant of which the name begins with "var" is random from 0.5 to 1.5. Names of values are names of nodes.
 */
export function sketch(text: string): KnownGraph {
  return specialise(sketchGraph(text), new Map());
}

/** The graph before it is specialised. */
export function sketchGraph(text: string): Graph {
  const inputs = new Map<ValueName, ValueInfo>();
  const constants = new Map<ValueName, Constant>();
  const nodes: Node[] = [];
  let outputs: readonly ValueName[] = [];
  const random = new Random(11);
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    if (line.startsWith("->")) {
      outputs = list(line.slice(2));
      continue;
    }
    const node = /^(.+?) = (\w+)\((.*?)\)(?: (.*))?$/.exec(line);
    if (node === null) {
      const [name = "", shape = "[]"] = line.split(/: */, 2);
      const dims = (JSON.parse(shape.replace(/[a-z]+/gi, '"$&"')) as (number | string)[]).map((dim) => dim);
      inputs.set(name, { type: "float32", shape: dims });
      continue;
    }
    const [, made = "", op = "", operands = "", words = ""] = node;
    const names = list(made).map((name) => (name === "_" ? undefined : name));
    const taken = split(operands).map((operand) => operandOf(operand, constants, random));
    const attributes = { ...USUAL[op as OpType], ...attributesOf(words) };
    nodes.push({ name: names[0] ?? op, op, inputs: taken, outputs: names, attributes } as unknown as Node);
  }
  return { name: "sketch", inputs, outputs, constants, nodes };
}

function list(text: string): string[] {
  return text.split(",").map((each) => each.trim());
}

/** Operands, separated by commas outside brackets. */
function split(text: string): string[] {
  return text === "" ? [] : text.split(/,(?![^[]*\])/).map((each) => each.trim());
}

function operandOf(text: string, constants: Map<ValueName, Constant>, random: Random): ValueName | undefined {
  if (text === "_") return undefined;
  const add = (constant: Constant): ValueName => {
    constants.set(text, constant);
    return text;
  };
  if (text.startsWith("i[")) return add(integers(JSON.parse(text.slice(1)) as number[]));
  if (text.startsWith("[")) return add(floats(Float32Array.from(JSON.parse(text) as number[])));
  if (/^-?[\d.]/.test(text)) return add(floats(Float32Array.of(Number(text)), []));
  const [name = "", shape] = text.split(/: */, 2);
  if (shape === undefined) return name;
  const sizes = JSON.parse(shape) as number[];
  const { data } = name.startsWith("var") ? random.nd(sizes, 0.5, 1.5) : random.nd(sizes);
  if (!constants.has(name)) constants.set(name, floats(data, sizes));
  return name;
}

function attributesOf(text: string): Readonly<Record<string, unknown>> {
  const found = text.matchAll(/(\w+)=(\[.*?\]|\S+)/g);
  return Object.fromEntries([...found].map(([, name = "", value = ""]) => [name, parsed(value)]));
}

function parsed(text: string): unknown {
  return /^(\[|-?[\d.]|true$|false$)/.test(text) ? (JSON.parse(text) as unknown) : text;
}

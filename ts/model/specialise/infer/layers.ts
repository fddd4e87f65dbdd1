/** Types and shapes of layers: convolutions, products, normalisation and pools. */
import { formatShape } from "../../../shape.ts";
import type { Attributes, OpType, PoolAttributes } from "../../attributes.ts";
import type { KnownInfo } from "../../graph.ts";
import { broadcastShapes, broadcastsTo } from "../broadcast.ts";
import type { Operands } from "../operands.ts";
import { slideTransposed, slideWindow } from "../window.ts";
import { NUMBERS } from "./elementwise.ts";
import type { Rules } from "./rule.ts";

/** The operators of this file. */
type Layers =
  | "Conv"
  | "ConvTranspose"
  | "Gemm"
  | "MatMul"
  | "BatchNormalization"
  | "InstanceNormalization"
  | "LayerNormalization"
  | "GroupNormalization"
  | "LRN"
  | "MaxPool"
  | "AveragePool"
  | "LpPool"
  | "GlobalMaxPool"
  | "GlobalAveragePool"
  | "GlobalLpPool";

function float(shape: readonly number[]): KnownInfo {
  return { type: "float32", shape };
}

/** Checks types and ranks of a convolution; gives `n, inC` and the filter's shape. */
function convOperands(at: Operands, group: number): { n: number; inC: number; filter: readonly number[] } {
  for (let index = 0; index < at.count; index++) if (at.has(index)) at.expectType(index, "float32");
  at.expectRank(0, 3, 8, "[n, c, ...] with one spatial axis or more");
  const [n = 0, inC = 0, ...spatial] = at.shape(0);
  at.expectRank(1, spatial.length + 2, spatial.length + 2, `as many axes as x, which is ${formatShape(at.shape(0))}`);
  if (!Number.isInteger(group) || group < 1) throw at.invalid(`group is ${group}; expected a positive integer`);
  return { n, inC, filter: at.shape(1) };
}

function expectBias(at: Operands, index: number, channels: number): void {
  if (at.has(index)) at.expectShape(index, [channels], "one for each output channel");
}

function conv(at: Operands, attributes: Attributes["Conv"]): readonly KnownInfo[] {
  const { group } = attributes;
  const { n, inC, filter } = convOperands(at, group);
  const [outC = 0, groupC = 0, ...kernel] = filter;
  if (groupC * group !== inC || outC % group !== 0 || outC === 0) {
    const text = `x has ${inC} channels, w is ${formatShape(filter)} and group is ${group}`;
    throw at.invalid(`${text}; expected w [outC, ${inC}/group, ...] with outC a multiple of group`);
  }
  expectBias(at, 2, outC);
  const { output } = slideWindow(at, attributes, at.shape(0).slice(2), kernel);
  const shape = [n, outC, ...output];
  if (at.has(3)) at.expectShape(3, shape, "the output's");
  return [float(shape)];
}

function convTranspose(at: Operands, attributes: Attributes["ConvTranspose"]): readonly KnownInfo[] {
  const { group } = attributes;
  const { n, inC, filter } = convOperands(at, group);
  const [filterC = 0, groupC = 0, ...kernel] = filter;
  if (filterC !== inC || inC % group !== 0 || groupC === 0) {
    const text = `x has ${inC} channels, w is ${formatShape(filter)} and group is ${group}`;
    throw at.invalid(`${text}; expected w [${inC}, outC/group, ...] with ${inC} a multiple of group`);
  }
  expectBias(at, 2, groupC * group);
  const { output } = slideTransposed(at, attributes, at.shape(0).slice(2), kernel);
  return [float([n, groupC * group, ...output])];
}

function gemm(at: Operands, { transA, transB }: Attributes["Gemm"]): readonly KnownInfo[] {
  at.expectType(0, ...NUMBERS);
  at.expectOneType();
  at.expectRank(0, 2, 2, "two axes");
  at.expectRank(1, 2, 2, "two axes");
  const [rowsA = 0, columnsA = 0] = at.shape(0);
  const [rowsB = 0, columnsB = 0] = at.shape(1);
  const [m, innerA] = transA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [innerB, n] = transB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (innerA !== innerB) throw at.invalid(`a gives ${innerA} elements to each sum, b ${innerB}; they must agree`);
  const shape = [m, n];
  if (at.has(2) && !broadcastsTo(at.shape(2), shape)) {
    throw at.invalid(`c of shape ${formatShape(at.shape(2))} does not broadcast to ${formatShape(shape)}`);
  }
  return [{ type: at.type(0), shape }];
}

function matMul(at: Operands): readonly KnownInfo[] {
  at.expectType(0, ...NUMBERS);
  at.expectOneType();
  const [a, b] = [at.shape(0), at.shape(1)];
  const product = `a ${formatShape(a)} times b ${formatShape(b)}`;
  if (a.length === 0 || b.length === 0) throw at.invalid(`${product}: a scalar has no axis to sum over`);
  const inner = a.at(-1) ?? 0;
  const innerB = b.at(-2) ?? b[0] ?? 0;
  if (inner !== innerB) throw at.invalid(`${product}: a gives ${inner} elements to each sum, b ${innerB}`);
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  if (batch === undefined) throw at.invalid(`${product}: the axes before the last two do not broadcast`);
  const m = a.length > 1 ? a.slice(-2, -1) : [];
  const n = b.length > 1 ? b.slice(-1) : [];
  if (at.has(2)) at.expectShape(2, n, "one for each column of b");
  return [{ type: at.type(0), shape: [...batch, ...m, ...n] }];
}

/** Checks that `x` is `[n, c, ...]` and gives `c`. */
function channels(at: Operands, minRank: number): number {
  for (let index = 0; index < at.count; index++) if (at.has(index)) at.expectType(index, "float32");
  at.expectRank(0, minRank, 8, minRank === 2 ? "[n, c, ...]" : "[n, c, ...] with one spatial axis or more");
  return at.shape(0)[1] ?? 1;
}

function perChannel(minRank: number, parameters: number): (at: Operands) => readonly KnownInfo[] {
  return (at) => {
    const c = channels(at, minRank);
    for (let index = 1; index <= parameters; index++) at.expectShape(index, [c], "one for each channel of x");
    return [at.info(0)];
  };
}

function groupNormalization(at: Operands, { numGroups }: Attributes["GroupNormalization"]): readonly KnownInfo[] {
  const c = channels(at, 3);
  if (!Number.isInteger(numGroups) || numGroups < 1 || c % numGroups !== 0) {
    throw at.invalid(`numGroups is ${numGroups}; expected a divisor of the ${c} channels of x`);
  }
  at.expectShape(1, [c], "one for each channel of x");
  at.expectShape(2, [c], "one for each channel of x");
  return [at.info(0)];
}

function layerNormalization(at: Operands, { axis }: Attributes["LayerNormalization"]): readonly KnownInfo[] {
  for (let index = 0; index < at.count; index++) if (at.has(index)) at.expectType(index, "float32");
  const shape = at.shape(0);
  const first = at.axis(axis, shape.length);
  const inner = shape.slice(first);
  for (const index of [1, 2]) {
    if (!at.has(index) || broadcastsTo(at.shape(index), inner)) continue;
    const text = `${at.name(index)} of shape ${formatShape(at.shape(index))}`;
    throw at.invalid(`${text} does not broadcast to the normalised axes ${formatShape(inner)}`);
  }
  const statistics = float(shape.map((size, index) => (index < first ? size : 1)));
  return [at.info(0), statistics, statistics];
}

function pool(at: Operands, attributes: PoolAttributes): readonly KnownInfo[] {
  channels(at, 3);
  const [n = 0, c = 0, ...spatial] = at.shape(0);
  const { output } = slideWindow(at, attributes, spatial, attributes.kernelShape, attributes.ceilMode);
  return [float([n, c, ...output])];
}

function maxPool(at: Operands, attributes: Attributes["MaxPool"]): readonly KnownInfo[] {
  const [y = at.info(0)] = pool(at, attributes);
  return [y, { type: "int64", shape: y.shape }];
}

function globalPool(at: Operands): readonly KnownInfo[] {
  channels(at, 2);
  return [float(at.shape(0).map((size, axis) => (axis < 2 ? size : 1)))];
}

function lrn(at: Operands, { size }: Attributes["LRN"]): readonly KnownInfo[] {
  channels(at, 2);
  if (!Number.isInteger(size) || size < 1) throw at.invalid(`size is ${size}; expected a positive integer`);
  return [at.info(0)];
}

/** Rules of layers. */
export const layers: Rules<Layers & OpType> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: matMul,
  BatchNormalization: perChannel(2, 4),
  InstanceNormalization: perChannel(3, 2),
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  LRN: lrn,
  MaxPool: maxPool,
  AveragePool: pool,
  LpPool: pool,
  GlobalMaxPool: globalPool,
  GlobalAveragePool: globalPool,
  GlobalLpPool: globalPool,
};

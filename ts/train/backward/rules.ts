/** The gradient of every operator that has one. */
import type { OpName } from "../../command.ts";
import { gather, matmul, reduce, softmax, topK } from "./along.ts";
import { broadcastTo, concat, dropout, pad, slice, transpose } from "./arrange.ts";
import { activation, binary, unary, where } from "./elementwise.ts";
import { batchNorm, batchNormTraining, groupNorm, instanceNorm, layerNorm, lrn } from "./norm.ts";
import { FLAT, type Rule } from "./rule.ts";
import { conv2d, convTranspose2d, dense, globalPool2d, pool2d, resize2d } from "./window.ts";

/** Operators without an entry have no gradient: what needs one through them cannot be trained. */
export const RULES: Partial<Record<OpName, Rule>> = {
  conv2d,
  convTranspose2d,
  dense,
  matmul,
  pool2d,
  globalPool2d,
  resize2d,
  batchNormTraining,
  batchNorm,
  instanceNorm,
  groupNorm,
  layerNorm,
  lrn,
  activation,
  unary,
  binary,
  where,
  softmax,
  reduce,
  topK,
  transpose,
  broadcastTo,
  concat,
  slice,
  pad,
  gather,
  dropout,
  argReduce: FLAT,
  nonMaxSuppression: FLAT,
  toInt32: FLAT,
  fromInt32: FLAT,
};

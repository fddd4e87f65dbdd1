/** Gradients of normalisations. */
import type { OpName } from "../../command.ts";
import { elementCount } from "../../shape.ts";
import { floats } from "../../model/constant.ts";
import { type Buffer, NONE, temporary } from "../../model/lower/lowering.ts";
import type { Rule } from "./rule.ts";
import { BINARY, type Site, UNARY } from "./site.ts";

/** Gives operand, scale and offset, the first three operands, their gradients: one step computes all. */
function give(at: Site, op: OpName, inputs: readonly Buffer[], words: readonly number[], size: number): void {
  const gradients = [temporary(at.output.length), temporary(size), temporary(size)];
  at.emit(op, inputs, gradients, words);
  for (const [index, gradient] of gradients.entries()) at.give(index, gradient);
}

/** By the batch's own statistics, which the forward pass has left. */
export const batchNormTraining: Rule = {
  run: (at) => {
    const { inputs, outputs, words } = at.step;
    const [x = NONE, scale = NONE] = inputs;
    const [, statistics = NONE] = outputs;
    give(at, "batchNormGrad", [x, scale, statistics, at.gradient], words, words[0] ?? 1);
  },
};

export const groupNorm: Rule = {
  run: (at) => {
    const { words } = at.step;
    give(at, "groupNormGrad", [at.input(0), at.input(1), at.gradient], words, words[4] ?? 1);
  },
};

/** A group normalisation of as many groups as channels. */
export const instanceNorm: Rule = {
  run: (at) => {
    const { words } = at.step;
    const channels = words[4] ?? 1;
    const grouped = [...words.slice(0, 5), channels, ...words.slice(5)];
    give(at, "groupNormGrad", [at.input(0), at.input(1), at.gradient], grouped, channels);
  },
};

export const layerNorm: Rule = {
  run: (at) => {
    const { words } = at.step;
    give(at, "layerNormGrad", [at.input(0), at.input(1), at.gradient], words, words[1] ?? 1);
  },
};

/**
 * By statistics that are known before: `y = scale (x - mean) r + offset` with `r = 1 / √(variance + epsilon)`. Operands are
 * x, mean, variance, scale, offset; the statistics have no gradient, they are not trained.
 */
export const batchNorm: Rule = {
  flows: (_, input) => input === 0 || input > 2,
  run: (at) => {
    const [outer = 1, channels = 1, inner = 1, epsilon = 0] = at.step.words;
    const [x, mean, variance, scale] = [0, 1, 2, 3].map((index) => at.input(index));
    if (x === undefined || mean === undefined || variance === undefined || scale === undefined) return;
    const [shape, row] = [
      [outer, channels, inner],
      [1, channels, 1],
    ] as const;
    const g = at.gradient;
    if (at.wants(0)) {
      // scale r: what normalising the scale itself by a mean of 0 gives.
      const zeros: Buffer = { kind: "weight", constant: floats(new Float32Array(channels)) };
      const factors = scale.kind === "none" ? ones(channels) : scale;
      const words = [1, channels, 1, epsilon];
      const slopes = at.make("batchNorm", [factors, zeros, variance, NONE, NONE], words, channels);
      at.give(0, at.broadcastBinary(BINARY.mul, [g, slopes], [shape, row]));
    }
    if (at.wants(3)) {
      const normalised = at.make("batchNorm", [x, mean, variance, NONE, NONE], at.step.words, elementCount(shape));
      at.give(3, at.sumTo(at.binary(BINARY.mul, g, normalised, elementCount(shape)), shape, row), channels);
    }
    if (at.wants(4)) at.give(4, at.sumTo(g, shape, row), channels);
  },
};

function ones(length: number): Buffer {
  return { kind: "weight", constant: floats(new Float32Array(length).fill(1)) };
}

/**
 * `y = x d^-beta` with `d = bias + alpha / size Σ x²` over `size` neighbours in channels, so that the gradient is
 * `g d^-beta - 2 alpha beta / size x Σ (g y / d)` over the neighbours that have x among theirs. The sums are products with
 * a matrix of ones near its diagonal.
 */
export const lrn: Rule = {
  run: (at) => {
    const [, n = 1, h = 1, w = 1, channels = 1, size = 1, alpha = 0, beta = 0, bias = 0] = at.step.words;
    const pixels = n * h * w;
    const length = pixels * channels;
    const x = at.input(0);
    const before = Math.floor((size - 1) / 2);
    const neighbours = new Float32Array(channels * channels);
    for (let c = 0; c < channels; c++) {
      const last = Math.min(channels - 1, c - before + size - 1);
      for (let other = Math.max(0, c - before); other <= last; other++) neighbours[other * channels + c] = 1;
    }
    const matrix: Buffer = { kind: "weight", constant: floats(neighbours, [channels, channels]) };
    const sums = (of: Buffer, transposed: boolean): Buffer => {
      const words = [pixels, channels, channels, transposed ? 1 : 0, 0, 0, 0];
      return at.make("dense", [of, matrix, NONE], words, length);
    };
    const { mul, add, div, pow, sub } = BINARY;
    const squares = sums(at.unary(UNARY.square, x, length), false);
    const d = at.binary(add, at.binary(mul, squares, alpha / size), bias);
    const direct = at.binary(mul, at.binary(pow, d, -beta), at.gradient);
    const shared = sums(at.binary(div, at.binary(mul, at.gradient, at.output, length), d), true);
    const others = at.binary(mul, at.binary(mul, shared, x), (2 * alpha * beta) / size);
    at.give(0, at.binary(sub, direct, others));
  },
};

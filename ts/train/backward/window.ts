/** Gradients of convolutions, dense layers, pools and resized images. */
import { type Buffer, NONE, temporary } from "../../model/lower/lowering.ts";
import { pastActivation, refusesActivation, unfused } from "./elementwise.ts";
import type { Rule } from "./rule.ts";
import { lengthOf, type Site } from "./site.ts";

/** Words of a convolution before its activation, and of a product. */
const CONVOLUTION = 18;
const DENSE = 4;

/** The gradients of operand, weights and bias that are wanted, in one step. */
function layer(
  at: Site,
  op: "conv2dGrad" | "convTranspose2dGrad" | "denseGrad",
  size: number,
  more: readonly number[],
): Buffer {
  const { words, inputs } = at.step;
  const g = unfused(at, words.slice(size, size + 3));
  const places = [0, 1, 2];
  const wanted = places.filter((index) => at.wants(index));
  if (wanted.length === 0) return g;
  const flags = places.map((index) => (at.wants(index) ? 1 : 0));
  const gradients = wanted.map((index) => temporary(lengthOf(at.input(index))));
  const [x = NONE, weights = NONE] = inputs;
  const operands = [at.wants(1) ? x : NONE, at.wants(0) ? weights : NONE, g];
  at.emit(op, operands, gradients, [...words.slice(0, size), ...more, ...flags]);
  for (const [i, index] of wanted.entries()) at.give(index, gradients[i] ?? NONE);
  return g;
}

export const conv2d: Rule = {
  refuses: refusesActivation,
  run: (at) => {
    const g = layer(at, "conv2dGrad", CONVOLUTION, []);
    // What is added before the activation.
    at.give(3, g, at.output.length);
  },
};

export const convTranspose2d: Rule = {
  refuses: refusesActivation,
  run: (at) => {
    layer(at, "convTranspose2dGrad", CONVOLUTION, at.step.words.slice(CONVOLUTION + 3));
  },
};

export const dense: Rule = {
  refuses: refusesActivation,
  run: (at) => {
    layer(at, "denseGrad", DENSE, []);
  },
};

/** Kinds of pools: maxima, whose windows each give one element all; and means, whose gradient needs no operand. */
const MAXIMUM = 0;
const MEAN = 1;

export const pool2d: Rule = {
  run: (at) => {
    const [kind = 0, layout = 0, n = 1, h = 1, w = 1, c = 1, ...window] = at.step.words;
    const x = kind === MEAN ? NONE : at.input(0);
    const g = kind === MAXIMUM ? pastActivation(at) : at.gradient;
    // Images with their channels first, whose maxima's places are wanted, are as many images of one channel.
    const images = layout === 0 ? [n, h, w, c] : [n * c, h, w, 1];
    at.give(0, at.make("pool2dGrad", [x, g], [kind, 0, ...images, ...window], n * h * w * c));
  },
};

export const globalPool2d: Rule = {
  run: (at) => {
    const { words } = at.step;
    const x = words[0] === MEAN ? NONE : at.input(0);
    const g = words[0] === MAXIMUM ? pastActivation(at) : at.gradient;
    at.give(0, at.make("adaptivePool2dGrad", [x, g], [...words, 1, 1], lengthOf(at.input(0))));
  },
};

export const resize2d: Rule = {
  run: (at) => at.give(0, at.make("resize2dGrad", [at.gradient], at.step.words, lengthOf(at.input(0)))),
};

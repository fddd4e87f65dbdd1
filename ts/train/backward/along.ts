/** Gradients of functions along axes, and of products of two results. */
import { elementCount, type Shape } from "../../shape.ts";
import { floats } from "../../model/constant.ts";
import { type Buffer, temporary } from "../../model/lower/lowering.ts";
import type { Rule } from "./rule.ts";
import { BINARY, broadcast, type Site, UNARY } from "./site.ts";

export const softmax: Rule = {
  run: (at) => at.give(0, at.make("softmaxGrad", [at.output, at.gradient], at.step.words, at.output.length)),
};

/** A reduction, as a rule of {@link REDUCTIONS} sees it. */
interface Reduction {
  readonly x: Buffer;
  readonly y: Buffer;
  /** The gradient of the result. */
  readonly g: Buffer;
  readonly shape: Shape;
  /** With sizes of 1 where it was reduced. */
  readonly reduced: Shape;
}

/** The gradient of the operand. */
type Derivative = (at: Site, reduction: Reduction) => Buffer;

const { add, mul, div, sub, equal } = BINARY;

/** By the core's codes. */
const REDUCTIONS: ReadonlyMap<number, Derivative> = new Map<number, Derivative>([
  [0, (at, { g, shape, reduced }) => at.broadcastTo(g, reduced, shape)],
  [1, mean],
  [2, extreme],
  [3, extreme],
  [4, product],
  [5, (at, r) => at.binary(mul, times(at, r, r.x), 2)],
  [6, (at, r) => times(at, r, at.unary(UNARY.sign, r.x, elementCount(r.shape)))],
  [7, norm],
  [
    8,
    (at, r) => at.broadcastTo(at.binary(mul, r.g, reciprocalExp(at, r), elementCount(r.reduced)), r.reduced, r.shape),
  ],
  [9, logSumExp],
]);

/** An operand's function times the gradient, repeated. */
function times(at: Site, { g, shape, reduced }: Reduction, x: Buffer): Buffer {
  return at.broadcastBinary(mul, [x, g], [shape, reduced]);
}

function mean(at: Site, { g, shape, reduced }: Reduction): Buffer {
  const count = elementCount(reduced) / elementCount(shape);
  return at.broadcastTo(at.binary(mul, g, count, elementCount(reduced)), reduced, shape);
}

/** Equal extremes share the gradient (PyTorch's `amax`). */
function extreme(at: Site, { x, y, g, shape, reduced }: Reduction): Buffer {
  const length = elementCount(reduced);
  const isOne = at.broadcastBinary(equal, [x, y], [shape, reduced]);
  const mask = shape.map((size, axis) => (reduced[axis] === size ? 0 : 1));
  const count = at.make("reduce", [isOne], [0, shape.length, ...shape, ...mask], length);
  return at.broadcastBinary(mul, [isOne, at.binary(div, g, count, length)], [shape, reduced]);
}

/** `g` times the product of all other elements, which `y / x` is only where nothing is 0. */
function product(at: Site, { x, g, shape, reduced }: Reduction): Buffer {
  const [length, count] = [elementCount(shape), elementCount(reduced)];
  const mask = shape.map((size, axis) => (reduced[axis] === size ? 0 : 1));
  const over = (kind: number, of: Buffer): Buffer =>
    at.make("reduce", [of], [kind, shape.length, ...shape, ...mask], count);
  const isZero = at.binary(equal, x, 0, length);
  const others = at.binary(add, x, isZero, length);
  const zeros = over(0, isZero);
  // Of one zero the product of the others; of none of them y / x; of more all is 0.
  const rest = at.binary(mul, g, over(4, others), count);
  const shares = [0, 1].map((n) => at.binary(mul, rest, at.binary(equal, zeros, n)));
  const [ofNone = rest, ofOne = rest] = shares.map((share) => at.broadcastTo(share, reduced, shape));
  const words = [1, length, length, length];
  return at.make("where", [isZero, ofOne, at.binary(div, ofNone, others, length)], words, length);
}

/** `g x / y`, and 0 where y is. */
function norm(at: Site, r: Reduction): Buffer {
  const length = elementCount(r.reduced);
  const share = at.where(r.y, at.binary(div, r.g, r.y, length), 0, length);
  return at.broadcastBinary(mul, [r.x, share], [r.shape, r.reduced]);
}

/** `e^-y`: one over the sum whose logarithm y is. */
function reciprocalExp(at: Site, { y, reduced }: Reduction): Buffer {
  return at.unary(UNARY.exp, at.unary(UNARY.neg, y, elementCount(reduced)));
}

/** `g e^(x - y)` */
function logSumExp(at: Site, r: Reduction): Buffer {
  return times(at, r, at.unary(UNARY.exp, at.broadcastBinary(sub, [r.x, r.y], [r.shape, r.reduced])));
}

export const reduce: Rule = {
  run: (at) => {
    const [code = -1, rank = 0, ...rest] = at.step.words;
    const shape = rest.slice(0, rank);
    const reduced = shape.map((size, axis) => (rest[rank + axis] === 1 ? 1 : size));
    const reduction = { x: at.input(0), y: at.output, g: at.gradient, shape, reduced };
    const derivative = REDUCTIONS.get(code);
    if (derivative !== undefined) at.give(0, derivative(at, reduction), elementCount(shape));
  },
};

/** `[..., m, k]` times `[..., k, n]`, the leading axes broadcast: both sides are results. */
export const matmul: Rule = {
  run: (at) => {
    const [m = 1, k = 1, n = 1, rank = 0, ...batches] = at.step.words;
    if (rank === 0) {
      const wanted = [0, 1].filter((index) => at.wants(index));
      const gradients = wanted.map((index) => temporary(index === 0 ? m * k : k * n));
      const flags = [0, 1].map((index) => (at.wants(index) ? 1 : 0));
      at.emit("denseGrad", [at.input(0), at.input(1), at.gradient], gradients, [m, k, n, 0, ...flags, 0]);
      for (const [i, index] of wanted.entries()) at.give(index, gradients[i] ?? at.gradient);
      return;
    }
    const [left, right] = [batches.slice(0, rank), batches.slice(rank)];
    const out = broadcast(left, right);
    const g = at.gradient;
    if (at.wants(0)) {
      const product = at.make(
        "matmul",
        [g, turned(at, at.input(1), right, k, n)],
        [m, n, k, rank, ...out, ...right],
        elementCount(out) * m * k,
      );
      at.give(0, at.sumTo(product, [...out, m, k], [...left, m, k]), elementCount(left) * m * k);
    }
    if (at.wants(1)) {
      const product = at.make(
        "matmul",
        [turned(at, at.input(0), left, m, k), g],
        [k, m, n, rank, ...left, ...out],
        elementCount(out) * k * n,
      );
      at.give(1, at.sumTo(product, [...out, k, n], [...right, k, n]), elementCount(right) * k * n);
    }
  },
};

/** Matrices with rows and columns exchanged. */
function turned(at: Site, x: Buffer, batch: Shape, rows: number, columns: number): Buffer {
  const count = elementCount(batch);
  return at.make("transpose", [x], [3, count, rows, columns, 0, 2, 1], count * rows * columns);
}

/** As of {@link gather}, by the places that the second result tells; the first one's gradient alone is one. */
export const topK: Rule = {
  run: (at) => {
    const [outer = 1, size = 1, inner = 1, k = 1] = at.step.words;
    const [, indices = at.output] = at.step.outputs;
    const places: Buffer = { kind: "weight", constant: floats(Float32Array.from({ length: size }, (_, i) => i)) };
    const [column, found] = [
      [1, size, 1, 1],
      [outer, 1, k, inner],
    ] as const;
    const picked = at.broadcastBinary(equal, [places, indices], [column, found]);
    const shape = [outer, size, k, inner];
    const parts = at.broadcastBinary(mul, [picked, at.gradient], [shape, found]);
    at.give(0, at.make("reduce", [parts], [0, 4, ...shape, 0, 0, 1, 0], outer * size * inner));
  },
};

/** The gradient of what was picked goes back to where it was: a product with a matrix that holds 1 where a place was picked. */
export const gather: Rule = {
  flows: (_, input) => input === 0,
  run: (at) => {
    const [outer = 1, size = 1, inner = 1, count = 1] = at.step.words;
    const places: Buffer = { kind: "weight", constant: floats(Float32Array.from({ length: size }, (_, i) => i)) };
    const [row, column] = [
      [1, count],
      [size, 1],
    ] as const;
    // Negative indices count from the end.
    const indices = at.input(1);
    const isNegative = at.binary(BINARY.less, indices, 0, count);
    const shifted = at.binary(BINARY.add, at.binary(mul, isNegative, size), indices);
    const picked = at.broadcastBinary(equal, [places, shifted], [column, row]);
    const words = [size, count, inner, 1, 1, outer];
    at.give(0, at.make("matmul", [picked, at.gradient], words, outer * size * inner));
  },
};

/** The operators as methods. What their options mean is told beside their checks, in `ops/`. */
import {
  type AlphaOptions,
  activate,
  type ClampOptions,
  type GeluOptions,
  type HardSigmoidOptions,
  type SeluOptions,
  softmax,
  type SoftmaxOptions,
} from "./ops/activation.ts";
import { concat, type ConcatOptions, flatten, type FlattenOptions, reshape, transpose } from "./ops/arrange.ts";
import { conv2d, type Conv2dOptions, convTranspose2d, type ConvTranspose2dOptions } from "./ops/conv.ts";
import { dense, type DenseOptions } from "./ops/dense.ts";
import { type ArithmeticOperand, binary, type BinaryName, unary, type UnaryName } from "./ops/elementwise.ts";
import { matmul } from "./ops/matmul.ts";
import {
  batchNorm,
  type BatchNormOptions,
  groupNorm,
  type GroupNormOptions,
  instanceNorm,
  type InstanceNormOptions,
  layerNorm,
  type LayerNormOptions,
  localResponseNorm,
  type LocalResponseNormOptions,
} from "./ops/norm.ts";
import { pad, type PadOptions } from "./ops/pad.ts";
import {
  adaptivePool2d,
  type AdaptivePoolOptions,
  type AvgPoolOptions,
  globalPool2d,
  pool2d,
  type PoolOptions,
} from "./ops/pool.ts";
import {
  argReduce,
  type ArgOptions,
  reduce,
  type ReduceOptions,
  type ReductionName,
  toInt32,
  topK,
  type TopKAxisOptions,
} from "./ops/reduce.ts";
import { resize, type ResizeOptions } from "./ops/resize.ts";
import { broadcastTo, gather, type GatherOptions, slice, type SliceOptions, where } from "./ops/select.ts";
import type { LayoutOption } from "./options.ts";
import type { Shape } from "./shape.ts";
import type { Store } from "./store.ts";
import type { DType, Operand, Tensor, VectorOperand } from "./tensor.ts";

/** What `maxPool2dWithIndices` makes. */
export interface PoolWithIndices {
  /** The largest elements. */
  readonly output: Tensor;
  /** Where in the input each was, as an index into its `data()`. */
  readonly indices: Tensor<"int32">;
}

/** What `topK` makes: the axis has `k` elements, the best first. */
export interface TopKResult {
  /** The best elements. */
  readonly values: Tensor;
  /** Where along the axis each was. */
  readonly indices: Tensor<"int32">;
}

/**
 * Operators of an {@link Engine}. Each returns a new tensor at once and leaves its operands as they are.
 *
 * Each throws a `LensletError`: `invalid-argument` for a value that an argument may not have, `shape-mismatch` for shapes
 * that do not go together, `empty-output`, `too-large`, `tensor-disposed`, `foreign-tensor` or `engine-disposed`.
 */
export class Operators {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Convolution (cross-correlation, as CNNs have it) of images `[n, h, w, inC]` with a filter
   * `[kH, kW, inC / groups, outC]`, to `[n, outH, outW, outC]`. With `layout: "NCHW"`: `[n, inC, h, w]`,
   * `[outC, inC / groups, kH, kW]`, `[n, outC, outH, outW]`.
   *
   * A signal is an image of one row: `[n, 1, length, c]` with a filter `[1, k, c, outC]` is 1-D convolution.
   *
   * Output sizes: `floor((in + padding - dilation * (k - 1) - 1) / stride) + 1`, see {@link Padding}.
   */
  conv2d(x: Tensor, filter: Operand, options?: Conv2dOptions): Tensor {
    return this.#store.one(conv2d, "conv2d", x, filter, options);
  }

  /**
   * Transposed convolution (sometimes called deconvolution): images `[n, h, w, inC]` and a filter
   * `[kH, kW, outC / groups, inC]`, TensorFlow's order. With `layout: "NCHW"` the filter is
   * `[inC, outC / groups, kH, kW]`, as in ONNX and PyTorch.
   *
   * Output sizes: `(in - 1) * stride + dilation * (k - 1) + 1 + outputPadding - padding`; with `"same"`, `in * stride`.
   */
  convTranspose2d(x: Tensor, filter: Operand, options?: ConvTranspose2dOptions): Tensor {
    return this.#store.one(convTranspose2d, "convTranspose2d", x, filter, options);
  }

  /** Dense layer: x `[..., k]` times weights `[k, n]` plus bias, to `[..., n]`; without bias, matrix multiplication. */
  dense(x: Tensor, weights: Operand, options?: DenseOptions): Tensor {
    return this.#store.one(dense, "dense", x, weights, options);
  }

  /**
   * The product of matrices `[..., m, k]` and `[..., k, n]`, to `[..., m, n]`; the axes in front broadcast as in NumPy. For
   * weights that are used often, {@link dense} is faster: it packs them once.
   */
  matmul(a: Operand, b: Operand): Tensor {
    return this.#store.one(matmul, "matmul", a, b);
  }

  /** The largest element of each window, channel by channel. NaN wins; padding never does. */
  maxPool2d(x: Tensor, options: PoolOptions): Tensor {
    return this.#store.one(pool2d, "maxPool2d", "max", x, options);
  }

  /** As {@link maxPool2d}, and where each largest element was: its flat index in x, the first one if several are equal. */
  maxPool2dWithIndices(x: Tensor, options: PoolOptions): PoolWithIndices {
    const call = "maxPool2dWithIndices";
    this.#store.checkOpen(call);
    const [output, indices] = this.#store.run(pool2d(call, "max", x, options, true));
    return { output: output as Tensor, indices: indices as Tensor<"int32"> };
  }

  /** The mean of each window, channel by channel; of the elements that exist, unless `countIncludePad`. */
  avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
    return this.#store.one(pool2d, "avgPool2d", "avg", x, options);
  }

  /** The root of the sum of squares of each window, channel by channel (ONNX's LpPool with p = 2). */
  l2Pool2d(x: Tensor, options: PoolOptions): Tensor {
    return this.#store.one(pool2d, "l2Pool2d", "l2", x, options);
  }

  /** The sum of the magnitudes of each window, channel by channel (ONNX's LpPool with p = 1). */
  l1Pool2d(x: Tensor, options: PoolOptions): Tensor {
    return this.#store.one(pool2d, "l1Pool2d", "l1", x, options);
  }

  /** The largest element of each channel of each image: `[n, 1, 1, c]`, or `[n, c, 1, 1]`. */
  globalMaxPool2d(x: Tensor, options?: LayoutOption): Tensor {
    return this.#store.one(globalPool2d, "globalMaxPool2d", "max", x, options);
  }

  /** The mean of each channel of each image: `[n, 1, 1, c]`, or `[n, c, 1, 1]`. */
  globalAvgPool2d(x: Tensor, options?: LayoutOption): Tensor {
    return this.#store.one(globalPool2d, "globalAvgPool2d", "avg", x, options);
  }

  /** The root of the sum of squares of each channel of each image: `[n, 1, 1, c]`, or `[n, c, 1, 1]`. */
  globalL2Pool2d(x: Tensor, options?: LayoutOption): Tensor {
    return this.#store.one(globalPool2d, "globalL2Pool2d", "l2", x, options);
  }

  /** The sum of the magnitudes of each channel of each image: `[n, 1, 1, c]`, or `[n, c, 1, 1]`. */
  globalL1Pool2d(x: Tensor, options?: LayoutOption): Tensor {
    return this.#store.one(globalPool2d, "globalL1Pool2d", "l1", x, options);
  }

  /** The largest elements of `size` windows that split the image evenly: row i from `floor(i * h / out)` to `ceil((i + 1) * h / out)` (PyTorch). */
  adaptiveMaxPool2d(x: Tensor, options: AdaptivePoolOptions): Tensor {
    return this.#store.one(adaptivePool2d, "adaptiveMaxPool2d", "max", x, options);
  }

  /** The means of `size` windows that split the image evenly, as {@link adaptiveMaxPool2d}'s do. */
  adaptiveAvgPool2d(x: Tensor, options: AdaptivePoolOptions): Tensor {
    return this.#store.one(adaptivePool2d, "adaptiveAvgPool2d", "avg", x, options);
  }

  /** New elements around the images, or around any tensor, axis by axis. */
  pad(x: Tensor, options: PadOptions): Tensor {
    return this.#store.one(pad, "pad", x, options);
  }

  /** `max(x, 0)` */
  relu(x: Tensor): Tensor {
    return this.#store.one(activate, "relu", "relu", x);
  }

  /** `min(max(x, 0), 6)` */
  relu6(x: Tensor): Tensor {
    return this.#store.one(activate, "relu6", "relu6", x);
  }

  /** `min(max(x, options.min), options.max)` */
  clamp(x: Tensor, options: ClampOptions): Tensor {
    return this.#store.one(activate, "clamp", "clamp", x, options);
  }

  /** `x` above 0, `alpha * x` below. */
  leakyRelu(x: Tensor, options?: AlphaOptions): Tensor {
    return this.#store.one(activate, "leakyRelu", "leakyRelu", x, options);
  }

  /** `1 / (1 + exp(-x))` */
  sigmoid(x: Tensor): Tensor {
    return this.#store.one(activate, "sigmoid", "sigmoid", x);
  }

  /** The hyperbolic tangent. */
  tanh(x: Tensor): Tensor {
    return this.#store.one(activate, "tanh", "tanh", x);
  }

  /** `min(max(alpha * x + beta, 0), 1)` */
  hardSigmoid(x: Tensor, options?: HardSigmoidOptions): Tensor {
    return this.#store.one(activate, "hardSigmoid", "hardSigmoid", x, options);
  }

  /** `x * min(max(x / 6 + 0.5, 0), 1)` (MobileNetV3) */
  hardSwish(x: Tensor): Tensor {
    return this.#store.one(activate, "hardSwish", "hardSwish", x);
  }

  /** `x * sigmoid(x)`, also called swish. */
  silu(x: Tensor): Tensor {
    return this.#store.one(activate, "silu", "silu", x);
  }

  /** `x * Φ(x)`, Φ the normal distribution's cumulative function. */
  gelu(x: Tensor, options?: GeluOptions): Tensor {
    return this.#store.one(activate, "gelu", "gelu", x, options);
  }

  /** `x` above 0, `alpha * (exp(x) - 1)` below. */
  elu(x: Tensor, options?: AlphaOptions): Tensor {
    return this.#store.one(activate, "elu", "elu", x, options);
  }

  /** `x * tanh(ln(1 + exp(x)))` */
  mish(x: Tensor): Tensor {
    return this.#store.one(activate, "mish", "mish", x);
  }

  /** `ln(1 + exp(x))` */
  softplus(x: Tensor): Tensor {
    return this.#store.one(activate, "softplus", "softplus", x);
  }

  /** `x / (1 + |x|)` */
  softsign(x: Tensor): Tensor {
    return this.#store.one(activate, "softsign", "softsign", x);
  }

  /** `gamma * x` above 0, `gamma * alpha * (exp(x) - 1)` below: keeps mean and variance of a deep network's features. */
  selu(x: Tensor, options?: SeluOptions): Tensor {
    return this.#store.one(activate, "selu", "selu", x, options);
  }

  /** `x` above 0, `alpha * (exp(x / alpha) - 1)` below. */
  celu(x: Tensor, options?: AlphaOptions): Tensor {
    return this.#store.one(activate, "celu", "celu", x, options);
  }

  /** `x` where it is above `alpha`, else 0. */
  thresholdedRelu(x: Tensor, options?: AlphaOptions): Tensor {
    return this.#store.one(activate, "thresholdedRelu", "thresholdedRelu", x, options);
  }

  /** `x * sigmoid(alpha * x)`; {@link silu} with another steepness. */
  swish(x: Tensor, options?: AlphaOptions): Tensor {
    return this.#store.one(activate, "swish", "swish", x, options);
  }

  /** Exponentials that sum to 1 along an axis, the last one by default. */
  softmax(x: Tensor, options?: SoftmaxOptions): Tensor {
    this.#store.checkOpen("softmax");
    return this.#store.first(softmax("softmax", x, options));
  }

  /** The logarithm of {@link softmax}, exact where that would round to 0. */
  logSoftmax(x: Tensor, options?: SoftmaxOptions): Tensor {
    this.#store.checkOpen("logSoftmax");
    return this.#store.first(softmax("logSoftmax", x, options));
  }

  /** `a + b`. Shapes broadcast as in NumPy; a and b may be numbers. */
  add(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("add", a, b);
  }

  /** `a - b`. Shapes broadcast as in NumPy; a and b may be numbers. */
  sub(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("sub", a, b);
  }

  /** `a * b`, element by element. Shapes broadcast as in NumPy; a and b may be numbers. */
  mul(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("mul", a, b);
  }

  /** `a / b`. Shapes broadcast as in NumPy; a and b may be numbers. */
  div(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("div", a, b);
  }

  /** The smaller of a and b. Shapes broadcast as in NumPy; a and b may be numbers. */
  min(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("min", a, b);
  }

  /** The larger of a and b. Shapes broadcast as in NumPy; a and b may be numbers. */
  max(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("max", a, b);
  }

  /** `sqrt(a² + b²)`: the length of a gradient. Shapes broadcast as in NumPy; a and b may be numbers. */
  hypot(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("hypot", a, b);
  }

  /** `a` to the power of `b`; NaN for a negative `a` and a `b` that is not whole. Shapes broadcast as in NumPy. */
  pow(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("pow", a, b);
  }

  /** What is left of `a / b` rounded down, of the sign of `b`, as in Python. Shapes broadcast as in NumPy. */
  floorMod(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("floorMod", a, b);
  }

  /** What is left of `a / b` rounded to zero, of the sign of `a`, as JavaScript's `%`. Shapes broadcast as in NumPy. */
  fmod(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("fmod", a, b);
  }

  /** `x` above 0, `slope * x` below; a slope for each channel broadcasts as in NumPy: `[c]` for NHWC. */
  prelu(x: ArithmeticOperand, slope: ArithmeticOperand): Tensor {
    return this.#binary("prelu", x, slope);
  }

  /** 1 where `a` is `b`, else 0. Shapes broadcast as in NumPy. */
  equal(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("equal", a, b);
  }

  /** 1 where `a < b`, else 0. Shapes broadcast as in NumPy. */
  less(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("less", a, b);
  }

  /** 1 where `a <= b`, else 0. Shapes broadcast as in NumPy. */
  lessOrEqual(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("lessOrEqual", a, b);
  }

  /** 1 where `a > b`, else 0. Shapes broadcast as in NumPy. */
  greater(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("greater", a, b);
  }

  /** 1 where `a >= b`, else 0. Shapes broadcast as in NumPy. */
  greaterOrEqual(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("greaterOrEqual", a, b);
  }

  /** 1 where neither is 0, else 0. Shapes broadcast as in NumPy. */
  and(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("and", a, b);
  }

  /** 1 where one of them is not 0, else 0. Shapes broadcast as in NumPy. */
  or(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("or", a, b);
  }

  /** 1 where just one of them is not 0, else 0. Shapes broadcast as in NumPy. */
  xor(a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#binary("xor", a, b);
  }

  /** 1 where x is 0, else 0. */
  not(x: Tensor): Tensor {
    return this.#unary("not", x);
  }

  /** `1 / x` */
  reciprocal(x: Tensor): Tensor {
    return this.#unary("reciprocal", x);
  }

  /** The error function. */
  erf(x: Tensor): Tensor {
    return this.#unary("erf", x);
  }

  /** The largest whole number not above x. */
  floor(x: Tensor): Tensor {
    return this.#unary("floor", x);
  }

  /** The smallest whole number not below x. */
  ceil(x: Tensor): Tensor {
    return this.#unary("ceil", x);
  }

  /** The nearest whole number; of two, the even one, as NumPy and ONNX round. */
  round(x: Tensor): Tensor {
    return this.#unary("round", x);
  }

  /** 1, 0 or -1. */
  sign(x: Tensor): Tensor {
    return this.#unary("sign", x);
  }

  /** The sine of radians. */
  sin(x: Tensor): Tensor {
    return this.#unary("sin", x);
  }

  /** The cosine of radians. */
  cos(x: Tensor): Tensor {
    return this.#unary("cos", x);
  }

  /** `|x|` */
  abs(x: Tensor): Tensor {
    return this.#unary("abs", x);
  }

  /** `-x` */
  neg(x: Tensor): Tensor {
    return this.#unary("neg", x);
  }

  /** The square root; NaN below 0. */
  sqrt(x: Tensor): Tensor {
    return this.#unary("sqrt", x);
  }

  /** `e` to the power of x. */
  exp(x: Tensor): Tensor {
    return this.#unary("exp", x);
  }

  /** The natural logarithm; NaN below 0. */
  log(x: Tensor): Tensor {
    return this.#unary("log", x);
  }

  /** `x * x` */
  square(x: Tensor): Tensor {
    return this.#unary("square", x);
  }

  #binary(name: BinaryName, a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    this.#store.checkOpen(name);
    return this.#store.first(binary(name, a, b));
  }

  #unary(name: UnaryName, x: Tensor): Tensor {
    this.#store.checkOpen(name);
    return this.#store.first(unary(name, x));
  }

  /** The sum of the elements along axes, all by default. Sums have many accumulators, so that their errors stay small. */
  reduceSum(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceSum", x, options);
  }

  /** The mean of the elements along axes, all by default. */
  reduceMean(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceMean", x, options);
  }

  /** The largest element along axes, all by default; NaN if there is one. */
  reduceMax(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceMax", x, options);
  }

  /** The smallest element along axes, all by default; NaN if there is one. */
  reduceMin(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceMin", x, options);
  }

  /** The product of the elements along axes, all by default. */
  reduceProd(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceProd", x, options);
  }

  /** The sum of squares along axes, all by default. */
  reduceSumSquare(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceSumSquare", x, options);
  }

  /** The sum of magnitudes along axes, all by default. */
  reduceL1(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceL1", x, options);
  }

  /** The root of the sum of squares along axes, all by default. */
  reduceL2(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceL2", x, options);
  }

  /** The logarithm of the sum along axes, all by default. */
  reduceLogSum(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceLogSum", x, options);
  }

  /** The logarithm of the sum of exponentials along axes, all by default; no exponential overflows. */
  reduceLogSumExp(x: Tensor, options?: ReduceOptions): Tensor {
    return this.#reduce("reduceLogSumExp", x, options);
  }

  #reduce(name: ReductionName, x: Tensor, options?: ReduceOptions): Tensor {
    this.#store.checkOpen(name);
    return this.#store.first(reduce(name, x, options));
  }

  /** Where along an axis, the last by default, the largest element is: the first one if several are equal. NaN wins. */
  argMax(x: Tensor, options?: ArgOptions): Tensor<"int32"> {
    return this.#argReduce("argMax", x, options);
  }

  /** Where along an axis, the last by default, the smallest element is: the first one if several are equal. NaN wins. */
  argMin(x: Tensor, options?: ArgOptions): Tensor<"int32"> {
    return this.#argReduce("argMin", x, options);
  }

  #argReduce(name: "argMax" | "argMin", x: Tensor, options?: ArgOptions): Tensor<"int32"> {
    this.#store.checkOpen(name);
    return this.#integers(name, this.#store.first(argReduce(name, x, options)));
  }

  /** Whole numbers that the core found as float32, which are disposed of. */
  #integers(call: string, found: Tensor): Tensor<"int32"> {
    const [integers] = this.#store.run(toInt32(call, found));
    found.dispose();
    return integers as Tensor<"int32">;
  }

  /** The largest elements along an axis, or the smallest, best first, and where they are. NaN counts as the largest. */
  topK(x: Tensor, options: TopKAxisOptions): TopKResult {
    const call = "topK";
    this.#store.checkOpen(call);
    const [values, indices] = this.#store.run(topK(call, x, options));
    return { values: values as Tensor, indices: this.#integers(call, indices as Tensor) };
  }

  /** `a` where the condition is not 0, else `b`. Shapes broadcast as in NumPy; a and b may be numbers. */
  where(condition: Tensor, a: ArithmeticOperand, b: ArithmeticOperand): Tensor {
    return this.#store.one(where, "where", condition, a, b);
  }

  /** A part of a tensor: from `start` to before `end` on each axis, every `step`th element, as Python's slices. */
  slice(x: Tensor, options: SliceOptions): Tensor {
    return this.#store.one(slice, "slice", x, options);
  }

  /**
   * The parts of x that `indices` name along an axis; negative ones count from the end. The axes of the indices take the
   * place of that axis. What is out of range comes out of `data()` as `invalid-argument`.
   */
  gather(x: Tensor, indices: VectorOperand, options?: GatherOptions): Tensor {
    return this.#store.one(gather, "gather", x, indices, options);
  }

  /** x repeated along axes of one element, and along new axes in front, to `shape`. */
  broadcastTo(x: Tensor, shape: Shape): Tensor {
    return this.#store.one(broadcastTo, "broadcastTo", x, shape);
  }

  /** Tensors one behind the other along an axis; their other sizes must agree. */
  concat(tensors: readonly Operand[], options: ConcatOptions): Tensor {
    return this.#store.one(concat, "concat", tensors, options);
  }

  /**
   * The same elements under another shape, not copied: they are freed when both tensors are. One size may be -1 and
   * becomes what is left.
   */
  reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
    this.#store.checkOpen("reshape");
    return this.#store.alias(reshape("reshape", x, shape));
  }

  /** Merges all axes from `axis` on, 1 by default: `[n, h, w, c]` becomes `[n, h * w * c]`. Not copied. */
  flatten<D extends DType>(x: Tensor<D>, options?: FlattenOptions): Tensor<D> {
    this.#store.checkOpen("flatten");
    return this.#store.alias(flatten("flatten", x, options));
  }

  /** Axes in the order of `perm`, by default reversed: `transpose(x, [0, 3, 1, 2])` makes NCHW of NHWC. */
  transpose(x: Tensor, perm?: readonly number[]): Tensor {
    return this.#store.one(transpose, "transpose", x, perm);
  }

  /** `(x - mean) / sqrt(variance + epsilon) * scale + offset`, channel by channel; for tensors of any rank. */
  batchNorm(x: Tensor, options: BatchNormOptions): Tensor {
    return this.#store.one(batchNorm, "batchNorm", x, options);
  }

  /** Each row, the last axis by default, less its mean and over its standard deviation; then scale and offset. */
  layerNorm(x: Tensor, options?: LayerNormOptions): Tensor {
    return this.#store.one(layerNorm, "layerNorm", x, options);
  }

  /** Each channel of each image, less its mean and over its standard deviation; then scale and offset. */
  instanceNorm(x: Tensor, options?: InstanceNormOptions): Tensor {
    return this.#store.one(instanceNorm, "instanceNorm", x, options);
  }

  /** Each group of channels of each image, less its mean and over its standard deviation; then scale and offset. */
  groupNorm(x: Tensor, options: GroupNormOptions): Tensor {
    return this.#store.one(groupNorm, "groupNorm", x, options);
  }

  /** `x / (bias + alpha / size * sum) ** beta`, where the sum is that of the squares of `size` neighbouring channels (AlexNet). */
  localResponseNorm(x: Tensor, options: LocalResponseNormOptions): Tensor {
    return this.#store.one(localResponseNorm, "localResponseNorm", x, options);
  }

  /** Images in another size, given itself or as a scale. */
  resize(x: Tensor, options: ResizeOptions): Tensor {
    return this.#store.one(resize, "resize", x, options);
  }
}

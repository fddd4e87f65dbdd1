/** Convolution and transposed convolution by their definitions: NHWC, one loop an index, float64. */
import { type Activation, activateExpected } from "./activation.ts";
import { type Expected, sumTolerance } from "./compare.ts";
import { axes, both, imageSize, type Pair, type WindowOptions } from "./geometry.ts";
import { at, type Nd, sizeOf } from "./nd.ts";
import { isWinograd, winogradTolerance } from "./winograd.ts";

/** Options of a convolution, in the package's words. */
export interface ConvOptions extends WindowOptions {
  readonly groups?: number;
  readonly bias?: readonly number[];
  readonly activation?: Activation;
}

/** Options of a convolution that goes forward. */
export interface Conv2dOptions extends ConvOptions {
  /** Added before the activation: NHWC, the output's shape. */
  readonly residual?: Nd;
}

/** Options of a transposed convolution. */
export interface ConvTransposeOptions extends ConvOptions {
  readonly outputPadding?: Pair;
}

/**
 * `x` [n, h, w, inC] with `filter` [kH, kW, inC/groups, outC]. The tolerance is that of a plain sum, as an engine of accuracy
 * "strict" has to keep it, or of Winograd's transforms, which one of accuracy "fast" may use.
 */
export function conv2d(
  x: Nd,
  filter: Nd,
  options: Conv2dOptions = {},
  accuracy: "fast" | "strict" = "strict",
): Expected {
  const [n, inC] = [at(x.shape, 0), at(x.shape, 3)];
  const [kH, kW, groupIn, outC] = [at(filter.shape, 0), at(filter.shape, 1), at(filter.shape, 2), at(filter.shape, 3)];
  const groupOut = outC / (options.groups ?? 1);
  const window = axes(imageSize(x.shape), [kH, kW], options);
  const [rows, columns] = window;
  const shape = [n, rows.output, columns.output, outC];
  const sums = new Sums(shape, kH * kW * groupIn, options.bias);
  let out = 0;
  for (let image = 0; image < n; image++) {
    for (let oh = 0; oh < rows.output; oh++) {
      for (let ow = 0; ow < columns.output; ow++) {
        for (let oc = 0; oc < outC; oc++, out++) {
          if (options.residual !== undefined) sums.add(out, at(options.residual.data, out));
          const firstIn = Math.floor(oc / groupOut) * groupIn;
          for (let kh = 0; kh < kH; kh++) {
            const ih = oh * rows.stride + kh * rows.dilation - rows.before;
            if (ih < 0 || ih >= rows.input) continue;
            for (let kw = 0; kw < kW; kw++) {
              const iw = ow * columns.stride + kw * columns.dilation - columns.before;
              if (iw < 0 || iw >= columns.input) continue;
              const pixel = ((image * rows.input + ih) * columns.input + iw) * inC + firstIn;
              const tap = (kh * kW + kw) * groupIn;
              for (let ic = 0; ic < groupIn; ic++) {
                sums.add(out, at(x.data, pixel + ic) * at(filter.data, (tap + ic) * outC + oc));
              }
            }
          }
        }
      }
    }
  }
  const expected = sums.expected();
  if (accuracy === "fast" && isWinograd(filter, options.groups ?? 1, window)) {
    const added = winogradTolerance(x, filter, window);
    for (const [index, tolerance] of added.entries())
      expected.tolerance[index] = at(expected.tolerance, index) + tolerance;
  }
  return activateExpected(options.activation ?? "identity", expected);
}

/** `x` [n, h, w, inC] with `filter` [kH, kW, outC/groups, inC]: every input pixel scatters the filter over the output. */
export function convTranspose2d(x: Nd, filter: Nd, options: ConvTransposeOptions = {}): Expected {
  const [n, inC] = [at(x.shape, 0), at(x.shape, 3)];
  const [kH, kW, groupOut] = [at(filter.shape, 0), at(filter.shape, 1), at(filter.shape, 2)];
  const groups = options.groups ?? 1;
  const groupIn = inC / groups;
  const outC = groupOut * groups;
  const [inH, inW] = imageSize(x.shape);
  const stride = both(options.stride ?? 1);
  const dilation = both(options.dilation ?? 1);
  const extra = both(options.outputPadding ?? 0);
  const [top, outH] = transposedAxis(inH, kH, 0);
  const [left, outW] = transposedAxis(inW, kW, 1);
  const sums = new Sums([n, outH, outW, outC], kH * kW * groupIn, options.bias);
  for (let image = 0; image < n; image++) {
    for (let ih = 0; ih < inH; ih++) {
      for (let iw = 0; iw < inW; iw++) {
        for (let ic = 0; ic < inC; ic++) {
          const value = at(x.data, ((image * inH + ih) * inW + iw) * inC + ic);
          const firstOut = Math.floor(ic / groupIn) * groupOut;
          for (let kh = 0; kh < kH; kh++) {
            const oh = ih * stride[0] + kh * dilation[0] - top;
            if (oh < 0 || oh >= outH) continue;
            for (let kw = 0; kw < kW; kw++) {
              const ow = iw * stride[1] + kw * dilation[1] - left;
              if (ow < 0 || ow >= outW) continue;
              const pixel = ((image * outH + oh) * outW + ow) * outC + firstOut;
              const tap = (kh * kW + kw) * groupOut;
              for (let oc = 0; oc < groupOut; oc++) {
                sums.add(pixel + oc, value * at(filter.data, (tap + oc) * inC + ic));
              }
            }
          }
        }
      }
    }
  }
  return activateExpected(options.activation ?? "identity", sums.expected());

  /** The padding before and the output size of one axis. */
  function transposedAxis(input: number, kernel: number, axis: 0 | 1): [number, number] {
    const extent = dilation[axis] * (kernel - 1) + 1;
    const padding = options.padding ?? "valid";
    if (padding === "same" || padding === "same-lower") {
      // The gradient of a "same" convolution over an image of input * stride.
      const total = Math.max(extent - stride[axis], 0);
      return [padding === "same" ? Math.floor(total / 2) : Math.ceil(total / 2), input * stride[axis]];
    }
    const image = axes([extent, extent], extent, { padding })[axis];
    return [image.before, (input - 1) * stride[axis] + extent + extra[axis] - image.before - image.after];
  }
}

/** Running sums of products, with the sum of their magnitudes for the tolerance. */
class Sums {
  readonly #shape: readonly number[];
  readonly #terms: number;
  readonly #values: Float64Array<ArrayBuffer>;
  readonly #magnitudes: Float64Array<ArrayBuffer>;

  constructor(shape: readonly number[], terms: number, bias: readonly number[] | undefined) {
    this.#shape = shape;
    this.#terms = terms;
    const start = (_: unknown, index: number) => (bias === undefined ? 0 : Math.fround(at(bias, index % bias.length)));
    this.#values = Float64Array.from({ length: sizeOf(shape) }, start);
    this.#magnitudes = this.#values.map(Math.abs);
  }

  add(index: number, product: number): void {
    this.#values[index] = at(this.#values, index) + product;
    this.#magnitudes[index] = at(this.#magnitudes, index) + Math.abs(product);
  }

  expected(): Expected {
    return {
      shape: this.#shape,
      values: this.#values,
      tolerance: this.#magnitudes.map((magnitude) => sumTolerance(this.#terms, magnitude)),
    };
  }
}

/** `x` [m, k] times `weights` [k, n]. */
export function matmul(x: Nd, weights: Nd, bias?: readonly number[]): Expected {
  const [m, k, n] = [at(x.shape, 0), at(x.shape, 1), at(weights.shape, 1)];
  const sums = new Sums([m, n], k, bias);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      for (let i = 0; i < k; i++) {
        sums.add(row * n + column, at(x.data, row * k + i) * at(weights.data, i * n + column));
      }
    }
  }
  return sums.expected();
}

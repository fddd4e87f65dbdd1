/** Pools by their definitions: NHWC, float64. */
import { type Expected, exactly, sumTolerance, unit } from "./compare.ts";
import { type Axis, axes, both, imageSize, type Pair, type WindowOptions } from "./geometry.ts";
import { at, type Nd, sizeOf } from "./nd.ts";

/** What a pool takes of its window. */
export type PoolKind = "max" | "avg" | "l2";

/** Options of a pool, in the package's words. */
export interface PoolOptions extends WindowOptions {
  readonly size: Pair;
  readonly countIncludePad?: boolean;
}

/** A window's elements of one channel, as flat indices, and the number of its taps that lie in image or padding. */
type Visit = (out: number, elements: readonly number[], counted: number) => void;

function eachWindow(x: Nd, options: PoolOptions, visit: Visit): readonly number[] {
  const [n, c] = [at(x.shape, 0), at(x.shape, 3)];
  const [rows, columns] = axes(imageSize(x.shape), options.size, { stride: options.size, ...options });
  let out = 0;
  for (let image = 0; image < n; image++) {
    for (let oh = 0; oh < rows.output; oh++) {
      const tapsH = taps(rows, oh);
      for (let ow = 0; ow < columns.output; ow++) {
        const tapsW = taps(columns, ow);
        for (let channel = 0; channel < c; channel++, out++) {
          const elements: number[] = [];
          for (const ih of tapsH.inside) {
            for (const iw of tapsW.inside)
              elements.push(((image * rows.input + ih) * columns.input + iw) * c + channel);
          }
          visit(out, elements, tapsH.counted * tapsW.counted);
        }
      }
    }
  }
  return [n, rows.output, columns.output, c];
}

/** The positions of a window inside the image, and how many lie in image or padding, not beyond it. */
function taps(axis: Axis, output: number): { inside: number[]; counted: number } {
  const positions = Array.from(
    { length: axis.kernel },
    (_, tap) => output * axis.stride + tap * axis.dilation - axis.before,
  );
  return {
    inside: positions.filter((position) => position >= 0 && position < axis.input),
    counted: positions.filter((position) => position < axis.input + axis.after).length,
  };
}

/** The largest element of each window; NaN if one is NaN; minus infinity if there is none. */
export function maxPool2d(x: Nd, options: PoolOptions): { output: Expected; indices: Expected } {
  const values: number[] = [];
  const indices: number[] = [];
  const shape = eachWindow(x, options, (out, elements) => {
    let best = Number.NEGATIVE_INFINITY;
    let index = elements[0] ?? 0;
    for (const element of elements) {
      const value = at(x.data, element);
      if (value > best || (Number.isNaN(value) && !Number.isNaN(best))) [best, index] = [value, element];
    }
    values[out] = best;
    indices[out] = index;
  });
  return { output: exactly({ shape, data: values }), indices: exactly({ shape, data: indices }) };
}

/** The mean of each window, over its elements or over its taps in image and padding. */
export function avgPool2d(x: Nd, options: PoolOptions): Expected {
  return reduce(x, options, (elements, counted) => {
    const divisor = options.countIncludePad === true ? counted : elements.length;
    const sum = elements.reduce((total, value) => total + value, 0);
    const magnitude = elements.reduce((total, value) => total + Math.abs(value), 0);
    if (divisor === 0) return [0, 0];
    return [sum / divisor, sumTolerance(elements.length, magnitude / divisor)];
  });
}

/** The root of the sum of squares of each window. */
export function l2Pool2d(x: Nd, options: PoolOptions): Expected {
  return reduce(x, options, rootOfSquares);
}

function rootOfSquares(elements: readonly number[]): [number, number] {
  const root = Math.sqrt(elements.reduce((total, value) => total + value * value, 0));
  // The root halves the relative error of the sum and rounds once more.
  return [root, sumTolerance(elements.length, root) + unit * root];
}

function reduce(
  x: Nd,
  options: PoolOptions,
  window: (values: readonly number[], counted: number) => [number, number],
): Expected {
  const values: number[] = [];
  const tolerance: number[] = [];
  const shape = eachWindow(x, options, (out, elements, counted) => {
    [values[out], tolerance[out]] = window(
      elements.map((element) => at(x.data, element)),
      counted,
    );
  });
  return { shape, values: Float64Array.from(values), tolerance: Float64Array.from(tolerance) };
}

/** A pool of any kind. */
export function pool2d(kind: PoolKind, x: Nd, options: PoolOptions): Expected {
  if (kind === "max") return maxPool2d(x, options).output;
  return kind === "avg" ? avgPool2d(x, options) : l2Pool2d(x, options);
}

/** A pool over the whole image. */
export function globalPool2d(kind: PoolKind, x: Nd): Expected {
  return pool2d(kind, x, { size: imageSize(x.shape) });
}

/** Output i covers rows floor(i * inH / outH) to ceil((i + 1) * inH / outH), and so for columns (PyTorch). */
export function adaptivePool2d(kind: "max" | "avg", x: Nd, size: Pair): Expected {
  const [n, c] = [at(x.shape, 0), at(x.shape, 3)];
  const [inH, inW] = imageSize(x.shape);
  const [outH, outW] = both(size);
  const shape = [n, outH, outW, c];
  const values = new Float64Array(sizeOf(shape));
  const tolerance = new Float64Array(sizeOf(shape));
  let out = 0;
  for (let image = 0; image < n; image++) {
    for (let oh = 0; oh < outH; oh++) {
      for (let ow = 0; ow < outW; ow++) {
        for (let channel = 0; channel < c; channel++, out++) {
          const window: number[] = [];
          for (let ih = Math.floor((oh * inH) / outH); ih < Math.ceil(((oh + 1) * inH) / outH); ih++) {
            for (let iw = Math.floor((ow * inW) / outW); iw < Math.ceil(((ow + 1) * inW) / outW); iw++) {
              window.push(at(x.data, ((image * inH + ih) * inW + iw) * c + channel));
            }
          }
          if (kind === "max") {
            values[out] = Math.max(...window);
          } else {
            values[out] = window.reduce((total, value) => total + value, 0) / window.length;
            const magnitude = window.reduce((total, value) => total + Math.abs(value), 0) / window.length;
            tolerance[out] = sumTolerance(window.length, magnitude);
          }
        }
      }
    }
  }
  return { shape, values, tolerance };
}

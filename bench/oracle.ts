/** The right answers, in float64 by the definitions, and how far float32 may be from them. */
import { type Begin, evenPadding, outputSize } from "./cases.ts";
import {
  type ConvWork,
  type FilterWork,
  type Floats,
  isConv,
  isPool,
  kernelOf,
  type PoolWork,
  RANGE,
  type Work,
} from "./work.ts";

/**
 * The output of `work`, NHWC. `begin` moves the window: TensorFlow's "same" padding begins elsewhere than the even
 * padding of the case when the stride is 2.
 */
export function answer(work: Work, begin?: Begin): Float64Array {
  if (isConv(work)) return convolved(work, begin ?? evenPadding(work.layer));
  if (isPool(work)) return pooled(work, begin ?? evenPadding(work.layer));
  return filtered(work);
}

/**
 * Why `output` (NHWC) is not the answer, or `undefined` if it is. A sum may be wrong by two units in the last
 * place of the largest sum that such operands can have: much less than the worst case of one rounding a term, more than
 * what any order of summing, or Winograd's transforms, do to evenly spread numbers.
 */
export function fault(work: Work, output: Floats, expected: Float64Array): string | undefined {
  if (output.length !== expected.length) return `${output.length} numbers instead of ${expected.length}`;
  const tolerance = 2 ** -22 * largestSum(work);
  let wrong = 0;
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((output[i] ?? Number.NaN) - (expected[i] ?? 0));
    if (error <= tolerance) continue;
    wrong++;
    // NaN is the worst of all.
    if (error > worst || (Number.isNaN(error) && !Number.isNaN(worst))) {
      worst = error;
      at = i;
    }
  }
  if (wrong === 0) return undefined;
  return `wrong answer: ${wrong} of ${expected.length} numbers, ${output[at]} at ${at}, expected ${expected[at]} ± ${tolerance.toExponential(1)}`;
}

function largestSum(work: Work): number {
  if (isConv(work)) {
    const { kH, kW, inC, groups } = work.layer;
    return ((kH * kW * inC) / groups) * RANGE * RANGE + RANGE;
  }
  if (isPool(work)) return work.layer.pool === "max" ? 0 : RANGE * work.layer.size;
  // Eight differences, and the root of two squares.
  if (work.layer.filter === "edges") return 16 * RANGE;
  const kernel = kernelOf(work.layer);
  return kernel === undefined ? RANGE : RANGE * (1 + kernel.taps.reduce((sum, tap) => sum + Math.abs(tap), 0));
}

function convolved({ layer, input, filter, bias }: ConvWork, { top, left }: Begin): Float64Array {
  const { n, h, w, inC, outC, kH, kW, stride, dilation, groups } = layer;
  const [outH, outW] = outputSize(layer);
  const groupIn = inC / groups;
  const groupOut = outC / groups;
  const weights = Float64Array.from(filter);
  const output = new Float64Array(n * outH * outW * outC);
  for (let image = 0; image < n; image++) {
    for (let oy = 0; oy < outH; oy++) {
      for (let ox = 0; ox < outW; ox++) {
        const at = ((image * outH + oy) * outW + ox) * outC;
        output.set(bias, at);
        for (let ky = 0; ky < kH; ky++) {
          const y = oy * stride + ky * dilation - top;
          if (y < 0 || y >= h) continue;
          for (let kx = 0; kx < kW; kx++) {
            const x = ox * stride + kx * dilation - left;
            if (x < 0 || x >= w) continue;
            const pixel = ((image * h + y) * w + x) * inC;
            const tap = (ky * kW + kx) * groupIn * outC;
            for (let group = 0; group < groups; group++) {
              for (let c = 0; c < groupIn; c++) {
                const value = input[pixel + group * groupIn + c] ?? 0;
                const row = tap + c * outC + group * groupOut;
                const out = at + group * groupOut;
                for (let k = 0; k < groupOut; k++)
                  output[out + k] = (output[out + k] ?? 0) + value * (weights[row + k] ?? 0);
              }
            }
          }
        }
      }
    }
  }
  return output;
}

function pooled({ layer, input }: PoolWork, begin: Begin): Float64Array {
  const { n, h, w, inC, size, stride, pool } = layer;
  const [outH, outW] = outputSize(layer);
  const output = new Float64Array(n * outH * outW * inC);
  for (let image = 0; image < n; image++) {
    for (let oy = 0; oy < outH; oy++) {
      for (let ox = 0; ox < outW; ox++) {
        const top = Math.max(oy * stride - begin.top, 0);
        const left = Math.max(ox * stride - begin.left, 0);
        const bottom = Math.min(oy * stride - begin.top + size, h);
        const right = Math.min(ox * stride - begin.left + size, w);
        for (let c = 0; c < inC; c++) {
          let result = pool === "max" ? Number.NEGATIVE_INFINITY : 0;
          for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++) {
              const value = input[((image * h + y) * w + x) * inC + c] ?? 0;
              result = pool === "max" ? Math.max(result, value) : result + value;
            }
          }
          if (pool !== "max") result /= (bottom - top) * (right - left);
          output[((image * outH + oy) * outW + ox) * inC + c] = result;
        }
      }
    }
  }
  return output;
}

function filtered({ layer, input }: FilterWork): Float64Array {
  const { h, w } = layer;
  const [outH, outW] = outputSize(layer);
  const output = new Float64Array(outH * outW);
  if (layer.filter === "edges") return edges(input, h, w);
  const kernel = kernelOf(layer);
  if (kernel === undefined) {
    // Linear resizing to half the size, pixel centres kept: the mean of each 2x2.
    for (let y = 0; y < outH; y++) {
      for (let x = 0; x < outW; x++) {
        const at = 2 * y * w + 2 * x;
        const sum = (input[at] ?? 0) + (input[at + 1] ?? 0) + (input[at + w] ?? 0) + (input[at + w + 1] ?? 0);
        output[y * outW + x] = sum / 4;
      }
    }
    return output;
  }
  const reach = (kernel.size - 1) / 2;
  for (let y = 0; y < h; y++) {
    for (let ky = Math.max(-reach, -y); ky <= Math.min(reach, h - 1 - y); ky++) {
      for (let kx = -reach; kx <= reach; kx++) {
        const tap = kernel.taps[(ky + reach) * kernel.size + kx + reach] ?? 0;
        const row = (y + ky) * w + kx;
        for (let x = Math.max(0, -kx); x < Math.min(w, w - kx); x++) {
          output[y * w + x] = (output[y * w + x] ?? 0) + tap * (input[row + x] ?? 0);
        }
      }
    }
  }
  return output;
}

/** The magnitude of Sobel's gradient; beyond the border the nearest pixel repeats. */
function edges(input: Floats, h: number, w: number): Float64Array {
  const output = new Float64Array(h * w);
  for (let y = 0; y < h; y++) {
    const rows = [Math.max(y - 1, 0) * w, y * w, Math.min(y + 1, h - 1) * w] as const;
    for (let x = 0; x < w; x++) {
      const [left, right] = [Math.max(x - 1, 0), Math.min(x + 1, w - 1)];
      const at = (row: 0 | 1 | 2, column: number): number => input[rows[row] + column] ?? 0;
      const across = (row: 0 | 1 | 2): number => at(row, right) - at(row, left);
      const down = (column: number): number => at(2, column) - at(0, column);
      output[y * w + x] = Math.hypot(across(0) + 2 * across(1) + across(2), down(left) + 2 * down(x) + down(right));
    }
  }
  return output;
}

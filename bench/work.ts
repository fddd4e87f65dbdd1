/** A case with its numbers: the same for every runtime, each of which takes them in the layout that suits it. */
import type { Case, ConvCase, FilterCase, PoolCase } from "./cases.ts";

export type Floats = Float32Array<ArrayBuffer>;

export interface ConvWork {
  readonly layer: ConvCase;
  /** NHWC. */
  readonly input: Floats;
  /** `[kH, kW, inC/groups, outC]`. */
  readonly filter: Floats;
  readonly bias: Floats;
}

export interface PoolWork {
  readonly layer: PoolCase;
  /** NHWC. */
  readonly input: Floats;
}

export interface FilterWork {
  readonly layer: FilterCase;
  readonly input: Floats;
}

export type Work = ConvWork | PoolWork | FilterWork;

/** Every number lies within ±RANGE. */
export const RANGE = 0.5;

/** `length` numbers, evenly spread over ±{@link RANGE}: the same ones for the same seed. */
export function uniform(length: number, seed: number): Floats {
  const numbers = new Float32Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = state / 2 ** 32 - RANGE;
  }
  return numbers;
}

export function workOf(layer: Case): Work {
  switch (layer.kind) {
    case "conv":
      return {
        layer,
        input: uniform(layer.n * layer.h * layer.w * layer.inC, 1),
        filter: uniform((layer.kH * layer.kW * layer.inC * layer.outC) / layer.groups, 7),
        bias: uniform(layer.outC, 9),
      };
    case "pool":
      return { layer, input: uniform(layer.n * layer.h * layer.w * layer.inC, 1) };
    case "filter":
      return { layer, input: uniform(layer.h * layer.w, 1) };
  }
}

export function isConv(work: Work): work is ConvWork {
  return work.layer.kind === "conv";
}

export function isPool(work: Work): work is PoolWork {
  return work.layer.kind === "pool";
}

export function isFilter(work: Work): work is FilterWork {
  return work.layer.kind === "filter";
}

/** Exchanges the two inner axes of `[outer, rows, columns]`. */
function swap(data: Floats, outer: number, rows: number, columns: number): Floats {
  const swapped = new Float32Array(data.length);
  for (let o = 0; o < outer; o++) {
    const base = o * rows * columns;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) swapped[base + c * rows + r] = data[base + r * columns + c] ?? 0;
    }
  }
  return swapped;
}

export function nhwcToNchw(data: Floats, n: number, pixels: number, channels: number): Floats {
  return swap(data, n, pixels, channels);
}

export function nchwToNhwc(data: Floats, n: number, pixels: number, channels: number): Floats {
  return swap(data, n, channels, pixels);
}

/** `[kH, kW, inC/groups, outC]` → `[outC, inC/groups, kH, kW]`. */
export function hwioToOihw({ layer, filter }: ConvWork): Floats {
  const taps = layer.kH * layer.kW;
  const ohwi = swap(filter, 1, filter.length / layer.outC, layer.outC);
  return swap(ohwi, layer.outC, taps, layer.inC / layer.groups);
}

/** `[kH, kW, inC/groups, outC]` → `[outC, kH, kW, inC/groups]`. */
export function hwioToOhwi({ layer, filter }: ConvWork): Floats {
  return swap(filter, 1, filter.length / layer.outC, layer.outC);
}

/** The kernel of a filter case, row by row, in float64; `undefined` where there is more to it, or less. */
export function kernelOf(layer: FilterCase): { readonly size: number; readonly taps: readonly number[] } | undefined {
  switch (layer.filter) {
    case "laplacian":
      return { size: 3, taps: [-1, -1, -1, -1, 8, -1, -1, -1, -1] };
    case "sobel-x":
      return { size: 3, taps: [-1, 0, 1, -2, 0, 2, -1, 0, 1] };
    case "gaussian": {
      const bell = Array.from({ length: 9 }, (_, i) => Math.exp(-((i - 4) ** 2) / (2 * GAUSSIAN_SIGMA ** 2)));
      const sum = bell.reduce((total, value) => total + value, 0);
      return { size: 9, taps: bell.flatMap((y) => bell.map((x) => (x * y) / sum ** 2)) };
    }
    case "log": {
      // As large in the middle as the Gaussian it is the second derivatives of.
      const taps = Array.from({ length: 81 }, (_, i) => {
        const t = ((Math.floor(i / 9) - 4) ** 2 + ((i % 9) - 4) ** 2) / (2 * LOG_SIGMA ** 2);
        return (t - 1) * Math.exp(-t);
      });
      return { size: 9, taps };
    }
    case "edges":
    case "half":
      return undefined;
  }
}

/** Of the filter case "gaussian", 9 taps wide. */
export const GAUSSIAN_SIGMA = 2;

/** Of the filter case "log", 9 taps wide. */
const LOG_SIGMA = 1.4;

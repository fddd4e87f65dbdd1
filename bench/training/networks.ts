/** The networks whose training steps are measured, as plain data: every runtime builds them of its own layers. */
import type { Floats } from "../work.ts";

/** A layer. Images are `[n, h, w, c]`; convolutions pad by zeros so that `same` keeps `ceil(size / stride)`. */
export type Layer =
  | {
      readonly kind: "conv";
      readonly filters: number;
      readonly size: number;
      readonly stride: number;
      readonly padding: "same" | "valid";
      readonly bias: boolean;
    }
  | { readonly kind: "dense"; readonly units: number }
  | { readonly kind: "batchNorm" | "relu" | "maxPool" | "globalAvgPool" | "flatten" }
  /** ReLU of the body's result plus the shortcut's, which is the input itself if it has no layers. */
  | { readonly kind: "residual"; readonly body: readonly Layer[]; readonly shortcut: readonly Layer[] };

/** A network, and the batch that it is trained by. */
export interface TrainedNetwork {
  readonly name: string;
  /** `[h, w, c]` */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  readonly batchSize: number;
  readonly layers: readonly Layer[];
}

/** A filter `[kH, kW, inC, outC]` or a matrix `[k, units]`, drawn; biases begin with 0, normalisations with 1 and 0. */
export interface Weights {
  readonly shape: readonly number[];
  readonly data: Floats;
}

const conv = (filters: number, size: number, padding: "same" | "valid" = "same"): Layer => ({
  kind: "conv",
  ...{ filters, size, stride: 1, padding, bias: true },
});
const normal = (filters: number, size: number, stride: number): readonly Layer[] => [
  { kind: "conv", filters, size, stride, padding: "same", bias: false },
  { kind: "batchNorm" },
];
const relu: Layer = { kind: "relu" };
const maxPool: Layer = { kind: "maxPool" };
const flatten: Layer = { kind: "flatten" };
const dense = (units: number): Layer => ({ kind: "dense", units });

function residual(filters: number, stride: number, changes: boolean): Layer {
  const body = [...normal(filters, 3, stride), relu, ...normal(filters, 3, 1)];
  return { kind: "residual", body, shortcut: changes ? normal(filters, 1, stride) : [] };
}

/** Three stages of three blocks (He et al. 2015, section 4.2), projections where the size changes. */
const stages: readonly Layer[] = [16, 32, 64].flatMap((filters, stage) =>
  [0, 1, 2].map((block) => {
    const first = stage > 0 && block === 0;
    return residual(filters, first ? 2 : 1, first);
  }),
);

export const trainedNetworks: readonly TrainedNetwork[] = [
  {
    name: "lenet5",
    ...{ input: [28, 28, 1], classes: 10, batchSize: 64 },
    layers: [
      ...[conv(6, 5), relu, maxPool, conv(16, 5, "valid"), relu, maxPool, flatten],
      ...[dense(120), relu, dense(84), relu, dense(10)],
    ],
  },
  {
    name: "cnn-32-64",
    ...{ input: [28, 28, 1], classes: 10, batchSize: 64 },
    layers: [conv(32, 3), relu, maxPool, conv(64, 3), relu, maxPool, flatten, dense(128), relu, dense(10)],
  },
  {
    name: "resnet20",
    ...{ input: [32, 32, 3], classes: 10, batchSize: 32 },
    layers: [...normal(16, 3, 1), relu, ...stages, { kind: "globalAvgPool" }, dense(10)],
  },
];

/** What a convolution or dense layer, met in the order in which the network computes (a block's body first), begins with. */
export function weightsOf(network: TrainedNetwork): readonly Weights[] {
  const random = generator(1);
  const found: Weights[] = [];
  const draw = (shape: readonly number[], fanIn: number): void => {
    const length = shape.reduce((product, size) => product * size, 1);
    const limit = Math.sqrt(6 / fanIn);
    found.push({ shape, data: Float32Array.from({ length }, () => (2 * random() - 1) * limit) });
  };
  const walk = (layers: readonly Layer[], shape: readonly number[]): readonly number[] => {
    let at = shape;
    for (const layer of layers) {
      const [h = 1, w = 1, c = 1] = at;
      if (layer.kind === "conv") {
        const { filters, size, stride, padding } = layer;
        draw([size, size, c, filters], size * size * c);
        const side = (length: number): number => Math.ceil((padding === "same" ? length : length - size + 1) / stride);
        at = [side(h), side(w), filters];
      } else if (layer.kind === "dense") {
        const [k = 1] = at;
        draw([k, layer.units], k);
        at = [layer.units];
      } else if (layer.kind === "maxPool") at = [h >> 1, w >> 1, c];
      else if (layer.kind === "globalAvgPool") at = [c];
      else if (layer.kind === "flatten") at = [h * w * c];
      else if (layer.kind === "residual") {
        const after = walk(layer.body, at);
        walk(layer.shortcut, at);
        at = after;
      }
    }
    return at;
  };
  walk(network.layers, network.input);
  return found;
}

/** Pictures from 0 to 1, `[n, h, w, c]`, and the numbers of their classes. */
export function batchOf({ input, classes, batchSize }: TrainedNetwork): { readonly x: Floats; readonly y: Floats } {
  const random = generator(2);
  const length = input.reduce((product, size) => product * size, batchSize);
  return {
    x: Float32Array.from({ length }, random),
    y: Float32Array.from({ length: batchSize }, (_, i) => i % classes),
  };
}

/** A linear congruential generator (Numerical Recipes'): numbers from 0 to 1, the same at every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Random convolutions and pools against the oracle. Each spec has a seed of its own, which a failure names. */
import type { Engine, Tensor } from "lenslet";
import { runPool2d } from "../conformance/both-layouts.ts";
import { compare, upload } from "../conformance/case.ts";
import type { Activation } from "../oracle/activation.ts";
import { type Expected, transposeExpected } from "../oracle/compare.ts";
import { conv2d, convTranspose2d } from "../oracle/conv.ts";
import { axes, both, type Padding } from "../oracle/geometry.ts";
import { toNchw, toOihw, transpose } from "../oracle/nd.ts";
import { type PoolKind, pool2d } from "../oracle/pool.ts";
import { Random } from "../oracle/random.ts";

/** A kind of operator, and how one spec of it is drawn and run. */
export interface RandomKind {
  readonly name: string;
  /** Draws a spec, runs it on the engine, and tells what is expected. */
  draw(random: Random, engine: Engine): Drawn;
}

interface Drawn {
  /** The spec in words, for a failure. */
  readonly spec: string;
  readonly result: Tensor;
  readonly expected: Expected;
}

/** Sizes that straddle vectors and tiles, small ones most of all. */
const channels: readonly number[] = [1, 1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 8, 9, 12, 15, 16, 17, 31, 33];
const kernels: readonly number[] = [1, 1, 2, 3, 3, 3, 4, 5, 7];
const strides: readonly number[] = [1, 1, 1, 2, 2, 3, 4];
const dilations: readonly number[] = [1, 1, 1, 2, 3];
const activations: readonly Activation[] = [
  "identity",
  "identity",
  "relu",
  "relu6",
  "silu",
  "tanh",
  { type: "leakyRelu", alpha: 0.1 },
  { type: "clamp", min: -0.5, max: 0.5 },
];

interface Window {
  readonly input: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Padding;
  readonly ceilMode?: boolean;
}

/** A window that has an output; for pools, one that does not lie in padding alone. */
function drawWindow(random: Random, pool: boolean): Window {
  for (;;) {
    const input = [random.int(1, 13), random.int(1, 13)] as const;
    const kernel = [random.pick(kernels), random.pick(kernels)] as const;
    const stride = [random.pick(strides), random.pick(strides)] as const;
    const dilation = [random.pick(dilations), random.pick(dilations)] as const;
    const extent = (axis: 0 | 1): number => dilation[axis] * (kernel[axis] - 1) + 1;
    const most = pool ? Math.min(extent(0), extent(1)) - 1 : 4;
    const side = (): number => random.int(0, most);
    const padding: Padding = random.pick<() => Padding>([
      () => "valid",
      () => "same",
      () => "same-lower",
      side,
      () => [side(), side()],
      () => ({ top: side(), left: side(), bottom: side(), right: side() }),
    ])();
    const ceilMode = pool && random.chance(0.3);
    const window = { input, kernel, stride, dilation, padding, ...(ceilMode ? { ceilMode } : {}) };
    const fits = axes(input, kernel, window).every((axis) => {
      // In ceil mode a single window may stand out.
      const covers = ceilMode ? 1 : axis.dilation * (axis.kernel - 1) + 1;
      return axis.output >= 1 && axis.input + axis.before + axis.after >= covers;
    });
    if (fits) return window;
  }
}

/** Groups, channels in and out: plain, grouped, depthwise, with multiplier. */
function drawChannels(random: Random): { groups: number; inC: number; outC: number } {
  const shape = random.next();
  if (shape < 0.5) return { groups: 1, inC: random.pick(channels), outC: random.pick(channels) };
  const groups = shape < 0.75 ? random.int(2, 4) : random.pick(channels);
  const [near, far] = shape < 0.75 ? [random.int(1, 9), random.int(1, 9)] : [1, random.pick([1, 1, 1, 2, 3])];
  return { groups, inC: groups * near, outC: groups * far };
}

function drawConv(random: Random): {
  readonly layout: "NHWC" | "NCHW";
  readonly groups: number;
  readonly inC: number;
  readonly outC: number;
  readonly bias?: readonly number[];
  readonly activation: Activation;
  readonly n: number;
} {
  const sizes = drawChannels(random);
  const bias = random.chance(0.5) ? { bias: [...random.nd([sizes.outC]).data] } : {};
  const layout = random.chance(0.7) ? "NHWC" : "NCHW";
  return { ...sizes, ...bias, layout, activation: random.pick(activations), n: random.pick([1, 1, 1, 2]) };
}

const convolution: RandomKind = {
  name: "conv2d",
  draw(random, engine) {
    const { input, kernel, ...window } = drawWindow(random, false);
    const { n, inC, outC, layout, ...rest } = drawConv(random);
    const x = random.nd([n, ...input, inC]);
    const filter = random.nd([...kernel, inC / rest.groups, outC]);
    const options = { ...window, ...rest };
    const nhwc = layout === "NHWC";
    const result = engine.scope(() =>
      engine.conv2d(upload(engine, nhwc ? x : transpose(x, toNchw)), nhwc ? filter : transpose(filter, toOihw), {
        ...options,
        layout,
      }),
    );
    const expected = conv2d(x, filter, options, engine.info.accuracy);
    const spec = JSON.stringify({ x: x.shape, filter: filter.shape, layout, ...options });
    return { spec, result, expected: nhwc ? expected : transposeExpected(expected, toNchw) };
  },
};

const transposed: RandomKind = {
  name: "convTranspose2d",
  draw(random, engine) {
    for (;;) {
      const input = [random.int(1, 8), random.int(1, 8)] as const;
      const { n, inC, outC, layout, ...rest } = drawConv(random);
      const kernel = [random.pick(kernels), random.pick(kernels)] as const;
      const [stride, dilation] = [
        [random.pick(strides), random.pick(strides)] as const,
        [random.pick(dilations), random.pick(dilations)] as const,
      ];
      const word = random.chance(0.4) ? random.pick(["same", "same-lower"] as const) : undefined;
      const side = (): number => random.int(0, 3);
      const padding: Padding = word ?? { top: side(), left: side(), bottom: side(), right: side() };
      const extra = (axis: 0 | 1): number => random.int(0, Math.max(stride[axis], dilation[axis]) - 1);
      const outputPadding = [extra(0), extra(1)] as const;
      const options = { ...rest, stride, dilation, padding, ...(word === undefined ? { outputPadding } : {}) };
      const fits = ([0, 1] as const).every((axis) => {
        if (typeof padding !== "object" || !("top" in padding)) return true;
        const cut =
          axis === 0 ? (padding.top ?? 0) + (padding.bottom ?? 0) : (padding.left ?? 0) + (padding.right ?? 0);
        return (input[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 + outputPadding[axis] > cut;
      });
      if (!fits) continue;
      const x = random.nd([n, ...input, inC]);
      const filter = random.nd([...kernel, outC / rest.groups, inC]);
      const nhwc = layout === "NHWC";
      const result = engine.scope(() =>
        engine.convTranspose2d(
          upload(engine, nhwc ? x : transpose(x, toNchw)),
          nhwc ? filter : transpose(filter, toOihw),
          { ...options, layout },
        ),
      );
      const expected = convTranspose2d(x, filter, options);
      const spec = JSON.stringify({ x: x.shape, filter: filter.shape, layout, ...options });
      return { spec, result, expected: nhwc ? expected : transposeExpected(expected, toNchw) };
    }
  },
};

function pool(kind: PoolKind): RandomKind {
  return {
    name: `${kind}Pool2d`,
    draw(random, engine) {
      const { input, kernel, ...window } = drawWindow(random, true);
      const x = random.nd([random.pick([1, 1, 2]), ...input, random.pick(channels)], -2, random.pick([-1, 2]));
      const counted = kind === "avg" && random.chance(0.5) ? { countIncludePad: true } : {};
      const options = { ...window, size: both(kernel), ...counted };
      const nhwc = random.chance(0.7);
      const result = engine.scope(() =>
        runPool2d(engine, kind, upload(engine, nhwc ? x : transpose(x, toNchw)), {
          ...options,
          layout: nhwc ? "NHWC" : "NCHW",
        }),
      );
      const expected = pool2d(kind, x, options);
      const spec = JSON.stringify({ x: x.shape, layout: nhwc ? "NHWC" : "NCHW", ...options });
      return { spec, result, expected: nhwc ? expected : transposeExpected(expected, toNchw) };
    },
  };
}

/** All kinds. */
export const kinds: readonly RandomKind[] = [convolution, transposed, pool("max"), pool("avg"), pool("l2")];

/** Specs that are on their way at once: a worker gets them as one batch. */
const batch = 100;

/** Runs `count` specs of a kind from `seed` on; the first that is wrong throws, with its seed. */
export async function runRandom(engine: Engine, kind: RandomKind, seed: number, count: number): Promise<void> {
  for (let first = seed; first < seed + count; first += batch) {
    const seeds = Array.from({ length: Math.min(batch, seed + count - first) }, (_, index) => first + index);
    const drawn = seeds.map((one) => ({ one, ...kind.draw(new Random(one), engine) }));
    await Promise.all(
      drawn.map(({ one, spec, result, expected }) => compare(result, expected, `${kind.name}, seed ${one}: ${spec}`)),
    );
  }
}

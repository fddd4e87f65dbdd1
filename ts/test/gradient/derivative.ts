/**
 * Gradients against the operators' definitions in float64. Of a linear operator, the gradient's element `i` is the sum of what a one at `i`
 * gives, times the output's gradient; of others it is found by central differences.
 */
import type { TrainingOp } from "../../command.ts";
import { type Activation, activate } from "../oracle/activation.ts";
import { sumTolerance } from "../oracle/compare.ts";
import { convTranspose2d } from "../oracle/conv.ts";
import { at, type Nd, nd, sizeOf, toOihw, transpose } from "../oracle/nd.ts";
import { adaptivePool2d } from "../oracle/pool.ts";
import { pad, resizeLinear } from "../oracle/shapes.ts";
import { randomFor } from "../conformance/case.ts";
import { compute, expectNear, type GradientCase, largest } from "./case.ts";

/** What a linear operator gives; of which shape, its oracle tells. */
type Linear = (x: Nd) => { readonly shape: readonly number[]; readonly values: ArrayLike<number> };

/** The gradient of a linear operator at any input of a shape, where `g` is that of its output. */
function transposed(shape: readonly number[], forward: Linear, g: ArrayLike<number>): Float64Array {
  const one = new Float32Array(sizeOf(shape));
  return Float64Array.from(one, (_, i) => {
    one.fill(0);
    one[i] = 1;
    return dot(forward({ shape, data: one }).values, g);
  });
}

/** The gradient of any function of numbers, by central differences in float64. */
function differences(
  x: ArrayLike<number>,
  forward: (x: Float64Array) => ArrayLike<number>,
  g: ArrayLike<number>,
): Float64Array {
  const at64 = Float64Array.from(x);
  const h = 1e-5;
  return Float64Array.from(at64, (value, i) => {
    const of = (moved: number): number => {
      at64[i] = moved;
      const sum = dot(forward(at64), g);
      at64[i] = value;
      return sum;
    };
    return (of(value + h) - of(value - h)) / (2 * h);
  });
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * at(b, i), 0);
}

/** A case of an operator that is linear in its first operand. */
function linear(
  name: string,
  op: TrainingOp,
  shape: readonly number[],
  forward: Linear,
  words: readonly number[],
  inputs: (g: Float32Array) => readonly (ArrayLike<number> | undefined)[] = (g) => [g],
): GradientCase {
  return {
    name: `${op}, ${name}`,
    async run(executor) {
      const output = forward(nd(shape, new Float32Array(sizeOf(shape))));
      const g = randomFor(name).nd(output.shape).data;
      const expected = transposed(shape, forward, g);
      const [found] = await compute(executor, op, inputs(g), [expected.length], words);
      const terms = g.length;
      expectNear(name, found, expected, sumTolerance(terms, terms * largest(g)) / 4);
    },
  };
}

const PAD_MODES = ["constant", "reflect", "edge"] as const;
const pads = PAD_MODES.map((mode, code) =>
  linear(
    mode,
    "padGrad",
    [2, 4, 3],
    (x) =>
      pad(
        x,
        [
          [1, 0],
          [2, 3],
          [0, 1],
        ],
        mode,
        0,
      ),
    [code, 7, 3, 2, 4, 3, 1, 2, 0, 0, 3, 1],
  ),
);

const images = [
  linear("linear, up", "resize2dGrad", [1, 3, 2, 5], (x) => resizeLinear(x, [5, 7], "half-pixel"), [
    ...[0, 1, 3, 2, 5, 5, 7, 1, 0],
  ]),
  linear("linear, corners", "resize2dGrad", [2, 4, 5, 3], (x) => resizeLinear(x, [3, 9], "align-corners"), [
    ...[0, 2, 4, 5, 3, 3, 9, 1, 1],
  ]),
  linear(
    "means",
    "adaptivePool2dGrad",
    [2, 5, 7, 6],
    (x) => adaptivePool2d("avg", x, [3, 2]),
    [1, 0, 2, 5, 7, 6, 3, 2],
    (g) => [undefined, g],
  ),
  linear(
    "a global mean",
    "adaptivePool2dGrad",
    [2, 3, 4, 5],
    (x) => adaptivePool2d("avg", x, 1),
    [...[1, 0, 2, 3, 4, 5, 1, 1]],
    (g) => [undefined, g],
  ),
];

const sums = linear(
  "over first and last axes",
  "sumTo",
  [3, 1],
  ({ data }) => {
    const values = Array.from({ length: 2 * 3 * 4 }, (_, i) => at(data, Math.floor(i / 4) % 3));
    return { shape: [2, 3, 4], values };
  },
  [3, 2, 3, 4, 2, 3, 1],
);

/** Strides, dilations, groups, output padding; the filter in both orders. */
const transposes = [
  { stride: [2, 2], dilation: [1, 1], groups: 1, extra: [1, 0], inC: 5, outC: 9 },
  { stride: [1, 1], dilation: [2, 1], groups: 1, extra: [0, 0], inC: 16, outC: 4 },
  { stride: [3, 2], dilation: [1, 1], groups: 2, extra: [0, 1], inC: 6, outC: 8 },
].map(({ stride, dilation, groups, extra, inC, outC }): GradientCase => {
  const name = `strides ${stride}, dilations ${dilation}, ${groups} groups`;
  return {
    name: `convTranspose2dGrad, ${name}`,
    async run(executor) {
      const random = randomFor(name);
      const [x, w] = [random.nd([2, 3, 4, inC]), random.nd([3, 2, outC / groups, inC])];
      const pair = ([a = 1, b = 1]: number[]): [number, number] => [a, b];
      const options = {
        stride: pair(stride),
        dilation: pair(dilation),
        groups,
        padding: [1, 0] as const,
        outputPadding: pair(extra),
      };
      const forward = (image: Nd, filter: Nd): ReturnType<typeof convTranspose2d> =>
        convTranspose2d(image, filter, options);
      const g = random.nd(forward(x, w).shape);
      const ofX = transposed(x.shape, (image) => forward(image, w), g.data);
      const ofW = transposed(w.shape, (filter) => forward(x, filter), g.data);
      const ofB = Array.from({ length: outC }, (_, c) =>
        g.data.filter((_value, i) => i % outC === c).reduce((a, b) => a + b, 0),
      );
      for (const layout of [0, 1]) {
        const filter = layout === 0 ? w : transpose(w, toOihw);
        const expected = layout === 0 ? ofW : transpose(nd(w.shape, ofW), toOihw).data;
        const words = [
          0,
          layout,
          ...x.shape,
          outC,
          3,
          2,
          ...stride,
          ...dilation,
          1,
          0,
          1,
          0,
          groups,
          ...extra,
          1,
          1,
          1,
        ];
        const lengths = [x.data.length, w.data.length, outC];
        const found = await compute(executor, "convTranspose2dGrad", [x.data, filter.data, g.data], lengths, words);
        expectNear(`x, layout ${layout}`, found[0], ofX, sumTolerance(6 * outC, 6 * outC));
        expectNear(`filter, layout ${layout}`, found[1], expected, sumTolerance(24, 24));
        expectNear("bias", found[2], ofB, sumTolerance(g.data.length, g.data.length));
      }
    },
  };
});

/** Codes and parameters at the boundary, and whether the gradient is found from the input. */
const ACTIVATIONS: readonly (readonly [Activation, words: readonly number[], fromInput: boolean])[] = [
  ["relu", [1, 0, 0], false],
  ["relu6", [2, 0, 0], false],
  [{ type: "clamp", min: -0.5, max: 0.75 }, [3, -0.5, 0.75], false],
  [{ type: "leakyRelu", alpha: 0.125 }, [4, 0.125, 0], false],
  ["sigmoid", [5, 0, 0], false],
  ["tanh", [6, 0, 0], false],
  [{ type: "hardSigmoid", alpha: 0.25, beta: 0.5 }, [7, 0.25, 0.5], false],
  ["hardSwish", [8, 1, 0], true],
  ["silu", [9, 0, 0], true],
  ["gelu", [10, 0, 0], true],
  [{ type: "gelu", approximate: "tanh" }, [11, 0, 0], true],
  [{ type: "elu", alpha: 0.5 }, [12, 0.5, 0], false],
  ["mish", [13, 0, 0], true],
  ["softplus", [14, 0, 0], false],
  ["softsign", [15, 0, 0], false],
  [{ type: "selu", alpha: 1.5, gamma: 1.25 }, [16, 1.5, 1.25], false],
  [{ type: "celu", alpha: 0.5 }, [17, 0.5, 0], false],
  [{ type: "thresholdedRelu", alpha: 0.5 }, [18, 0.5, 0], true],
  [{ type: "swish", alpha: 1.5 }, [19, 1.5, 0], true],
];
const activations = ACTIVATIONS.map(([activation, words, fromInput]): GradientCase => {
  const name = typeof activation === "string" ? activation : Object.values(activation).join(" ");
  return {
    name: `activationGrad, ${name}`,
    async run(executor) {
      const random = randomFor("activation");
      const [x, g] = [random.nd([203], -4, 4).data, random.nd([203]).data];
      const forward = (values: ArrayLike<number>): number[] =>
        Array.from(values, (value) => activate(activation, value));
      // Each output is of one input: no differences of sums.
      const expected = x.map((value, i) => at(differences([value], forward, [at(g, i)]), 0));
      const values = fromInput ? x : forward(x);
      const [found] = await compute(executor, "activationGrad", [values, g], [203], words);
      expectNear(name, found, expected, 2e-6);
    },
  };
});

function softmaxRows(
  x: ArrayLike<number>,
  [outer, axis, inner]: readonly [number, number, number],
  log: boolean,
): number[] {
  const y = new Array<number>(outer * axis * inner).fill(0);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const places = Array.from({ length: axis }, (_, a) => (o * axis + a) * inner + i);
      const sum = places.reduce((total, place) => total + Math.exp(at(x, place)), 0);
      for (const place of places) y[place] = log ? at(x, place) - Math.log(sum) : Math.exp(at(x, place)) / sum;
    }
  return y;
}
const softmaxes = [false, true].flatMap((log) =>
  (
    [
      [3, 7, 1],
      [2, 5, 6],
    ] as const
  ).map(
    (sizes): GradientCase => ({
      name: `softmaxGrad of ${sizes.join(" x ")}${log ? ", logarithms" : ""}`,
      async run(executor) {
        const random = randomFor("softmax");
        const length = sizeOf(sizes);
        const [x, g] = [random.nd([length], -2, 2).data, random.nd([length]).data];
        const forward = (values: ArrayLike<number>): number[] => softmaxRows(values, sizes, log);
        const words = [...sizes, log ? 1 : 0];
        const [found] = await compute(executor, "softmaxGrad", [forward(x), g], [length], words);
        expectNear("softmax", found, differences(x, forward, g), 2e-6);
      },
    }),
  ),
);

/** Normalises elements of the same set; each has the parameter of its place. */
function normalised(
  x: ArrayLike<number>,
  scale: ArrayLike<number>,
  offset: ArrayLike<number>,
  setOf: (i: number) => number,
  placeOf: (i: number) => number,
): number[] {
  const sets = new Map<number, number[]>();
  for (let i = 0; i < x.length; i++) sets.set(setOf(i), [...(sets.get(setOf(i)) ?? []), at(x, i)]);
  const statistics = new Map(
    Array.from(sets, ([set, values]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return [set, { mean, deviation: Math.sqrt(variance + 0.01) }];
    }),
  );
  return Array.from(x, (value, i) => {
    const { mean, deviation } = statistics.get(setOf(i)) ?? { mean: Number.NaN, deviation: 1 };
    return ((value - mean) / deviation) * at(scale, placeOf(i)) + at(offset, placeOf(i));
  });
}
const norms = (
  [
    [
      "groupNormGrad",
      "two groups",
      [0, 2, 3, 2, 6, 2, 0.01],
      6,
      (i: number) => Math.floor(i / 36) * 2 + Math.floor((i % 6) / 3),
      (i: number) => i % 6,
    ],
    [
      "groupNormGrad",
      "instances",
      [0, 2, 3, 2, 6, 6, 0.01],
      6,
      (i: number) => Math.floor(i / 36) * 6 + (i % 6),
      (i: number) => i % 6,
    ],
    ["layerNormGrad", "rows", [6, 12, 0.01], 12, (i: number) => Math.floor(i / 12), (i: number) => i % 12],
  ] as const
).map(
  ([op, name, words, places, setOf, placeOf]): GradientCase => ({
    name: `${op}, ${name}`,
    async run(executor) {
      const random = randomFor(name);
      const [x, g] = [random.nd([72]).data, random.nd([72]).data];
      const [scale, offset] = [random.nd([places]).data, random.nd([places]).data];
      const lengths = [72, places, places];
      const found = await compute(executor, op, [x, scale, g], lengths, words);
      const by = (which: number): ArrayLike<number> =>
        differences(
          [x, scale, offset][which] ?? [],
          (values) => {
            const given = [x, scale, offset].map((other, i) => (i === which ? values : other));
            return normalised(given[0] ?? [], given[1] ?? [], given[2] ?? [], setOf, placeOf);
          },
          g,
        );
      for (const which of [0, 1, 2]) expectNear(`operand ${which}`, found[which], by(which), 5e-6);
    },
  }),
);

/** All of them. */
export const derivatives: readonly GradientCase[] = [
  ...pads,
  ...images,
  sums,
  ...transposes,
  ...activations,
  ...softmaxes,
  ...norms,
];

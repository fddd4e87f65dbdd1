/** Arithmetic with broadcasting, functions of one element, activations and softmax as operators. */
import type { Engine, Tensor } from "lenslet";
import { type Activation, activate } from "../oracle/activation.ts";
import { reshapeExpected, within } from "../oracle/compare.ts";
import { type BinaryName, binary, logSoftmax, softmax, type UnaryName, unary } from "../oracle/elementwise.ts";
import { counting, type Nd, nd } from "../oracle/nd.ts";
import { type Case, check, compare, equal, randomFor, take, upload } from "./case.ts";

const binaries: readonly BinaryName[] = [
  ...(["add", "sub", "mul", "div", "min", "max", "hypot", "pow", "floorMod", "fmod", "prelu"] as const),
  ...(["equal", "less", "lessOrEqual", "greater", "greaterOrEqual", "and", "or", "xor"] as const),
];
const unaries: readonly UnaryName[] = [
  ...(["abs", "neg", "sqrt", "exp", "log", "square", "reciprocal", "erf", "floor", "ceil", "round", "sign"] as const),
  ...(["not", "sin", "cos"] as const),
];

type Shapes = readonly [a: readonly number[], b: readonly number[]];

const shapes: readonly Shapes[] = [
  [[7], [7]],
  [
    [2, 3, 4],
    [2, 3, 4],
  ],
  [[2, 3, 5], [1]],
  [[2, 3, 5], []],
  [[], []],
  [[1, 4, 4, 9], [9]],
  [
    [1, 4, 4, 8],
    [1, 1, 1, 8],
  ],
  [[8], [2, 3, 8]],
  [
    [4, 1],
    [1, 5],
  ],
  [
    [2, 1, 3, 1],
    [4, 1, 5],
  ],
  [
    [1, 3, 4, 4],
    [3, 1, 1],
  ],
  [[33], [1, 33]],
  [
    [2, 2, 1, 1, 3, 1, 2, 1],
    [1, 1, 2, 2, 1, 2, 1, 3],
  ],
];

const arithmetic: readonly Case[] = binaries.flatMap((name) =>
  shapes.map(([a, b]) => ({
    name: `${name} of [${a.join(", ")}] and [${b.join(", ")}]`,
    async run(engine) {
      const random = randomFor(name);
      const [left, right] = [random.nd(a, -4, 4), random.nd(b, 0.5, 3)];
      await compare(both(engine, name, left, right), binary(name, left, right), "a, b");
      await compare(both(engine, name, right, left), binary(name, right, left), "b, a");
    },
  })),
);

function both(engine: Engine, name: BinaryName, a: Nd, b: Nd): Tensor {
  return engine.scope(() => engine[name](upload(engine, a), upload(engine, b)));
}

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

const odd: readonly Case[] = [
  {
    name: "numbers and plain arrays as operands",
    async run(engine) {
      const x = engine.tensor([1, 2, 3]);
      equal(await take(engine.sub(x, 1)), [0, 1, 2], "x - 1");
      equal(await take(engine.sub(1, x)), [0, -1, -2], "1 - x");
      equal(await take(engine.mul(x, [1, 10, 100])), [1, 20, 300], "x * array");
      equal(await take(engine.max(Float32Array.of(2, 2, 2), x)), [2, 2, 3], "max");
      const column = engine.add(x, { data: [10, 20], shape: [2, 1] });
      equal(column.shape, [2, 3], "shape");
      equal(await take(column), [11, 12, 13, 21, 22, 23], "x + column");
      equal(await take(engine.div(6, 4)), [1.5], "6 / 4");
      equal(await take(engine.add(x, x)), [2, 4, 6], "x + x");
      x.dispose();
    },
  },
  {
    name: "division by zero and NaN",
    async run(engine) {
      const quotient = engine.div([1, -1, 0, nan], [0, 0, 0, 1]);
      equal(await take(quotient), [infinity, -infinity, nan, nan], "quotient");
      equal(await take(engine.max([nan, 1, nan], [1, nan, nan])), [nan, nan, nan], "max");
      equal(await take(engine.min([nan, 1, infinity], [1, nan, -infinity])), [nan, nan, -infinity], "min");
      equal(await take(engine.add([infinity, 3e38], [-infinity, 3e38])), [nan, infinity], "sum");
    },
  },
  {
    name: "functions at their edges",
    async run(engine) {
      const edges = [0, 1, infinity, -infinity, nan];
      const run = (name: UnaryName): Promise<number[]> => take(engine.scope(() => engine[name](engine.tensor(edges))));
      equal(await run("abs"), [0, 1, infinity, infinity, nan], "abs");
      equal(
        await run("exp").then((values) => values.with(1, Math.round(values[1] ?? 0))),
        [1, 3, infinity, 0, nan],
        "exp",
      );
      equal(await run("log"), [-infinity, 0, infinity, nan, nan], "log");
      equal(await run("sqrt"), [0, 1, infinity, nan, nan], "sqrt");
      equal(await run("square"), [0, 1, infinity, infinity, nan], "square");
      equal(await run("reciprocal"), [infinity, 1, 0, 0, nan], "reciprocal");
      equal(await run("erf").then((values) => values.with(1, 0)), [0, 0, 1, -1, nan], "erf");
      equal(await run("sign"), [0, 1, 1, -1, nan], "sign");
      equal(await run("not"), [1, 0, 0, 0, 0], "not");
      const halves = engine.tensor([-1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997]);
      equal(await take(engine.round(halves)).then((values) => values.map((x) => x + 0)), [-2, 0, 0, 2, 2, 0], "round");
      halves.dispose();
    },
  },
  {
    name: "comparisons and logic of equal numbers, zeros and NaN",
    async run(engine) {
      const [a, b] = [
        [1, 1, 2, 0, 0, nan, nan],
        [1, 2, 1, 0, 3, nan, 0],
      ];
      const run = (name: BinaryName): Promise<number[]> => take(engine[name](a, b));
      equal(await run("equal"), [1, 0, 0, 1, 0, 0, 0], "equal");
      equal(await run("less"), [0, 1, 0, 0, 1, 0, 0], "less");
      equal(await run("lessOrEqual"), [1, 1, 0, 1, 1, 0, 0], "lessOrEqual");
      equal(await run("greater"), [0, 0, 1, 0, 0, 0, 0], "greater");
      equal(await run("greaterOrEqual"), [1, 0, 1, 1, 0, 0, 0], "greaterOrEqual");
      equal(await run("and"), [1, 1, 1, 0, 0, 1, 0], "and");
      equal(await run("or"), [1, 1, 1, 0, 1, 1, 1], "or");
      equal(await run("xor"), [0, 0, 0, 0, 1, 0, 1], "xor");
      equal(await take(engine.floorMod([7, -7, 7, -7], [3, 3, -3, -3])), [1, 2, -2, -1], "floorMod");
      equal(await take(engine.fmod([7, -7, 7, -7], [3, 3, -3, -3])), [1, -1, 1, -1], "fmod");
      equal(
        await take(engine.pow([2, -2, -2, 0, nan, 9], [10, 3, 0.5, 0, 0, -0.5])),
        [1024, -8, nan, 1, 1, Math.fround(1 / 3)],
        "pow",
      );
    },
  },
];

const functions: readonly Case[] = unaries.flatMap((name) =>
  [[1], [3], [2, 3, 5], [1, 4, 4, 17]].map((shape) => ({
    name: `${name} of [${shape.join(", ")}]`,
    async run(engine) {
      const positive = name === "log" || name === "sqrt";
      const x = randomFor(name).nd(shape, positive ? 1e-3 : -20, 20);
      await compare(
        engine.scope(() => engine[name](upload(engine, x))),
        unary(name, x),
        name,
      );
    },
  })),
);

/** Each activation as an operator: its method, and what the oracle calls it. */
const activations: readonly (readonly [Activation, (engine: Engine, x: Tensor) => Tensor])[] = [
  ["relu", (engine, x) => engine.relu(x)],
  ["relu6", (engine, x) => engine.relu6(x)],
  [{ type: "clamp", min: -0.25, max: 3 }, (engine, x) => engine.clamp(x, { min: -0.25, max: 3 })],
  [{ type: "clamp", min: -1, max: infinity }, (engine, x) => engine.clamp(x, { min: -1 })],
  [{ type: "leakyRelu", alpha: 0.01 }, (engine, x) => engine.leakyRelu(x)],
  [{ type: "leakyRelu", alpha: 0.3 }, (engine, x) => engine.leakyRelu(x, { alpha: 0.3 })],
  ["sigmoid", (engine, x) => engine.sigmoid(x)],
  ["tanh", (engine, x) => engine.tanh(x)],
  ["hardSigmoid", (engine, x) => engine.hardSigmoid(x)],
  [{ type: "hardSigmoid", alpha: 1 / 6, beta: 0.5 }, (engine, x) => engine.hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 })],
  ["hardSwish", (engine, x) => engine.hardSwish(x)],
  ["silu", (engine, x) => engine.silu(x)],
  ["gelu", (engine, x) => engine.gelu(x)],
  [{ type: "gelu", approximate: "tanh" }, (engine, x) => engine.gelu(x, { approximate: "tanh" })],
  [{ type: "elu", alpha: 1 }, (engine, x) => engine.elu(x)],
  [{ type: "elu", alpha: 0.7 }, (engine, x) => engine.elu(x, { alpha: 0.7 })],
  ["mish", (engine, x) => engine.mish(x)],
  ["softplus", (engine, x) => engine.softplus(x)],
  ["softsign", (engine, x) => engine.softsign(x)],
  [{ type: "selu", alpha: 1.6732632, gamma: 1.050701 }, (engine, x) => engine.selu(x)],
  [{ type: "selu", alpha: 2, gamma: 0.5 }, (engine, x) => engine.selu(x, { alpha: 2, gamma: 0.5 })],
  [{ type: "celu", alpha: 1 }, (engine, x) => engine.celu(x)],
  [{ type: "celu", alpha: 3 }, (engine, x) => engine.celu(x, { alpha: 3 })],
  [{ type: "thresholdedRelu", alpha: 1 }, (engine, x) => engine.thresholdedRelu(x)],
  [{ type: "thresholdedRelu", alpha: -0.5 }, (engine, x) => engine.thresholdedRelu(x, { alpha: -0.5 })],
  [{ type: "swish", alpha: 1 }, (engine, x) => engine.swish(x)],
  [{ type: "swish", alpha: 1.5 }, (engine, x) => engine.swish(x, { alpha: 1.5 })],
];

const curves: readonly Case[] = activations.map(([activation, run]) => {
  const name = typeof activation === "string" ? activation : JSON.stringify(activation);
  return {
    name: `${name} from -40 to 40, and NaN`,
    async run(engine) {
      const edges = [0, -0, 1e-30, -1e-30, 6, -6, 3, -3, 100, -100, 1e4, -1e4, nan];
      const data = [...edges, ...Array.from({ length: 400 }, (_, index) => (index - 200) / 5)];
      const x = nd([7, 59], data);
      const values = Float64Array.from(x.data, (value) => activate(activation, value));
      const y = engine.scope(() => run(engine, upload(engine, x)));
      const expected = within({ shape: x.shape, data: values }, 8, 8);
      // Where a curve flattens, what is left of a large input is an error relative to that input.
      const tolerance = expected.tolerance.map(
        (allowed, index) => allowed + 2 ** -22 * Math.min(Math.abs(x.data[index] ?? 0), 20),
      );
      await compare(y, { ...expected, tolerance }, name);
    },
  };
});

const normalised: readonly Case[] = [
  [[5], -1],
  [[1], 0],
  [[3, 10], -1],
  [[3, 10], 0],
  [[2, 3, 4, 5], 1],
  [[2, 3, 4, 5], 3],
  [[1, 1000], 1],
].map(([shape, axis]) => ({
  name: `softmax of ${JSON.stringify(shape)} over axis ${JSON.stringify(axis)}`,
  async run(engine) {
    const sizes = shape as readonly number[];
    const x = randomFor("softmax").nd(sizes, -30, 30);
    const along = axis as number;
    const expected = softmax(x, along < 0 ? along + sizes.length : along);
    await compare(
      engine.scope(() => engine.softmax(upload(engine, x), { axis: along })),
      expected,
      "softmax",
    );
    await compare(
      engine.scope(() => engine.logSoftmax(upload(engine, x), { axis: along })),
      logSoftmax(x, along < 0 ? along + sizes.length : along),
      "logSoftmax",
    );
  },
}));

const steady: readonly Case[] = [
  {
    name: "softmax of large numbers does not overflow; without an axis it is the last",
    async run(engine) {
      const values = await take(
        engine.scope(() => engine.softmax(engine.tensor([1e30, 1e30, -1e30, 5, 5, 5], [2, 3]))),
      );
      equal(values.slice(0, 3), [0.5, 0.5, 0], "first row");
      check(Math.abs((values[4] ?? 0) - 1 / 3) < 1e-6, `a third, not ${values[4]}`);
    },
  },
  {
    name: "a tensor through ten operators",
    async run(engine) {
      const x = counting(4, 5);
      const y = engine.scope(() => {
        let tensor = upload(engine, x);
        for (let step = 0; step < 5; step++) tensor = engine.mul(engine.add(tensor, 1), 0.5);
        return tensor;
      });
      const data = x.data.map((value) => (value + 31) / 32);
      await compare(y, reshapeExpected(within({ shape: x.shape, data }, 10), x.shape), "y");
    },
  },
];

export const cases: readonly Case[] = [...arithmetic, ...odd, ...functions, ...curves, ...normalised, ...steady];

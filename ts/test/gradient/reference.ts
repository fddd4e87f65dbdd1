/** Gradients, losses, statistics and traces of optimisers that PyTorch computed in float64 (the files tell how). */
import type { Executor } from "../../command.ts";
import { check } from "../conformance/case.ts";
import { sumTolerance, unit } from "../oracle/compare.ts";
import { at, type Nd, nd, sizeOf, toNhwc, transpose } from "../oracle/nd.ts";
import type { Group, Reference } from "../reference/cases.ts";
import { change, compute, expectNear, type GradientCase, largest } from "./case.ts";

/** The names of the groups that are run. */
export const gradientGroups: readonly string[] = [
  "conv2d-grad",
  "pool2d-grad",
  "batch-norm",
  "linear-cross-entropy",
  "optimisers",
];

/** The cases of a group. */
export function gradientCasesOf({ group, numbers }: Reference): readonly GradientCase[] {
  check(group.cases.length > 0, `no cases in ${group.group}`);
  const run = CHECKS[group.group];
  check(run !== undefined, `an unknown group ${group.group}`);
  return group.cases.map((one) => ({
    name: `${group.group} ${one.name}`,
    run: (executor) => run(executor, new Given(one, numbers)),
  }));
}

type Check = (executor: Executor, given: Given) => Promise<void>;

/** A case's parameters and tensors, images with their channels last. */
class Given {
  readonly #one: Group["cases"][number];
  readonly #numbers: Float32Array;

  constructor(one: Group["cases"][number], numbers: Float32Array) {
    this.#one = one;
    this.#numbers = numbers;
  }

  param(key: string): number | boolean | string | undefined {
    return this.#one.params[key];
  }

  number(key: string): number {
    const value = this.param(key);
    check(typeof value === "number", `${key} is ${String(value)}`);
    return value;
  }

  numbers(...keys: string[]): number[] {
    return keys.map((key) => this.number(key));
  }

  raw(key: string): Nd {
    const place = this.#one.tensors[key];
    check(place !== undefined, `there is no ${key}`);
    return nd(place.shape, this.#numbers.subarray(place.offset, place.offset + sizeOf(place.shape)));
  }

  nhwc(key: string): Nd {
    const tensor = this.raw(key);
    return tensor.shape.length === 4 ? transpose(tensor, toNhwc) : tensor;
  }

  /** Compares with one of the tensors, which was rounded once itself. */
  expect(key: string, found: ArrayLike<number> | undefined, tolerance: number): void {
    const { data } = this.nhwc(key);
    expectNear(key, found, data, tolerance + unit * largest(data));
  }
}

const PADDING = ["padTop", "padLeft", "padBottom", "padRight"];

async function conv2d(executor: Executor, given: Given): Promise<void> {
  const [x, g] = [given.nhwc("input"), given.nhwc("gradOutput")];
  const w = given.raw("weight");
  const [outC, groupIn, kH, kW] = [at(w.shape, 0), at(w.shape, 1), at(w.shape, 2), at(w.shape, 3)];
  const window = given.numbers("strideH", "strideW", "dilationH", "dilationW", ...PADDING, "groups");
  // NHWC images, filters as they come: channels first.
  const words = [0, 1, ...x.shape, outC, kH, kW, ...window, 1, 1, 1];
  const lengths = [x.data.length, w.data.length, outC];
  const [ofX, ofW, ofB] = await compute(executor, "conv2dGrad", [x.data, w.data, g.data], lengths, words);
  const terms = (kH * kW * outC) / given.number("groups");
  given.expect("gradInput", ofX, 4 * sumTolerance(terms, terms * largest(g.data) * largest(w.data)));
  const pixels = g.data.length / outC;
  expectNear(
    "gradWeight",
    ofW,
    given.raw("gradWeight").data,
    4 * sumTolerance(pixels, pixels * largest(x.data) * largest(g.data)),
  );
  given.expect("gradBias", ofB, sumTolerance(pixels, pixels * largest(g.data)));

  const [onlyW] = await compute(
    executor,
    "conv2dGrad",
    [x.data, undefined, g.data],
    [w.data.length],
    [...words.slice(0, -3), 0, 1, 0],
  );
  expectNear(`gradWeight alone, ${groupIn} channels`, onlyW, ofW ?? [], 0);
}

async function pool2d(executor: Executor, given: Given): Promise<void> {
  const [x, g] = [given.nhwc("input"), given.nhwc("gradOutput")];
  const tolerance = 8 * unit * largest(g.data);
  const op = given.param("op");
  if (op === "adaptiveAvg") {
    const words = [1, 0, ...x.shape, ...given.numbers("outH", "outW")];
    const [ofX] = await compute(executor, "adaptivePool2dGrad", [undefined, g.data], [x.data.length], words);
    given.expect("gradInput", ofX, tolerance);
    return;
  }
  const isMax = op === "max";
  const dilation = isMax ? given.numbers("dilationH", "dilationW") : [1, 1];
  const window = [...given.numbers("kH", "kW", "strideH", "strideW"), ...dilation, ...given.numbers(...PADDING)];
  const flags = [given.param("ceilMode") === true ? 1 : 0, given.param("countIncludePad") === true ? 1 : 0];
  const words = [isMax ? 0 : 1, 0, ...x.shape, ...window, ...flags];
  const inputs = [isMax ? x.data : undefined, g.data];
  const [ofX] = await compute(executor, "pool2dGrad", inputs, [x.data.length], words);
  given.expect("gradInput", ofX, tolerance);
}

async function batchNorm(executor: Executor, given: Given): Promise<void> {
  const [x, g, scale, offset] = ["input", "gradOutput", "weight", "bias"].map((key) => given.nhwc(key).data);
  check(x !== undefined && g !== undefined && scale !== undefined && offset !== undefined, "four tensors");
  const c = scale.length;
  const words = [c, given.number("epsilon")];
  const [y, statistics] = await compute(executor, "batchNormTraining", [x, scale, offset], [x.length, 2 * c], words);
  const tolerance = (key: string): number => 2e-6 * (1 + largest(given.nhwc(key).data));
  given.expect("output", y, tolerance("output"));
  check(statistics !== undefined, "statistics");
  const gradients = await compute(executor, "batchNormGrad", [x, scale, statistics, g], [x.length, c, c], words);
  for (const [i, key] of ["gradInput", "gradWeight", "gradBias"].entries())
    given.expect(key, gradients[i], tolerance(key));
  const running = [given.raw("runningMean").data, given.raw("runningVar").data];
  const moving = [c, given.number("momentum"), x.length / c];
  const [mean, variance] = await change(executor, "movingStatistics", [statistics, [1]], running, moving);
  given.expect("runningMeanAfter", mean, tolerance("runningMeanAfter"));
  given.expect("runningVarAfter", variance, tolerance("runningVarAfter"));
  const kept = await change(executor, "movingStatistics", [statistics, [Number.NaN]], running, moving);
  for (const [i, values] of running.entries()) expectNear("a scale of NaN", kept[i], values, 0);
}

async function linearCrossEntropy(executor: Executor, given: Given): Promise<void> {
  const [x, w, logits] = [given.raw("input"), given.raw("weight"), given.raw("logits")];
  const [m, k, n] = [at(x.shape, 0), at(x.shape, 1), at(w.shape, 0)];
  const targets: unknown = given.param("targets");
  check(Array.isArray(targets), "targets are a list");
  const rounding = 4 * unit * (1 + largest(logits.data));
  const words = [n, given.number("labelSmoothing"), given.param("reduction") === "sum" ? 1 : 0];
  const [loss, ofLogits] = await compute(executor, "crossEntropy", [logits.data, targets], [1, m * n], words);
  given.expect("loss", loss, rounding * m);
  given.expect("gradLogits", ofLogits, rounding);
  check(ofLogits !== undefined, "a gradient of the logits");
  // The weights are [n, k], as PyTorch has them.
  const lengths = [m * k, n * k, n];
  const [ofX, ofW, ofB] = await compute(executor, "denseGrad", [x.data, w.data, ofLogits], lengths, [
    m,
    k,
    n,
    1,
    1,
    1,
    1,
  ]);
  given.expect("gradInput", ofX, rounding * largest(w.data) * n);
  given.expect("gradWeight", ofW, rounding * largest(x.data) * m);
  given.expect("gradBias", ofB, rounding * m);
}

async function optimisers(executor: Executor, given: Given): Promise<void> {
  const [grads, params] = [given.raw("grads"), given.raw("params")];
  const n = at(grads.shape, 1);
  const rest = given.param("optimiser") === "sgd" ? [] : given.numbers("beta1", "beta2", "epsilon", "weightDecay");
  const code = ["sgd", "adam", "adamw"].indexOf(String(given.param("optimiser")));
  const sgd = (): number[] => [
    given.number("momentum"),
    given.param("nesterov") === true ? 1 : 0,
    given.number("weightDecay"),
    0,
  ];
  const words = [code, ...(code === 0 ? sgd() : rest)];
  const states = code === 0 ? (words[1] === 0 ? 0 : 1) : 2;
  let values: ArrayLike<number>[] = [
    given.raw("start").data,
    ...Array.from({ length: states }, () => new Float32Array(n)),
  ];
  for (let step = 0; step < at(grads.shape, 0); step++) {
    const clock = [step + 1, given.number("learningRate")];
    const gradient = grads.data.subarray(step * n, (step + 1) * n);
    const kept = await change(executor, "optimiserStep", [gradient, clock, [Number.NaN]], values, words);
    for (const [i, before] of values.entries()) expectNear("a scale of NaN", kept[i], before, 0);
    values = await change(executor, "optimiserStep", [gradient, clock, [1]], values, words);
    expectNear(`step ${step + 1}`, values[0], params.data.subarray(step * n, (step + 1) * n), 1e-6);
  }
}

const CHECKS: Readonly<Record<string, Check>> = {
  "conv2d-grad": conv2d,
  "pool2d-grad": pool2d,
  "batch-norm": batchNorm,
  "linear-cross-entropy": linearCrossEntropy,
  optimisers,
};

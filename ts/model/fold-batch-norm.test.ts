import { expect, test } from "vitest";
import { Random } from "../test/oracle/random.ts";
import { withoutBatchNorm } from "./fold-batch-norm.ts";
import type { Graph } from "./graph.ts";
import { specialise } from "./specialise/specialise.ts";
import { compute, expectSameOutputs } from "./testing/compute.ts";
import { testEngine } from "./testing/engine.ts";
import { sketchGraph } from "./testing/sketch.ts";
import { validateGraph } from "./validate.ts";

const { executor } = testEngine();

const NORM = "s: [6], t: [6], m: [6], var.v: [6]";

/** The operators of a graph without its normalisations, once it was seen to compute the same. */
async function folded(sketch: string, shape: readonly number[]): Promise<string> {
  const graph = sketchGraph(sketch);
  const without = withoutBatchNorm(graph);
  validateGraph(without);
  const x = new Map([["x", new Random(3).nd(shape)]]);
  const run = (of: Graph): ReturnType<typeof compute> =>
    compute(executor(), specialise(of, new Map([["x", shape]])), x);
  expectSameOutputs(await run(without), await run(graph));
  return without.nodes.map(({ op }) => op).join(" ");
}

test.each([
  ["a convolution", "Conv(x, w: [6, 4, 3, 3])", [2, 4, 5, 5], "Conv Relu"],
  ["with a bias, in groups", "Conv(x, w: [6, 2, 3, 3], c: [6]) group=2", [2, 4, 5, 5], "Conv Relu"],
  ["a transposed one", "ConvTranspose(x, w: [4, 6, 2, 2])", [2, 4, 3, 3], "ConvTranspose Relu"],
  [
    "a transposed one in groups",
    "ConvTranspose(x, w: [4, 3, 2, 3], c: [6]) group=2",
    [2, 4, 3, 3],
    "ConvTranspose Relu",
  ],
  ["a dense layer", "Gemm(x, w: [5, 6])", [3, 5], "Gemm Relu"],
  ["a transposed dense layer", "Gemm(x, w: [6, 5], c: [6]) transB=true", [3, 5], "Gemm Relu"],
  ["not where alpha scales", "Gemm(x, w: [5, 6]) alpha=2", [3, 5], "Gemm BatchNormalization Relu"],
  ["not behind anything else", "Relu(x)", [3, 6], "Relu BatchNormalization Relu"],
])("%s", async (_, layer, shape, expected) => {
  const dims = shape.map((size, axis) => (axis === 0 ? "n" : size)).join(", ");
  const sketch = `x: [${dims}]\n a = ${layer}\n b = BatchNormalization(a, ${NORM})\n y = Relu(b)\n -> y`;
  expect(await folded(sketch, shape)).toBe(expected);
});

test("not where others use what comes before it, but each of a chain's layers", async () => {
  const used = `x: [n, 4, 5, 5]\n a = Conv(x, w: [6, 4, 3, 3])\n b = BatchNormalization(a, ${NORM})\n y = Add(a, b)\n -> y`;
  expect(await folded(used, [1, 4, 5, 5])).toBe("Conv BatchNormalization Add");
  const output = `x: [n, 4, 5, 5]\n a = Conv(x, w: [6, 4, 3, 3])\n y = BatchNormalization(a, ${NORM})\n -> y, a`;
  expect(await folded(output, [1, 4, 5, 5])).toBe("Conv BatchNormalization");
  const chain = `x: [n, 4, 5, 5]
    a = Conv(x, w: [6, 4, 1, 1])
    b = BatchNormalization(a, ${NORM})
    c = Conv(b, w2: [6, 6, 1, 1])
    y = BatchNormalization(c, s2: [6], t2: [6], m2: [6], var.v2: [6])
    -> y`;
  expect(await folded(chain, [1, 4, 5, 5])).toBe("Conv Conv");
});

test("a weight that two layers share is folded for each", async () => {
  const shared = `x: [n, 6, 5, 5]
    a = Conv(x, w: [6, 6, 1, 1])
    b = BatchNormalization(a, ${NORM})
    c = Conv(b, w)
    y = BatchNormalization(c, s2: [6], t2: [6], m2: [6], var.v2: [6])
    -> y`;
  expect(await folded(shared, [1, 6, 5, 5])).toBe("Conv Conv");
});

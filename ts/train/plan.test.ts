import { describe, expect, it } from "vitest";
import { sketchGraph } from "../model/testing/sketch.ts";
import { binaryCrossEntropy, crossEntropy, type Loss, meanSquaredError } from "./loss.ts";
import { sgd } from "./optimiser.ts";
import { findTrained, type Freeze } from "./parameters.ts";
import { type BatchPlan, planEvaluation, planStep, type Task, variablesOf } from "./plan.ts";

function task(text: string, options: { loss?: Loss; freeze?: Freeze } = {}): Task {
  const graph = sketchGraph(text);
  const { loss = meanSquaredError(), freeze = [] } = options;
  const trained = findTrained("fit", graph, freeze);
  const optimizer = sgd({ momentum: 0.9 });
  return {
    ...{ call: "fit", graph, trained, loss, optimizer, samples: new Map(), output: graph.outputs[0] ?? "" },
    ...{ variables: variablesOf(trained, optimizer), clipNorm: 0, seed: 2 ** 31 + 5, recompute: false },
  };
}

/** The operators of a plan, without those that only bring images to another order. */
function ops({ program }: BatchPlan): string[] {
  return program.steps.map(({ op }) => op).filter((op) => op !== "transpose");
}

const step = (text: string, options?: Parameters<typeof task>[1]): BatchPlan =>
  planStep(task(text, options), 3, () => 0);

describe("a training step", () => {
  it("is forward, loss, backward, clipping, update; the input has no gradient", () => {
    const plan = step(
      "x: [n, 1, 6, 6]\nc = Conv(x, w: [2, 1, 3, 3], b: [2])\nr = Relu(c)\ny = Conv(r, u: [2, 2, 4, 4])\n-> y",
    );
    expect(ops(plan)).toEqual([
      ...["conv2d", "conv2d", "elementwiseLoss", "conv2dGrad", "activationGrad", "conv2dGrad"],
      ...["gradientNorm", "optimiserStep", "optimiserStep", "optimiserStep"],
    ]);
    const [last, first] = plan.program.steps.filter(({ op }) => op === "conv2dGrad");
    expect(last?.words.slice(-3)).toEqual([1, 1, 0]);
    expect(first?.words.slice(-3)).toEqual([0, 1, 1]);
    expect(plan.inputs).toEqual([
      { name: "x", shape: [3, 1, 6, 6] },
      { name: "targets", shape: [3, 2, 1, 1] },
      { name: "clock", shape: [2] },
    ]);
    expect(plan.parameters.map(({ name }) => name)).toEqual(["w", "b", "u"]);
  });

  it("has weights of products where they lie", () => {
    const text =
      "x: [n, 4]\na = Gemm(x, v: [3, 4], c: [3]) transB=true\nt = Transpose(u: [2, 3])\ny = MatMul(a, t)\n-> y";
    const { program } = step(text);
    const products = program.steps.filter(({ op }) => op === "dense");
    expect(products.map(({ words, inputs }) => [words.slice(0, 4), inputs[1]?.kind])).toEqual([
      [[3, 4, 3, 1], "variable"],
      [[3, 3, 2, 1], "variable"],
    ]);
    expect(program.steps.some(({ op }) => op === "transpose" || op === "matmul")).toBe(false);
  });

  it("folds what is frozen as inference does, and goes back no further than what is trained", () => {
    const text = `x: [n, 2, 6, 6]
      c = Conv(x, w: [4, 2, 3, 3])
      n = BatchNormalization(c, s: [4], o: [4], m: [4], var: [4])
      g = Gelu(n)
      y = Conv(g, u: [2, 4, 1, 1])
      -> y`;
    expect(ops(step(text, { freeze: ["c", "n"] }))).toEqual([
      ...["conv2d", "conv2d", "elementwiseLoss", "conv2dGrad", "gradientNorm", "optimiserStep"],
    ]);
    // A GELU tells its derivative by what goes into it, which is kept.
    expect(ops(step(text)).slice(0, 4)).toEqual(["conv2d", "batchNormTraining", "activation", "conv2d"]);
    expect(ops(step(text)).at(-1)).toBe("movingStatistics");
  });

  it("drops elements by streams of their own, and by halves of the seed", () => {
    const { program } = step(
      "x: [n, 4]\na = Gemm(x, v: [4, 4])\nd = Dropout(a) ratio=0.25\ne = Dropout(a) ratio=0.25\ny = Add(d, e)\n-> y",
    );
    const words = program.steps.filter(({ op }) => op === "dropout").map((each) => each.words);
    // Forward, then backward with the same words.
    expect(words).toEqual([
      ...[
        [0.25, 5, 1, 0],
        [0.25, 5, 1, 1],
      ],
      ...[
        [0.25, 5, 1, 1],
        [0.25, 5, 1, 0],
      ],
    ]);
    expect(
      ops(planEvaluation(task("x: [n, 4]\na = Gemm(x, v: [4, 4])\ny = Dropout(a)\n-> y"), 3, () => 0)),
    ).not.toContain("dropout");
  });

  it("leaves a softmax to the loss that contains it, and none to another", () => {
    const text = "x: [n, 4]\na = Gemm(x, v: [4, 3])\ns = Softmax(a)\ny = Identity(s)\n-> y";
    expect(ops(step(text, { loss: crossEntropy() }))).not.toContain("softmax");
    expect(ops(step(text))).toContain("softmaxGrad");
    expect(ops(planEvaluation(task(text, { loss: crossEntropy() }), 3, () => 0))).toEqual(["dense", "crossEntropy"]);
  });

  it("leaves a sigmoid to the loss that contains it, even where it could be a part of the layer before", () => {
    const activations = (options: { loss?: Loss }): readonly unknown[] =>
      step("x: [n, 4]\na = Gemm(x, v: [4, 3])\ny = Sigmoid(a)\n-> y", options)
        .program.steps.filter(({ op }) => op === "dense")
        .map(({ words }) => words[4]);
    const [identity, sigmoid] = [0, 5];
    expect(activations({ loss: binaryCrossEntropy() })).toEqual([identity]);
    expect(activations({})).toEqual([sigmoid]);
  });

  it("asks for labels of each pixel where classes lie along an axis of images", () => {
    const plan = step("x: [n, 2, 4, 5]\na = Conv(x, w: [3, 2, 1, 1])\ny = Softmax(a) axis=1\n-> y", {
      loss: crossEntropy(),
    });
    expect(plan.inputs[1]).toEqual({ name: "targets", shape: [3, 4, 5] });
  });

  it("needs less memory for each result that is not kept", () => {
    const text = `x: [n, 4, 16, 16]\n${Array.from({ length: 8 }, (_, i) => `c${i} = Conv(${i === 0 ? "x" : `r${i - 1}`}, w${i}: [4, 4, 3, 3]) pads=[1, 1, 1, 1]\nr${i} = Relu(c${i})`).join("\n")}\n-> r7`;
    const kept = planStep(task(text), 4, () => 0).program;
    const again = planStep({ ...task(text), recompute: true }, 4, () => 0).program;
    expect(again.arena).toBeLessThan(0.75 * kept.arena);
    const forward = (program: BatchPlan["program"]): number => program.steps.filter(({ op }) => op === "conv2d").length;
    expect(forward(kept)).toBe(8);
    expect(forward(again)).toBeGreaterThan(8);
    expect(forward(again)).toBeLessThanOrEqual(15);
  });

  it("names the input of which a size is missing", () => {
    const network = task("x: [n, 2, h, w]\ny = Conv(x, u: [2, 2, 1, 1])\n-> y");
    expect(() => planStep(network, 2, () => 0)).toThrow('fit: the input "x" has sizes that the network leaves open');
    const samples = new Map([["x", [2, 7, 5]]]);
    expect(planStep({ ...network, samples }, 2, () => 0).inputs[0]?.shape).toEqual([2, 2, 7, 5]);
  });
});

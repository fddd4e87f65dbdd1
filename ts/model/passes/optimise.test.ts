import { describe, expect, it } from "vitest";
import { Random } from "../../test/oracle/random.ts";
import { compute, expectSameOutputs, randomInputs } from "../testing/compute.ts";
import { testEngine } from "../testing/engine.ts";
import { printGraph } from "../testing/print.ts";
import { randomNetwork } from "../testing/random-network.ts";
import { sketch } from "../testing/sketch.ts";
import { optimise } from "./optimise.ts";

const { executor } = testEngine();

describe("optimise", () => {
  it("leaves of a residual network its convolutions", () => {
    const graph = sketch(`x: [1, 3, 16, 16]
      p = Pad(x, i[0, 0, 1, 1, 0, 0, 1, 1])
      a = Conv(p, w1: [8, 3, 3, 3]) strides=[2, 2]
      b = BatchNormalization(a, var.s1: [8], t1: [8], m1: [8], var.v1: [8])
      c = Relu(b)
      d = Conv(c, w2: [8, 8, 3, 3]) pads=[1, 1, 1, 1]
      e = BatchNormalization(d, var.s2: [8], t2: [8], m2: [8], var.v2: [8])
      f = Add(e, c)
      g = Relu(f)
      h = Identity(g)
      i = Conv(h, w3: [16, 8, 1, 1], b3: [16])
      j = Add(i, 3)
      k = Clip(j, 0, 6)
      l = Mul(i, k)
      m = Div(l, 6)
      n = ReduceMean(m, i[2, 3])
      o = Flatten(n)
      q = MatMul(o, w4: [16, 4])
      r = Add(q, b4: [4])
      y = Sigmoid(r)
      -> y`);
    expect(printGraph(optimise(graph)).split("\n")).toEqual([
      "x: [1, 3, 16, 16]",
      "c = Conv(x, w1.scaled: [8, 3, 3, 3], a.bias.scaled: [8]) strides=[2, 2] pads=[1, 1, 1, 1] activation=relu",
      "g = Conv(c, w2.scaled: [8, 8, 3, 3], d.bias.scaled: [8], c) pads=[1, 1, 1, 1] activation=relu",
      "m = Conv(g, w3: [16, 8, 1, 1], b3: [16]) activation=hardSwish",
      "n = GlobalAveragePool(m)",
      "o = Flatten(n) axis=1",
      "y = MatMul(o, w4: [16, 4], q.bias.scaled: [4]) activation=sigmoid",
      "-> y",
    ]);
  });

  it("changes no output of random networks", async () => {
    let merged = 0;
    for (let seed = 0; seed < 150; seed++) {
      const text = randomNetwork(new Random(seed));
      const graph = sketch(text);
      const optimised = optimise(graph);
      merged += graph.nodes.length - optimised.nodes.length;
      const inputs = randomInputs(graph);
      try {
        // Where a sum cancels, what is left has the error of the terms.
        const [actual, expected] = [
          await compute(executor(), optimised, inputs),
          await compute(executor(), graph, inputs),
        ];
        expectSameOutputs(actual, expected, 1e-4);
      } catch (cause) {
        throw new Error(`seed ${seed}:\n${text}\nbecame\n${printGraph(optimised)}`, { cause });
      }
    }
    expect(merged).toBeGreaterThan(400);
  });
});

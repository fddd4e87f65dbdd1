import { describe, expect, it } from "vitest";
import { testEngine } from "../testing/engine.ts";
import { expectPass, expectUntouched } from "../testing/pass.ts";
import { specialise } from "../specialise/specialise.ts";
import { sketchGraph } from "../testing/sketch.ts";
import { foldAffine } from "./fold-affine.ts";

const { executor } = testEngine();

describe("foldAffine", () => {
  it("merges batch normalisation into the convolution before it", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [1, 4, 5, 6]
       c = Conv(x, w: [6, 2, 3, 3]) pads=[1, 1, 1, 1] group=2
       y = BatchNormalization(c, var.s: [6], b: [6], m: [6], var.v: [6])
       -> y`,
      `x: [1, 4, 5, 6]
       y = Conv(x, w.scaled: [6, 2, 3, 3], c.bias.scaled: [6]) pads=[1, 1, 1, 1] group=2
       -> y`,
    );
  });

  it("merges arithmetic with constants, whichever side they stand on", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [1, 3, 5, 6]
       c = Conv(x, w: [4, 3, 1, 1], b: [4])
       d = Mul(c, s: [1, 4, 1, 1])
       e = Sub(t: [4, 1, 1], d)
       y = Div(e, 3)
       -> y`,
      `x: [1, 3, 5, 6]
       y = Conv(x, w.scaled.scaled.scaled: [4, 3, 1, 1], b.scaled.scaled.scaled: [4])
       -> y`,
    );
  });

  it("does so for transposed convolutions, whose output channels lie behind the groups", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [1, 4, 3, 3]
       c = ConvTranspose(x, w: [4, 3, 2, 2]) strides=[2, 2] group=2
       y = BatchNormalization(c, var.s: [6], b: [6], m: [6], var.v: [6])
       -> y`,
      `x: [1, 4, 3, 3]
       y = ConvTranspose(x, w.scaled: [4, 3, 2, 2], c.bias.scaled: [6]) strides=[2, 2] group=2
       -> y`,
    );
  });

  it("does so for dense layers", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [3, 4]
       a = Gemm(x, w: [5, 4], b: [5]) transB=true alpha=0.5
       y = BatchNormalization(a, var.s: [5], t: [5], m: [5], var.v: [5])
       c = MatMul(x, u: [4, 6])
       z = Add(c, d: [6])
       -> y, z`,
      `x: [3, 4]
       y = Gemm(x, w.scaled: [5, 4], b.scaled: [5]) alpha=0.5 transB=true
       z = MatMul(x, u: [4, 6], c.bias.scaled: [6])
       -> y, z`,
    );
  });

  it("goes through an Add of two layers, and through zeros that stay zeros", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [1, 3, 4, 4]
       a = Conv(x, u: [2, 3, 1, 1])
       b = Conv(x, v: [2, 3, 1, 1], d: [2])
       c = Add(a, b)
       y = BatchNormalization(c, var.s: [2], t: [2], m: [2], var.v: [2])
       e = Conv(x, w: [4, 3, 1, 1])
       f = Pad(e, i[0, 0, 1, 1, 0, 0, 1, 1])
       z = Mul(f, s: [4, 1, 1])
       -> y, z`,
      `x: [1, 3, 4, 4]
       a = Conv(x, u.scaled: [2, 3, 1, 1], a.bias.scaled: [2])
       b = Conv(x, v.scaled: [2, 3, 1, 1], d.scaled: [2])
       y = Add(a, b)
       e = Conv(x, w.scaled: [4, 3, 1, 1], e.bias.scaled: [4])
       z = Pad(e, i[0, 0, 1, 1, 0, 0, 1, 1])
       -> y, z`,
    );
  });

  it("merges into the layer behind, where no padding tells the difference", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [1, 4, 5, 5]
       a = Mul(x, 0.5)
       b = Sub(a, m: [4, 1, 1])
       y = Conv(b, w: [6, 2, 3, 3], c: [6]) group=2
       d = Mul(x, s: [1, 4, 1, 1])
       z = Conv(d, v: [3, 4, 3, 3]) pads=[1, 1, 1, 1]
       -> y, z`,
      `x: [1, 4, 5, 5]
       y = Conv(x, w.fed: [6, 2, 3, 3], c.fed: [6]) group=2
       z = Conv(x, v.fed: [3, 4, 3, 3]) pads=[1, 1, 1, 1]
       -> y, z`,
    );
  });

  it("makes one of two that find no layer", async () => {
    await expectPass(
      executor(),
      foldAffine,
      `x: [2, 3, 4, 4]
       r = Relu(x)
       a = Mul(r, 0.5)
       y = Add(a, t: [3, 1, 1])
       -> y`,
      `x: [2, 3, 4, 4]
       r = Relu(x)
       y = BatchNormalization(r, y.scale: [3], y.shift: [3], y.mean: [3], y.variance: [3]) epsilon=0 momentum=1
       -> y`,
    );
  });

  it.each([
    ["a value that others see", "x: [1, 2, 3, 3]\nc = Conv(x, w: [2, 2, 1, 1])\ny = Mul(c, 2)\n-> y, c"],
    [
      "padding that a shift would change",
      "x: [1, 2, 3, 3]\nc = Conv(x, w: [2, 2, 1, 1])\np = Pad(c, i[0, 0, 1, 1, 0, 0, 1, 1])\ny = Add(p, 2)\n-> y",
    ],
    [
      "a shift before a convolution that pads",
      "x: [1, 2, 3, 3]\na = Add(x, 2)\ny = Conv(a, w: [2, 2, 3, 3]) pads=[1, 1, 1, 1]\n-> y",
    ],
    [
      "a constant that varies within a channel",
      "x: [1, 2, 3, 3]\nc = Conv(x, w: [2, 2, 1, 1])\ny = Mul(c, s: [1, 3, 1])\n-> y",
    ],
    ["an operand that is computed", "x: [1, 2, 3, 3]\nc = Conv(x, w: [2, 2, 1, 1])\nd = Relu(x)\ny = Mul(c, d)\n-> y"],
    ["a bias that beta multiplies", "x: [2, 3]\nc = Gemm(x, w: [3, 4], b: [4]) beta=2\ny = Mul(c, 2)\n-> y"],
    ["a division by zero", "x: [1, 2, 3, 3]\nc = Conv(x, w: [2, 2, 1, 1])\ny = Div(c, 0)\n-> y"],
  ])("leaves %s", (_, text) => {
    expectUntouched(foldAffine, text);
  });

  it("gives the same constants for another size", () => {
    const graph = sketchGraph("x: [1, 2, n, n]\nc = Conv(x, w: [2, 2, 1, 1])\ny = Mul(c, 2)\n-> y");
    const folded = (size: number) => foldAffine(specialise(graph, new Map([["x", [1, 2, size, size]]])));
    const [small, large] = [folded(3), folded(9)];
    for (const name of ["w.scaled", "c.bias.scaled"]) {
      expect(small.constants.get(name)).toBeDefined();
      expect(small.constants.get(name)).toBe(large.constants.get(name));
    }
  });
});

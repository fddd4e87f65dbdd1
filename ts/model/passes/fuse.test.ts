import { describe, it } from "vitest";
import { testEngine } from "../testing/engine.ts";
import { expectPass, expectUntouched } from "../testing/pass.ts";
import { fuseActivation, fuseResidual } from "./fuse-layer.ts";
import { fusePad } from "./fuse-pad.ts";
import { narrowResidual } from "./narrow-residual.ts";
import { withoutDead } from "../specialise/specialise.ts";

const { executor } = testEngine();

describe("fuseResidual", () => {
  it("lets a convolution add what is added behind it", async () => {
    await expectPass(
      executor(),
      fuseResidual,
      `x: [1, 4, 5, 5]
       c = Conv(x, w: [4, 4, 3, 3], b: [4]) pads=[1, 1, 1, 1]
       y = Add(c, x)
       -> y`,
      `x: [1, 4, 5, 5]
       y = Conv(x, w: [4, 4, 3, 3], b: [4], x) pads=[1, 1, 1, 1]
       -> y`,
    );
  });

  it("takes the later of two convolutions, and stands where the sum stood", async () => {
    await expectPass(
      executor(),
      fuseResidual,
      `x: [1, 4, 5, 5]
       c = Conv(x, w: [4, 4, 1, 1])
       d = Conv(x, v: [4, 4, 1, 1])
       e = Relu(x)
       y = Add(d, c)
       f = Conv(y, u: [4, 4, 1, 1])
       z = Add(e, f)
       -> z`,
      `x: [1, 4, 5, 5]
       c = Conv(x, w: [4, 4, 1, 1])
       e = Relu(x)
       y = Conv(x, v: [4, 4, 1, 1], _, c)
       z = Conv(y, u: [4, 4, 1, 1], _, e)
       -> z`,
    );
  });

  it.each([
    [
      "a sum that repeats an operand",
      "x: [1, 4, 5, 5]\ng: [1, 4, 1, 1]\nc = Conv(x, w: [4, 4, 1, 1])\ny = Add(c, g)\n-> y",
    ],
    [
      "a convolution that others use",
      "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1])\ny = Add(c, x)\nz = Relu(c)\n-> y, z",
    ],
    ["a convolution that is added to itself", "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1])\ny = Add(c, c)\n-> y"],
    [
      "an activation before the sum",
      "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1]) activation=relu\ny = Add(c, x)\n-> y",
    ],
  ])("leaves %s", (_, text) => expectUntouched(fuseResidual, text));
});

describe("narrowResidual", () => {
  it("leaves out the zeros behind a shortcut's channels", async () => {
    await expectPass(
      executor(),
      (graph) => withoutDead(narrowResidual(graph)),
      `x: [2, 4, 5, 5]
       zeros = Expand(0, i[2, 2, 5, 5])
       s = Concat(x, zeros) axis=1
       y = Conv(x, w: [6, 4, 3, 3], b: [6], s) pads=[1, 1, 1, 1] activation=relu
       p = Pad(x, i[0, 0, 0, 0, 0, 3, 0, 0])
       z = Conv(x, v: [7, 4, 1, 1], _, p)
       -> y, z`,
      `x: [2, 4, 5, 5]
       y = Conv(x, w: [6, 4, 3, 3], b: [6], x) pads=[1, 1, 1, 1] activation=relu
       z = Conv(x, v: [7, 4, 1, 1], _, x)
       -> y, z`,
    );
  });

  it.each([
    [
      "numbers behind them",
      "x: [1, 4, 5, 5]\ns = Concat(x, n: [1, 2, 5, 5]) axis=1\ny = Conv(x, w: [6, 4, 1, 1], _, s)\n-> y",
    ],
    [
      "zeros before them",
      "x: [1, 4, 5, 5]\ns = Pad(x, i[0, 1, 0, 0, 0, 1, 0, 0])\ny = Conv(x, w: [6, 4, 1, 1], _, s)\n-> y",
    ],
    [
      "zeros below them",
      "x: [1, 4, 5, 5]\nh: [1, 4, 6, 5]\ns = Pad(x, i[0, 0, 0, 0, 0, 0, 1, 0])\ny = Conv(h, w: [4, 4, 1, 1], _, s)\n-> y",
    ],
    [
      "ones behind them",
      "x: [1, 4, 5, 5]\ns = Pad(x, i[0, 0, 0, 0, 0, 2, 0, 0], 1)\ny = Conv(x, w: [6, 4, 1, 1], _, s)\n-> y",
    ],
  ])("leaves %s", (_, text) => expectUntouched(narrowResidual, text));
});

describe("fuseActivation", () => {
  it("makes activations the last step of layers", async () => {
    await expectPass(
      executor(),
      fuseActivation,
      `x: [1, 4, 5, 5]
       c = Conv(x, w: [4, 4, 1, 1], _, x)
       y = Clip(c, 0, 6)
       d = ConvTranspose(x, v: [4, 2, 1, 1])
       z = LeakyRelu(d) alpha=0.2
       -> y, z`,
      `x: [1, 4, 5, 5]
       y = Conv(x, w: [4, 4, 1, 1], _, x) activation=relu6
       z = ConvTranspose(x, v: [4, 2, 1, 1]) activation=leakyRelu(0.2)
       -> y, z`,
    );
    await expectPass(
      executor(),
      fuseActivation,
      `x: [3, 4]
       a = Gemm(x, w: [4, 5])
       y = Sigmoid(a)
       b = MatMul(x, v: [4, 5])
       z = HardSwish(b)
       -> y, z`,
      `x: [3, 4]
       y = Gemm(x, w: [4, 5]) activation=sigmoid
       z = MatMul(x, v: [4, 5]) activation=hardSwish
       -> y, z`,
    );
  });

  it("scales and shifts a hard swish", async () => {
    await expectPass(
      executor(),
      fuseActivation,
      `x: [1, 4, 5, 5]
       c = Conv(x, w: [4, 4, 1, 1])
       h = HardSwish(c)
       s = Mul(0.75, h)
       y = Add(s, -0.5)
       -> y`,
      `x: [1, 4, 5, 5]
       y = Conv(x, w: [4, 4, 1, 1]) activation=hardSwish(0.75, -0.5)
       -> y`,
    );
  });

  it("merges clamps that follow one another", async () => {
    await expectPass(
      executor(),
      fuseActivation,
      `x: [1, 4, 5, 5]
       c = Conv(x, w: [4, 4, 1, 1])
       d = Relu(c)
       y = Clip(d, -1, 0.5)
       -> y`,
      `x: [1, 4, 5, 5]
       y = Conv(x, w: [4, 4, 1, 1]) activation=clamp(0, 0.5)
       -> y`,
    );
  });

  it.each([
    ["what others see too", "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1])\ny = Relu(c)\n-> y, c"],
    [
      "two activations that are no one",
      "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1]) activation=tanh\ny = Relu(c)\n-> y",
    ],
    [
      "a scale for each channel",
      "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1]) activation=hardSwish(2, 1)\ny = Mul(c, s: [4, 1, 1])\n-> y",
    ],
    ["a shift of a sum", "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1])\ny = Add(c, 2)\n-> y"],
    ["a slope for each channel", "x: [1, 4, 5, 5]\nc = Conv(x, w: [4, 4, 1, 1])\ny = PRelu(c, s: [4, 1, 1])\n-> y"],
    ["bounds that are computed", "x: [1, 4, 5, 5]\nl: []\nc = Conv(x, w: [4, 4, 1, 1])\ny = Clip(c, l)\n-> y"],
  ])("leaves %s", (_, text) => expectUntouched(fuseActivation, text));
});

describe("fusePad", () => {
  it("lets convolutions pad, each that uses the padded value", async () => {
    await expectPass(
      executor(),
      fusePad,
      `x: [1, 4, 6, 6]
       p = Pad(x, i[0, 0, 0, 1, 0, 0, 1, 2])
       y = Conv(p, w: [4, 4, 3, 3]) strides=[2, 2]
       z = Conv(p, v: [4, 1, 2, 2]) group=4 pads=[1, 1, 0, 0]
       -> y, z`,
      `x: [1, 4, 6, 6]
       y = Conv(x, w: [4, 4, 3, 3]) strides=[2, 2] pads=[0, 1, 1, 2]
       z = Conv(x, v: [4, 1, 2, 2]) pads=[1, 2, 1, 2] group=4
       -> y, z`,
    );
  });

  it("takes pads of some axes", async () => {
    await expectPass(
      executor(),
      fusePad,
      `x: [1, 4, 6, 6]
       p = Pad(x, i[1, 2], _, i[-1])
       y = Conv(p, w: [4, 4, 3, 3])
       -> y`,
      `x: [1, 4, 6, 6]
       y = Conv(x, w: [4, 4, 3, 3]) pads=[0, 1, 0, 2]
       -> y`,
    );
  });

  it("lets averages count the zeros, and maxima where nothing is below them", async () => {
    await expectPass(
      executor(),
      fusePad,
      `x: [1, 4, 6, 6]
       p = Pad(x, i[0, 0, 1, 1, 0, 0, 1, 1])
       y = AveragePool(p) kernelShape=[3, 3]
       r = Relu(x)
       q = Pad(r, i[0, 0, 0, 0, 0, 0, 1, 1])
       z = MaxPool(q) kernelShape=[3, 3] strides=[2, 2]
       -> y, z`,
      `x: [1, 4, 6, 6]
       y = AveragePool(x) pads=[1, 1, 1, 1] kernelShape=[3, 3] countIncludePad=true
       r = Relu(x)
       z = MaxPool(r) strides=[2, 2] pads=[0, 0, 1, 1] kernelShape=[3, 3]
       -> y, z`,
    );
  });

  const pads = "i[0, 0, 1, 1, 0, 0, 1, 1]";
  it.each([
    ["zeros that a maximum would see", `x: [1, 4, 6, 6]\np = Pad(x, ${pads})\ny = MaxPool(p) kernelShape=[3, 3]\n-> y`],
    ["other numbers", `x: [1, 4, 6, 6]\np = Pad(x, ${pads}, 1)\ny = Conv(p, w: [4, 4, 3, 3])\n-> y`],
    ["reflections", `x: [1, 4, 6, 6]\np = Pad(x, ${pads}) mode=reflect\ny = Conv(p, w: [4, 4, 3, 3])\n-> y`],
    ["channels", "x: [1, 4, 6, 6]\np = Pad(x, i[0, 0, 0, 0, 0, 1, 0, 0])\ny = Conv(p, w: [4, 5, 3, 3])\n-> y"],
    [
      "rows that are taken away",
      "x: [1, 4, 6, 6]\np = Pad(x, i[0, 0, -1, 0, 0, 0, 0, 0])\ny = Conv(p, w: [4, 4, 3, 3])\n-> y",
    ],
    [
      "an average that leaves its own padding out",
      `x: [1, 4, 6, 6]\np = Pad(x, ${pads})\ny = AveragePool(p) kernelShape=[4, 4] pads=[1, 1, 1, 1]\n-> y`,
    ],
    [
      "windows of padding alone",
      "x: [1, 4, 6, 6]\np = Pad(x, i[0, 0, 3, 3, 0, 0, 0, 0])\ny = AveragePool(p) kernelShape=[2, 2]\n-> y",
    ],
  ])("leaves %s", (_, text) => expectUntouched(fusePad, text));
});

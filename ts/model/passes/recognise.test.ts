import { describe, expect, it } from "vitest";
import { withoutDead } from "../specialise/specialise.ts";
import { testEngine } from "../testing/engine.ts";
import { expectPass, expectUntouched } from "../testing/pass.ts";
import { printGraph } from "../testing/print.ts";
import { sketch } from "../testing/sketch.ts";
import { recognise } from "./recognise.ts";

const { executor } = testEngine();

/** The one node that is left of a text about x: [2, 3, 4, 4] and y. */
function recognised(text: string): string {
  const graph = withoutDead(recognise(sketch(`x: [2, 3, 4, 4]\n${text}\n-> y`)));
  const [, ...rest] = printGraph(graph).split("\n");
  return rest.slice(0, -1).join("; ");
}

describe("recognise", () => {
  it.each([
    ["PaddlePaddle", "a = Add(x, 3)\nb = Clip(a, 0, 6)\nc = Mul(x, b)\ny = Div(c, 6)"],
    ["PyTorch", "a = Add(x, 3)\nb = Clip(a, 0, 6)\nc = Div(b, 6)\ny = Mul(x, c)"],
    ["a product with 1/6", "a = Add(3, x)\nb = Clip(a, 0, 6)\nc = Mul(b, 0.16666667)\ny = Mul(c, x)"],
    ["a hard sigmoid", "a = HardSigmoid(x) alpha=0.16666667\ny = Mul(a, x)"],
  ])("finds hard swish as %s writes it", (_, text) => {
    expect(recognised(text)).toBe("y = HardSwish(x)");
  });

  it("finds other activations", () => {
    expect(recognised("a = Add(x, 3)\nb = Clip(a, 0, 6)\ny = Div(b, 6)")).toBe(
      "y = HardSigmoid(x) alpha=0.1667 beta=0.5",
    );
    expect(recognised("a = Sigmoid(x)\ny = Mul(x, a)")).toBe("y = Swish(x)");
    expect(recognised("m = Mul(x, 1.702)\na = Sigmoid(m)\ny = Mul(x, a)")).toBe("y = Swish(x) alpha=1.702");
    expect(recognised("a = Softplus(x)\nb = Tanh(a)\ny = Mul(x, b)")).toBe("y = Mish(x)");
    expect(recognised("d = Div(x, 1.4142135)\ne = Erf(d)\nf = Add(e, 1)\ng = Mul(x, f)\ny = Mul(g, 0.5)")).toBe(
      "y = Gelu(x) approximate=none",
    );
    const cubic =
      "p = Pow(x, 3)\nq = Mul(p, 0.044715)\nr = Add(x, q)\ns = Mul(r, 0.7978845608)\nt = Tanh(s)\nu = Add(t, 1)";
    expect(recognised(`${cubic}\nh = Mul(x, 0.5)\ny = Mul(h, u)`)).toBe("y = Gelu(x) approximate=tanh");
    const product = cubic.replace("p = Pow(x, 3)", "o = Mul(x, x)\np = Mul(o, x)");
    expect(recognised(`${product}\nh = Mul(x, 0.5)\ny = Mul(h, u)`)).toBe("y = Gelu(x) approximate=tanh");
  });

  it("computes the same", async () => {
    await expectPass(
      executor(),
      (graph) => withoutDead(recognise(graph)),
      `x: [2, 3, 4, 4]
       a = Add(x, 3)
       b = Clip(a, 0, 6)
       c = Mul(x, b)
       y = Div(c, 6)
       d = Sigmoid(x)
       z = Mul(d, x)
       -> y, z`,
      `x: [2, 3, 4, 4]
       y = HardSwish(x)
       z = Swish(x)
       -> y, z`,
    );
  });

  it("finds global pools", async () => {
    await expectPass(
      executor(),
      recognise,
      `x: [2, 3, 4, 5]
       y = ReduceMean(x, i[2, 3])
       z = ReduceMax(x, i[-1, -2])
       -> y, z`,
      `x: [2, 3, 4, 5]
       y = GlobalAveragePool(x)
       z = GlobalMaxPool(x)
       -> y, z`,
    );
  });

  it("finds layer normalisation", () => {
    const text =
      "m = ReduceMean(x, i[-1])\nd = Sub(x, m)\np = Pow(d, 2)\nv = ReduceMean(p, i[-1])\ne = Add(v, 0.001)\ns = Sqrt(e)\nn = Div(d, s)";
    expect(recognised(`${text}\ng = Mul(n, w: [4])\ny = Add(g, b: [4])`)).toBe(
      "y = LayerNormalization(x, w: [4], b: [4]) axis=3 epsilon=0.001",
    );
    expect(recognised(text.replace("n =", "y ="))).toBe("y = LayerNormalization(x, y.ones: [4]) axis=3 epsilon=0.001");
    // PyTorch before LayerNormalization was an operator: the difference is computed twice.
    const twice = text.replace("p = Pow(d, 2)", "f = Sub(x, m)\np = Pow(f, 2)");
    expect(recognised(`${twice}\ng = Mul(n, w: [4])\ny = Add(b: [4], g)`)).toContain(
      "y = LayerNormalization(x, w: [4], b: [4])",
    );
  });

  it.each([
    ["another slope", "x: [4]\na = HardSigmoid(x) alpha=0.2\ny = Mul(a, x)\n-> y"],
    ["other bounds", "x: [4]\na = Add(x, 3)\nb = Clip(a, 0, 5)\nc = Mul(x, b)\ny = Div(c, 6)\n-> y"],
    ["a gate of another value", "x: [4]\ng: [4]\na = Sigmoid(g)\ny = Mul(a, x)\n-> y"],
    ["a mean over channels", "x: [2, 3, 4, 4]\ny = ReduceMean(x, i[1, 2])\n-> y"],
  ])("leaves %s", (_, text) => expectUntouched(recognise, text));
});

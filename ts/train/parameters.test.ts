import { describe, expect, it } from "vitest";
import { sketchGraph } from "../model/testing/sketch.ts";
import { findTrained, type Freeze } from "./parameters.ts";

/** Names of what is trained, and of statistics. */
function trained(text: string, freeze?: Freeze): { parameters: string[]; statistics: string[] } {
  const { parameters, statistics } = findTrained("fit", sketchGraph(text), freeze);
  return { parameters: [...parameters.keys()], statistics: [...statistics.keys()] };
}

const CONV = "x: [n, 3, 8, 8]\nc = Conv(x, w: [4, 3, 3, 3], b: [4])";

describe("findTrained", () => {
  it("finds weights by their places", () => {
    const text = `${CONV}
      t = ConvTranspose(c, u: [4, 2, 2, 2])
      n = BatchNormalization(t, s: [2], o: [2], m: [2], var: [2])
      p = PRelu(n, slope: [2, 1, 1])
      f = Flatten(p)
      y = Gemm(f, v: [98, 5], d: [5])
      -> y`;
    expect(trained(text)).toEqual({
      parameters: ["w", "b", "u", "s", "o", "slope", "v", "d"],
      statistics: ["m", "var"],
    });
  });

  it("takes constants of Add and Mul for weights that meet what depends on others, unless they are single numbers", () => {
    const text = `x: [n, 3, 8, 8]
      a = Sub(x, mean: [3, 1, 1])
      h = Mul(a, std: [3, 1, 1])
      c = Conv(h, w: [4, 3, 3, 3])
      s = Mul(c, scale: [4, 1, 1])
      o = Add(offset: [1, 4, 1, 1], s)
      q = Mul(o, 0.5)
      y = Div(q, d: [4, 1, 1])
      -> y`;
    expect(trained(text).parameters).toEqual(["w", "scale", "offset"]);
  });

  it("leaves arithmetic of shapes alone", () => {
    const text = `${CONV}
      z = Shape(c)
      k = Cast(z) to=float32
      l = Mul(k, factors: [4])
      i = Cast(l) to=int64
      y = Resize(c, _, _, i)
      -> y`;
    expect(trained(text).parameters).toEqual(["w", "b"]);
  });

  it("finds weights that nodes see in another form, and those that several share once", () => {
    const text = `x: [n, 4]
      t = Transpose(v: [5, 4])
      i = Identity(t)
      a = MatMul(x, i)
      r = Reshape(b: [5], i[1, 5])
      s = Add(a, r)
      y = Gemm(s, v) transB=false
      -> y`;
    expect(trained(text).parameters).toEqual(["v", "b"]);
  });

  it("freezes by names of nodes and of weights, and by what a function says", () => {
    const text = `${CONV}
      n = BatchNormalization(c, s: [4], o: [4], m: [4], var: [4])
      y = Conv(n, u: [2, 4, 1, 1], d: [2])
      -> y`;
    expect(trained(text, ["c", "d"])).toEqual({ parameters: ["s", "o", "u"], statistics: ["m", "var"] });
    expect(trained(text, ["n"])).toEqual({ parameters: ["w", "b", "u", "d"], statistics: [] });
    // Statistics go together.
    expect(trained(text, ["var"])).toEqual({ parameters: ["w", "b", "s", "o", "u", "d"], statistics: [] });
    const seen: string[] = [];
    const found = trained(text, ({ name, op }, weight) => {
      seen.push(`${name} ${op} ${weight}`);
      return weight.length > 1 || op === "Conv";
    });
    expect(found).toEqual({ parameters: ["s", "o"], statistics: [] });
    expect(seen).toContain("n BatchNormalization var");
  });

  it("freezes a weight that several nodes share if one of them is frozen", () => {
    const text = "x: [n, 4]\na = Gemm(x, v: [4, 4])\nb = Gemm(a, v)\ny = Gemm(b, u: [4, 2])\n-> y";
    expect(trained(text, ["b"]).parameters).toEqual(["u"]);
  });

  it("names what is wrong with freeze", () => {
    const text = `${CONV}\n-> c`;
    expect(() => trained(text, ["conv"])).toThrow(
      'fit: freeze is "conv"; expected names of the network\'s nodes or weights',
    );
    expect(() => trained(text, "c" as never)).toThrow(/freeze is "c"; expected an array of names/);
    expect(() => trained(text, (() => undefined) as never)).toThrow(/a function that returns true or false/);
    expect(() => trained(text, () => true)).toThrow("freeze leaves none of the network's 2 weights");
  });
});

import { describe, it } from "vitest";
import { testEngine } from "../testing/engine.ts";
import { expectPass, expectUntouched } from "../testing/pass.ts";
import { mergeCommon, mergeTransposes, removeIdentities } from "./remove.ts";

const { executor } = testEngine();

describe("removeIdentities", () => {
  it("takes away what changes nothing", async () => {
    await expectPass(
      executor(),
      removeIdentities,
      `x: [1, 4, 5, 5]
       a = Dropout(x)
       b = Identity(a)
       c = Relu(b)
       d = Reshape(c, i[1, 4, 5, 5])
       e = Mul(d, 1)
       f = Add(0, e)
       g = Transpose(f) perm=[0, 1, 2, 3]
       h = Slice(g, i[0], i[99], i[2])
       y = Tanh(h)
       -> y`,
      `x: [1, 4, 5, 5]
       c = Relu(x)
       y = Tanh(c)
       -> y`,
    );
  });

  it("keeps the names of outputs", async () => {
    await expectPass(
      executor(),
      removeIdentities,
      `x: [4]
       a = Relu(x)
       b = Tanh(a)
       y = Identity(b)
       z = Identity(x)
       -> y, z`,
      `x: [4]
       a = Relu(x)
       y = Tanh(a)
       z = Identity(x)
       -> y, z`,
    );
  });

  it.each([
    ["a sum that repeats", "x: [1, 4]\ny = Add(x, z: [3, 4])\n-> y"],
    ["elements in reverse", "x: [4]\ny = Slice(x, i[3], i[-99], i[0], i[-1])\n-> y"],
    ["bounds", "x: [4]\ny = Clip(x, _, 1)\n-> y"],
    ["a new shape", "x: [4]\ny = Reshape(x, i[2, 2])\n-> y"],
  ])("leaves %s", (_, text) => expectUntouched(removeIdentities, text));
});

describe("mergeTransposes", () => {
  it("makes one of two, and none of two that undo one another", async () => {
    await expectPass(
      executor(),
      mergeTransposes,
      `x: [1, 2, 3, 4]
       a = Transpose(x) perm=[0, 2, 3, 1]
       b = Transpose(a) perm=[0, 3, 1, 2]
       c = Relu(b)
       d = Transpose(c) perm=[0, 2, 3, 1]
       y = Transpose(d) perm=[1, 0, 2, 3]
       -> y`,
      `x: [1, 2, 3, 4]
       c = Relu(x)
       y = Transpose(c) perm=[2, 0, 3, 1]
       -> y`,
    );
  });
});

describe("mergeCommon", () => {
  it("computes once what is computed twice", async () => {
    await expectPass(
      executor(),
      mergeCommon,
      `x: [1, 4, 5, 5]
       a = Add(x, 3)
       b = Add(x, 3)
       c = Relu(a)
       d = Relu(b)
       e = Clip(x, 0, 6)
       y = Mul(c, d)
       z = Mul(e, y)
       -> y, z`,
      `x: [1, 4, 5, 5]
       a = Add(x, 3)
       c = Relu(a)
       e = Clip(x, 0, 6)
       y = Mul(c, c)
       z = Mul(e, y)
       -> y, z`,
    );
  });

  it("tells attributes and constants apart", () => {
    expectUntouched(
      mergeCommon,
      `x: [4]
       a = LeakyRelu(x) alpha=0.1
       b = LeakyRelu(x) alpha=0.2
       c = Add(x, u: [4])
       d = Add(x, v: [4])
       e = Add(x, i: [])
       y = Sum(a, b, c, d, e)
       -> y`,
    );
  });
});

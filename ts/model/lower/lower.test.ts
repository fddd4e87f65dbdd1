import { describe, expect, it } from "vitest";
import { globalPool2d, pool2d, type PoolOptions } from "../../test/oracle/pool.ts";
import { type Conv2dOptions, conv2d, convTranspose2d } from "../../test/oracle/conv.ts";
import { assertClose, type Expected, transposeExpected } from "../../test/oracle/compare.ts";
import { type Nd, transpose } from "../../test/oracle/nd.ts";
import { specialise } from "../specialise/specialise.ts";
import { compute, evaluate, expectSameOutputs, randomInputs } from "../testing/compute.ts";
import { testEngine } from "../testing/engine.ts";
import { sketch, sketchGraph } from "../testing/sketch.ts";
import { lower } from "./lower.ts";

const { executor } = testEngine();

/** Computes a sketch on the core, and in plain loops. */
async function expectEvaluated(text: string): Promise<void> {
  const graph = sketchGraph(text);
  const known = specialise(graph, new Map());
  const inputs = randomInputs(known);
  expectSameOutputs(await compute(executor(), known, inputs), evaluate(graph, inputs));
}

/** The operators of the core that a sketch becomes. */
function ops(text: string): string[] {
  return lower(sketch(text)).steps.map(({ op }) => op);
}

/** Each value in the graph's order, and with its channels last: as a Transpose leaves it, which moves nothing. */
const ORDERS = {
  "as they come": "x: [2, 3, 4, 5]\nu: [2, 3, 4, 5]",
  "with channels last":
    "x0: [2, 4, 5, 3]\nu0: [2, 4, 5, 3]\nx = Transpose(x0) perm=[0, 3, 1, 2]\nu = Transpose(u0) perm=[0, 3, 1, 2]",
  "in two orders": "x0: [2, 4, 5, 3]\nx = Transpose(x0) perm=[0, 3, 1, 2]\nu: [2, 3, 4, 5]",
};

const FUNCTIONS = [
  "y = Relu(x)",
  "y = LeakyRelu(x) alpha=0.3",
  "y = ThresholdedRelu(x) alpha=0.2",
  "y = Elu(x) alpha=0.7",
  "y = Celu(x) alpha=0.7",
  "y = Selu(x)",
  "y = Sigmoid(x)",
  "y = HardSigmoid(x)",
  "y = HardSwish(x)",
  "y = Swish(x)",
  "y = Swish(x) alpha=1.7",
  "y = Tanh(x)",
  "y = Mish(x)",
  "y = Softplus(x)",
  "y = Softsign(x)",
  "y = Gelu(x)",
  "y = Gelu(x) approximate=tanh",
  "y = Clip(x, -0.2, 0.4)",
  "a = Abs(u)\nm = ReduceMax(a, i[0, 1, 2, 3])\nh = Mul(m, 0.5)\nb = Reshape(h, i[1])\nc = Squeeze(b)\ny = Clip(x, _, c)",
  "y = PRelu(x, s: [3, 1, 1])",
  "y = PRelu(x, 0.2)",
  "y = Erf(x)",
  "y = Exp(x)",
  "a = Abs(x)\nb = Add(a, 0.1)\ny = Log(b)",
  "a = Abs(x)\ny = Sqrt(a)",
  "a = Add(x, 3)\ny = Reciprocal(a)",
  "y = Neg(x)",
  "a = Mul(x, 4)\nb = Floor(a)\nc = Ceil(a)\nd = Round(a)\nq = Sign(a)\ny = Sum(b, c, d, q)",
  "y = Sin(x)",
  "y = Cos(x)",
  "y = Add(x, u)",
  "y = Sub(x, s: [3, 1, 1])",
  "y = Mul(s: [5], x)",
  "a = Add(u, 3)\ny = Div(x, a)",
  "y = Add(x, c: [2, 3, 4, 5])",
  "y = Mul(x, c: [4, 1])",
  "a = Abs(x)\nb = Add(a, 0.5)\ny = Pow(b, u)",
  "y = Pow(x, 2)",
  "a = Abs(x)\ny = Pow(a, 0.5)",
  "a = Mul(x, 9)\ny = Mod(a, 4) fmod=true",
  "y = Min(x, u, 0.3)",
  "y = Max(x, s: [3, 1, 1], u)",
  "y = Mean(x, u, 2)",
  "a = ReduceMean(x, i[2, 3])\ny = Mul(u, a)",
  "a = ReduceMean(x, i[2, 3])\nb = ReduceMean(x, i[1])\ny = Add(a, b)",
  "a = Less(x, u)\nb = GreaterOrEqual(x, 0.1)\nc = And(a, b)\nd = Xor(a, b)\ne = Or(c, d)\nf = Not(e)\ny = Where(f, x, u)",
  "a = Greater(x, s: [3, 1, 1])\ny = Where(a, x, 0)",
  "a = Mul(x, 3)\nb = Cast(a) to=int64\nc = Cast(x) to=bool\nd = Cast(c) to=float32\ne = Cast(b) to=float32\ny = Add(d, e)",
  "y = Softmax(x) axis=1",
  "y = Softmax(x) axis=3",
  "y = LogSoftmax(x) axis=2",
  "y = Softmax(x) axis=1 flatten=true",
  "y = Softmax(x) axis=2 flatten=true",
  "y = ReduceSum(x, i[1])",
  "y = ReduceMean(x, i[0, 3]) keepdims=false",
  "y = ReduceMax(x, i[2]) keepdims=false",
  "y = ReduceMin(x)",
  "y = ReduceProd(x, i[1, 2])",
  "y = ReduceSumSquare(x, i[-1])",
  "y = ReduceL1(x, i[0, 2]) keepdims=false",
  "y = ReduceL2(x, i[1, 3])",
  "y = ReduceLogSumExp(x, i[1])",
  "y = ReduceSum(x) noopWithEmptyAxes=true",
  "y = ArgMax(x) axis=1",
  "y = ArgMin(x) axis=2 keepdims=false",
  "a = Round(x)\ny = ArgMax(a) axis=1 selectLastIndex=true",
  "y, z = TopK(x, i[2]) axis=1",
  "y, z = TopK(x, i[3]) axis=3 largest=false",
  "y = Concat(x, u, c: [2, 1, 4, 5])",
  "y = Concat(x, u) axis=3",
  "y, a, z = Split(x, i[1, 1, 1])\nb = Relu(a)",
  "y, z = Split(x, i[1, 3]) axis=2",
  "y = Slice(x, i[1, 0], i[3, 99], i[1, 3], i[1, 2])",
  "y = Slice(x, i[-1, 3], i[-99, 0], i[1, 3], i[-1, -2])",
  "y = Pad(x, i[0, 1, 2, 0, 0, 0, 1, 3], 1.5)",
  "y = Pad(x, i[0, 0, 2, 1, 0, 0, 1, 3]) mode=reflect",
  "y = Pad(x, i[0, 0, 2, 1, 0, 0, 1, 3]) mode=edge",
  "y = Pad(x, i[0, 0, 2, 1, 0, 0, 1, 3]) mode=wrap",
  "y = Pad(x, i[0, -1, 2, 0, 0, 0, -1, 3])",
  "y = Reshape(x, i[2, 3, 20])",
  "y = Reshape(x, i[6, -1])",
  "y = Flatten(x)",
  "a = Unsqueeze(x, i[1])\nb = Squeeze(a)\ny = Relu(b)",
  "y = Transpose(x) perm=[0, 2, 3, 1]",
  "a = Transpose(x) perm=[3, 1, 0, 2]\nb = Transpose(u) perm=[3, 1, 0, 2]\ny = Add(a, b)",
  "a = ReduceMean(x, i[2])\ny = Expand(a, i[2, 3, 4, 5])",
  "y = Expand(x, i[3, 1, 1, 1, 1])",
  "y = Tile(x, i[1, 2, 1, 3])",
  "y = Gather(x, i[2, 0, 2]) axis=1",
  "a = Relu(x)\nb = Squeeze(a)\ny = Gather(b, i[-1]) axis=3",
  "y = DepthToSpace(e) blocksize=2",
  "y = DepthToSpace(e) blocksize=2 mode=CRD",
  "a = Slice(x, i[0], i[4], i[3])\ny = SpaceToDepth(a) blocksize=2",
  "a = ReduceMean(x, i[2, 3])\nf = Flatten(a)\ny = Gemm(f, w: [3, 4], b: [4])",
  "f = Flatten(x)\ny = Gemm(f, w: [7, 60], b: [1, 7]) transB=true alpha=0.5 beta=2",
  "f = Flatten(x)\ny = Gemm(f, w: [60, 7], b: [2, 1]) beta=0.5",
  "f = Flatten(x)\ng = Flatten(u)\ny = Gemm(f, g, 3) transB=true alpha=2",
  "f = Flatten(x)\ng = Flatten(u)\ny = Gemm(f, g) transA=true",
  "y = MatMul(x, w: [5, 6])",
  "t = Transpose(x) perm=[0, 2, 3, 1]\ny = MatMul(t, w: [3, 6])",
  "t = Transpose(u) perm=[0, 1, 3, 2]\ny = MatMul(x, t)",
  "y = MatMul(w: [6, 4], x)",
  "a = ReduceSum(u, i[0, 1, 2]) keepdims=false\ny = MatMul(x, a)",
  "a = ReduceSum(u, i[0, 1, 3]) keepdims=false\ny = MatMul(a, x)",
  "y = MatMul(x, w: [2, 1, 5, 6])",
];

describe("lower", () => {
  describe.each(Object.entries(ORDERS))("computes values %s", (_, inputs) => {
    it.each(FUNCTIONS)("%s", async (text) => {
      const [shape = ""] = inputs.split("\n");
      const deep = shape.startsWith("x0") ? "e0: [1, 2, 3, 8]\ne = Transpose(e0) perm=[0, 3, 1, 2]" : "e: [1, 8, 2, 3]";
      const values = text.includes("DepthToSpace") ? deep : inputs;
      await expectEvaluated(`${values}\n${text}\n-> ${/\bz\b/.test(text) ? "y, z" : "y"}`);
    });
  });

  it("moves nothing for transposes at the ends, and nothing for shapes that keep the order", () => {
    expect(
      ops(`x: [1, 8, 8, 3]
           a = Transpose(x) perm=[0, 3, 1, 2]
           b = Conv(a, w: [4, 3, 3, 3])
           c = Relu(b)
           d = Transpose(c) perm=[0, 2, 3, 1]
           y = Reshape(d, i[1, 36, 4])
           -> y`),
    ).toEqual(["conv2d", "activation"]);
    expect(
      ops(`x: [1, 1, 8, 8]
           a = Conv(x, w: [4, 1, 3, 3])
           b = GlobalAveragePool(a)
           c = Flatten(b)
           y = Gemm(c, v: [4, 2])
           -> y`),
    ).toEqual(["conv2d", "globalPool2d", "dense"]);
  });

  it("moves a value once for all who want it in another order", () => {
    expect(
      ops(`x: [1, 3, 8, 8]
           a = Conv(x, w: [4, 3, 3, 3])
           b = Conv(x, v: [4, 3, 3, 3])
           y = Add(a, b)
           -> y`),
    ).toEqual(["transpose", "conv2d", "conv2d", "binary", "transpose"]);
  });

  it("lays constants out as their operands lie", () => {
    const { steps } = lower(
      sketch(
        "x: [1, 8, 8, 3]\na = Transpose(x) perm=[0, 3, 1, 2]\nb = Add(a, c: [3, 8, 8])\ny = Transpose(b) perm=[0, 2, 3, 1]\n-> y",
      ),
    );
    expect(steps.map(({ op, words }) => [op, ...words])).toEqual([["binary", 0, 1, 192, 1, 192]]);
    const gate = lower(sketch("x: [2, 3, 4, 5]\ng: [2, 3, 1, 1]\na = Conv(x, w: [3, 3, 1, 1])\ny = Mul(a, g)\n-> y"));
    expect(gate.steps[2]?.words).toEqual([2, 3, 2, 20, 3, 3, 2, 1, 3]);
  });

  it("says what the core cannot do, and in which node", () => {
    const refused =
      (text: string): (() => unknown) =>
      () =>
        lower(sketch(text));
    expect(refused("x: [1, 1, 4, 4, 4]\ny = Conv(x, w: [1, 1, 3, 3, 3])\n-> y")).toThrow(
      'node "y" (Conv): the input has 3 axes behind batch and channels; expected 1 or 2',
    );
    expect(refused("x: [1, 1, 4, 4]\ny = LpPool(x) kernelShape=[2, 2] p=3\n-> y")).toThrow(
      'node "y" (LpPool): p is 3; expected 1 or 2',
    );
    expect(refused("x: [4]\na = Cast(x) to=uint8\ny = Add(a, a)\n-> y")).toThrow(
      'node "y" (Add): it computes in uint8 while the network runs; only float32 is computed then',
    );
    expect(refused("x: [4]\na = Cast(x) to=int32\ny = Cast(a) to=int8\n-> y")).toThrow(
      'node "y" (Cast): it computes in int8 while the network runs; only float32 is computed then',
    );
  });
});

describe("windows", () => {
  const x = "x: [2, 4, 7, 9]";
  const nhwc = (nd: Nd): Nd => transpose(nd, [0, 2, 3, 1]);

  async function expectWindow(
    text: string,
    oracle: (x: Nd, constant: (name: string) => Nd) => Expected,
  ): Promise<void> {
    const known = sketch(text);
    const inputs = randomInputs(known);
    const [[, input] = []] = [...inputs];
    const y = (await compute(executor(), known, inputs)).get("y");
    if (input === undefined || y === undefined) throw new Error("no input or no output");
    const constant = (name: string): Nd => {
      const { shape, data } = known.constants.get(name) ?? { shape: [], data: [] };
      return { shape, data: Float32Array.from(data) };
    };
    assertClose(y, transposeExpected(oracle(nhwc(input), constant), [0, 3, 1, 2]), text);
  }

  it.each<[string, Conv2dOptions]>([
    ["w: [6, 4, 3, 3]", {}],
    ["w: [6, 4, 3, 2], b: [6]", { stride: [2, 1], padding: { top: 1, left: 0, bottom: 2, right: 1 } }],
    ["w: [6, 2, 2, 3]", { groups: 2, dilation: [2, 1] }],
    ["w: [8, 1, 3, 3], b: [8]", { groups: 4, padding: 1 }],
  ])("convolves with %s", async (operands, options) => {
    const { stride = 1, dilation = 1, groups = 1, padding } = options;
    const both = (value: unknown): string => JSON.stringify(Array.isArray(value) ? value : [value, value]);
    const pads = padding === 1 ? "[1, 1, 1, 1]" : padding === undefined ? "[0, 0, 0, 0]" : "[1, 0, 2, 1]";
    const words = `strides=${both(stride)} dilations=${both(dilation)} pads=${pads} group=${groups}`;
    await expectWindow(`${x}\ny = Conv(x, ${operands}) ${words}\n-> y`, (input, constant) => {
      const filter = transpose(constant("w"), [2, 3, 1, 0]);
      const bias = operands.includes("b:") ? [...constant("b").data] : undefined;
      return conv2d(input, filter, { ...options, ...(bias && { bias }) });
    });
  });

  it("convolves back", async () => {
    const words = "strides=[2, 2] pads=[1, 0, 1, 0] outputPadding=[1, 1] group=2";
    await expectWindow(`${x}\ny = ConvTranspose(x, w: [4, 3, 3, 2], b: [6]) ${words}\n-> y`, (input, constant) =>
      convTranspose2d(input, transpose(constant("w"), [2, 3, 1, 0]), {
        stride: 2,
        padding: [1, 0],
        outputPadding: 1,
        groups: 2,
        bias: [...constant("b").data],
      }),
    );
  });

  it.each<[string, "max" | "avg" | "l2", PoolOptions]>([
    [
      "MaxPool(x) kernelShape=[3, 2] strides=[2, 1] pads=[1, 0, 1, 1]",
      "max",
      { size: [3, 2], stride: [2, 1], padding: { top: 1, bottom: 1, right: 1 } },
    ],
    ["AveragePool(x) kernelShape=[3, 3] pads=[1, 1, 1, 1]", "avg", { size: 3, stride: 1, padding: 1 }],
    [
      "AveragePool(x) kernelShape=[3, 3] pads=[1, 1, 1, 1] countIncludePad=true",
      "avg",
      { size: 3, stride: 1, padding: 1, countIncludePad: true },
    ],
    ["LpPool(x) kernelShape=[2, 2] strides=[2, 2]", "l2", { size: 2, stride: 2 }],
  ])("pools by %s", async (text, kind, options) => {
    await expectWindow(`${x}\ny = ${text}\n-> y`, (input) => pool2d(kind, input, options));
  });

  it("pools whole images", async () => {
    await expectWindow(`${x}\ny = GlobalAveragePool(x)\n-> y`, (input) => globalPool2d("avg", input));
    await expectWindow(`${x}\ny = GlobalMaxPool(x)\n-> y`, (input) => globalPool2d("max", input));
    await expectWindow(`${x}\ny = GlobalLpPool(x)\n-> y`, (input) => globalPool2d("l2", input));
  });

  it("counts the indices of a max pool as the graph's axes lie", async () => {
    const known = sketch("x: [1, 2, 4, 4]\ny, z = MaxPool(x) kernelShape=[2, 2] strides=[2, 2]\n-> y, z");
    const inputs = randomInputs(known);
    const outputs = await compute(executor(), known, inputs);
    const data = inputs.get("x")?.data ?? [];
    const indices = outputs.get("z")?.data ?? [];
    expect(Array.from(indices, (index) => data[index])).toEqual([...(outputs.get("y")?.data ?? [])]);
  });

  // A crop of all of it is no crop, and goes axis by axis: what the core does at once is held against that.
  const crop = "coordinateTransformationMode=tf_crop_and_resize";
  it.each([
    ["mode=linear coordinateTransformationMode=align_corners", `mode=linear ${crop}`, "_, _, i[2, 4, 11, 5]"],
    ["mode=cubic coordinateTransformationMode=align_corners", `mode=cubic ${crop}`, "_, _, i[2, 4, 5, 20]"],
    ["coordinateTransformationMode=align_corners", crop, "_, _, i[2, 4, 13, 17]"],
  ])("resizes by %s", async (native, other, sizes) => {
    const given = sizes.replace("_", "[0, 0, 0, 0, 1, 1, 1, 1]");
    const known = sketch(`${x}\ny = Resize(x, ${sizes}) ${native}\n-> y`);
    const inputs = randomInputs(known);
    const cropped = sketch(`${x}\ny = Resize(x, ${given}) ${other}\n-> y`);
    expect(lower(known).steps.map(({ op }) => op)).toContain("resize2d");
    expect(lower(cropped).steps.map(({ op }) => op)).not.toContain("resize2d");
    expectSameOutputs(await compute(executor(), known, inputs), await compute(executor(), cropped, inputs));
  });

  it("resizes channels too", async () => {
    const text = `${x}\ny = Resize(x, _, [1, 1.5, 1, 1]) mode=linear coordinateTransformationMode=asymmetric\n-> y`;
    const known = sketch(text);
    const inputs = randomInputs(known);
    const y = (await compute(executor(), known, inputs)).get("y");
    const data = inputs.get("x")?.data ?? [];
    expect(y?.shape).toEqual([2, 6, 7, 9]);
    const at = (channel: number): number => data[channel * 63] ?? 0;
    // Places 0, 2/3, 4/3, 2, 8/3 and 10/3, the last of which the border repeats.
    const expected = [at(0), (at(0) + 2 * at(1)) / 3, (2 * at(1) + at(2)) / 3, at(2), (at(2) + 2 * at(3)) / 3, at(3)];
    for (const [channel, value] of expected.entries()) expect(y?.data[channel * 63]).toBeCloseTo(value, 5);
  });

  it("takes signals as images of one row", async () => {
    const signal =
      "x: [2, 4, 9]\na = Conv(x, w: [4, 2, 3], q: [4]) strides=[2] pads=[1, 1] group=2\nb = MaxPool(a) kernelShape=[2]\ny = GlobalAveragePool(b)\n-> y, a";
    const image =
      "x0: [2, 4, 9]\nx = Unsqueeze(x0, i[2])\nw0 = Reshape(w: [4, 2, 3], i[4, 2, 1, 3])\na0 = Conv(x, w0, q: [4]) strides=[1, 2] pads=[0, 1, 0, 1] group=2\nb = MaxPool(a0) kernelShape=[1, 2]\nc = GlobalAveragePool(b)\ny = Squeeze(c, i[2])\na = Squeeze(a0, i[2])\n-> y, a";
    const [one, other] = [sketch(signal), sketch(image)];
    const inputs = randomInputs(one);
    const same = new Map([...inputs.values()].map((nd) => ["x0", nd]));
    expectSameOutputs(await compute(executor(), one, inputs), await compute(executor(), other, same));
  });
});

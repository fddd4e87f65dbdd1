import { describe, expect, it } from "vitest";
import { sketchGraph } from "../../model/testing/sketch.ts";
import { checkGradients, type CheckOptions } from "../testing/check.ts";
import { trainingEngine } from "../testing/engine.ts";

const engine = trainingEngine();

/** Checks all gradients of a sketch, and that these are the parameters that it has. */
async function expectGradients(text: string, parameters: readonly string[], options: CheckOptions = {}): Promise<void> {
  expect((await checkGradients(engine(), sketchGraph(text), options)).toSorted()).toEqual(parameters.toSorted());
}

/** An image `x` of values that depend on a weight, so that the gradient of what follows has somewhere to go. */
const IMAGE = "i: [n, 2, 5, 4]\nx = Conv(i, w: [3, 2, 1, 1], b: [3])";

describe("convolutions", () => {
  const windows = [
    "k: [4, 3, 3, 3]) pads=[1, 1, 1, 1]",
    "k: [4, 3, 3, 3]) strides=[2, 2] pads=[1, 1, 1, 1]",
    "k: [5, 3, 2, 3]) strides=[2, 1] pads=[0, 1, 1, 2] dilations=[2, 1]",
    "k: [3, 1, 3, 3], c: [3]) group=3 pads=[1, 1, 1, 1]",
    "k: [6, 1, 3, 3], c: [6]) group=3 strides=[2, 2] pads=[1, 1, 1, 1]",
    "k: [1, 3, 5, 4], c: [1])",
    "k: [7, 3, 1, 1], c: [7]) strides=[2, 2]",
  ];
  it.each(windows)("Conv(x, %s", (rest) => {
    const text = `${IMAGE}\ny = Conv(x, ${rest}\n-> y`;
    return expectGradients(text, ["w", "b", "k", ...(rest.includes("c:") ? ["c"] : [])]);
  });

  it.each([
    "k: [3, 4, 2, 2]) strides=[2, 2]",
    "k: [3, 4, 3, 3], c: [4]) strides=[2, 2] pads=[1, 1, 1, 1] outputPadding=[1, 1]",
    "k: [3, 2, 3, 2], c: [6]) group=3 strides=[1, 2]",
    "k: [3, 5, 3, 3]) dilations=[2, 1] pads=[1, 0, 0, 1]",
  ])("ConvTranspose(x, %s", (rest) => {
    const text = `${IMAGE}\ny = ConvTranspose(x, ${rest}\n-> y`;
    return expectGradients(text, ["w", "b", "k", ...(rest.includes("c:") ? ["c"] : [])]);
  });

  it("of one axis", () =>
    expectGradients(
      "i: [n, 2, 9]\nx = Conv(i, w: [3, 2, 3])\nr = Tanh(x)\ny = Conv(r, k: [2, 3, 2], c: [2]) strides=[2]\n-> y",
      ["w", "k", "c"],
    ));

  it("with a residual and an activation", () =>
    expectGradients(
      `${IMAGE}\nr = Sigmoid(x)\na = Conv(r, k: [3, 3, 3, 3]) pads=[1, 1, 1, 1]\ns = Add(a, x)\ny = Relu(s)\n-> y`,
      ["w", "b", "k"],
    ));

  it("give no gradient to what does not depend on a weight", async () => {
    await expectGradients("x: [n, 2, 4, 4]\ns = Sin(x)\nr = ReduceProd(s, i[1])\ny = Conv(r, k: [2, 1, 2, 2])\n-> y", [
      "k",
    ]);
  });
});

describe("products", () => {
  it.each([
    ["y = Gemm(x, v: [4, 3], c: [3])", ["v", "c"]],
    ["y = Gemm(x, v: [3, 4], c: [3]) transB=true", ["v", "c"]],
    ["y = Gemm(x, v: [4, 3], c: [1, 3]) alpha=0.5 beta=2", ["v", "c"]],
    ["y = Gemm(x, v: [3, 4]) transB=true alpha=-1.5", ["v"]],
    ["y = Gemm(v: [4, 5], x) transA=true transB=true", ["v"]],
    ["y = MatMul(x, v: [4, 3])", ["v"]],
    ["t = Transpose(v: [3, 4])\ny = MatMul(x, t)", ["v"]],
    ["m = MatMul(x, v: [4, 3])\ny = Add(m, c: [3])", ["v", "c"]],
    ["m = MatMul(x, v: [4, 3])\na = Relu(m)\ny = Mul(a, c: [1, 3])", ["v", "c"]],
    ["m = Gemm(x, v: [4, 3])\nt = Transpose(m)\ny = MatMul(t, m)", ["v"]],
    ["m = Gemm(x, v: [4, 6])\na = Reshape(m, i[-1, 3, 2])\nb = Transpose(a) perm=[0, 2, 1]\ny = MatMul(a, b)", ["v"]],
    ["m = Gemm(x, v: [4, 6])\na = Reshape(m, i[-1, 1, 3, 2])\ny = MatMul(a, u: [1, 3, 2, 5])", ["v", "u"]],
    ["m = Gemm(x, v: [4, 6])\na = Reshape(m, i[-1, 3, 2])\ny = MatMul(a, u: [2, 3])", ["v", "u"]],
  ] as const)("%s", (text, parameters) => expectGradients(`i: [n, 4]\nx = Tanh(i)\n${text}\n-> y`, parameters));
});

describe("pools", () => {
  it.each([
    "MaxPool(x) kernelShape=[2, 2] strides=[2, 2]",
    "MaxPool(x) kernelShape=[3, 3] strides=[1, 1] pads=[1, 1, 1, 1]",
    "MaxPool(x) kernelShape=[2, 3] strides=[2, 2] ceilMode=true",
    "AveragePool(x) kernelShape=[2, 2] strides=[2, 2]",
    "AveragePool(x) kernelShape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1]",
    "AveragePool(x) kernelShape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1] countIncludePad=true",
    "LpPool(x) kernelShape=[2, 2] strides=[2, 1]",
    "LpPool(x) kernelShape=[2, 2] strides=[2, 1] p=1",
    "GlobalMaxPool(x)",
    "GlobalAveragePool(x)",
    "GlobalLpPool(x)",
  ])("%s", (pool) => expectGradients(`${IMAGE}\ny = ${pool}\n-> y`, ["w", "b"]));
});

describe("pools that tell places", () => {
  it.each(["Tanh(x)", "Relu(x)"])("of %s", (f) =>
    expectGradients(
      `${IMAGE}\na = ${f}\np, k = MaxPool(a) kernelShape=[2, 3] strides=[2, 1]\nc = Cast(k) to=float32\nm = Mul(c, 0.01)\ny = Add(p, m)\n-> y`,
      ["w", "b"],
    ),
  );
});

describe("maxima of activations", () => {
  const pools = ["MaxPool(r) kernelShape=[2, 2] strides=[2, 2]", "MaxPool(r) kernelShape=[3, 3]", "GlobalMaxPool(r)"];
  describe.each(["Relu(x)", "Sigmoid(x)", "Clip(x, -0.2, 0.3)", "LeakyRelu(x)", "HardSwish(x)"])("%s", (f) => {
    it.each(pools)("%s", (pool) => expectGradients(`${IMAGE}\nr = ${f}\ny = ${pool}\n-> y`, ["w", "b"]));
    it.each(pools)("%s, behind an activation of its own", (pool) =>
      expectGradients(`${IMAGE}\na = Add(x, 0.1)\nr = ${f.replace("(x", "(a")}\ny = ${pool}\n-> y`, ["w", "b"]),
    );
    it.each(pools)("%s, and another use", (pool) =>
      expectGradients(`${IMAGE}\nr = ${f}\np = ${pool}\ns = ReduceMean(r, i[2, 3])\ny = Mul(p, s)\n-> y`, ["w", "b"]),
    );
  });
});

describe("normalisations", () => {
  it.each([
    ["BatchNormalization(x, s: [3], o: [3], m: [3], var: [3])", ["s", "o"]],
    ["InstanceNormalization(x, s: [3], o: [3]) epsilon=0.01", ["s", "o"]],
    ["GroupNormalization(x, s: [3], o: [3]) numGroups=1", ["s", "o"]],
    ["GroupNormalization(x, s: [3], o: [3]) numGroups=3", ["s", "o"]],
    ["LayerNormalization(x, s: [4], o: [4]) epsilon=0.01", ["s", "o"]],
    ["LayerNormalization(x, s: [3, 5, 4]) axis=1", ["s"]],
    ["LRN(x) size=3 alpha=0.3 beta=0.75", []],
    ["LRN(x) size=2 alpha=0.5 beta=0.5 bias=2", []],
  ] as const)("%s", (norm, more) => expectGradients(`${IMAGE}\ny = ${norm}\n-> y`, ["w", "b", ...more]));

  it("of rows", () =>
    expectGradients(
      "i: [n, 4]\nx = Gemm(i, v: [4, 3])\ny = BatchNormalization(x, s: [3], o: [3], m: [3], var: [3])\n-> y",
      ["v", "s", "o"],
      {
        batchSize: 5,
      },
    ));

  it("by statistics that are frozen", async () => {
    const text = `${IMAGE}\ny = BatchNormalization(x, s: [3], o: [3], m: [3], var: [3])\n-> y`;
    await expectGradients(text, ["w", "b", "s", "o"], { freeze: ["m"] });
    await expectGradients(text, ["w", "b"], { freeze: ["y"] });
    const across =
      "i: [n, 4]\nx = Gemm(i, v: [4, 3])\ny = BatchNormalization(x, s: [3], o: [3], m: [3], var: [3])\n-> y";
    await expectGradients(across, ["v", "s", "o"], { freeze: ["var"] });
  });
});

describe("functions of elements", () => {
  const activations = [
    "Relu(x)",
    "LeakyRelu(x) alpha=0.3",
    "ThresholdedRelu(x) alpha=0.2",
    "Elu(x) alpha=0.7",
    "Celu(x) alpha=0.7",
    "Selu(x)",
    "Sigmoid(x)",
    "HardSigmoid(x)",
    "HardSwish(x)",
    "Swish(x)",
    "Swish(x) alpha=1.7",
    "Tanh(x)",
    "Mish(x)",
    "Softplus(x)",
    "Softsign(x)",
    "Gelu(x)",
    "Gelu(x) approximate=tanh",
    "Clip(x, -0.2, 0.4)",
    "Erf(x)",
    "Exp(x)",
    "Neg(x)",
    "Abs(x)",
    "Sin(x)",
    "Cos(x)",
    "Pow(x, 2)",
  ];
  it.each(activations)("%s", (f) => expectGradients(`${IMAGE}\ny = ${f}\n-> y`, ["w", "b"]));
  it.each(activations)("%s, on its own", (f) =>
    expectGradients(`${IMAGE}\na = Add(x, 0.1)\ny = ${f.replace("(x", "(a")}\n-> y`, ["w", "b"]),
  );

  it.each([
    "a = Abs(x)\np = Add(a, 0.1)\ny = Log(p)",
    "a = Abs(x)\np = Add(a, 0.1)\ny = Sqrt(p)",
    "a = Abs(x)\np = Add(a, 0.3)\ny = Reciprocal(p)",
    "a = Abs(x)\np = Add(a, 0.3)\ny = Pow(p, 1.7)",
    "a = Abs(x)\np = Add(a, 0.3)\ny = Pow(p, x)",
    "y = Pow(2, x)",
    "a = Floor(x)\nb = Mul(a, 0.3)\ny = Add(b, x)",
    "y = Mod(x, 0.4) fmod=true",
    "m = ReduceMean(x, i[2, 3])\na = Abs(m)\np = Add(a, 0.7)\ny = Mod(x, p) fmod=true",
  ])("%s", (text) => expectGradients(`${IMAGE}\n${text}\n-> y`, ["w", "b"]));

  it("PRelu", async () => {
    await expectGradients(`${IMAGE}\ny = PRelu(x, s: [3, 1, 1])\n-> y`, ["w", "b", "s"]);
    await expectGradients(`${IMAGE}\ny = PRelu(x, s: [1])\n-> y`, ["w", "b", "s"]);
    await expectGradients(`${IMAGE}\ny = PRelu(x, s: [5, 4])\n-> y`, ["w", "b", "s"]);
  });

  describe("whose results do not tell on which side of 0 their operands are", () => {
    const folded = [
      "LeakyRelu(x) alpha=-0.5",
      "Elu(x) alpha=-0.7",
      "Selu(x) alpha=-1.5",
      "Selu(x) alpha=1.5 gamma=-0.8",
      "Selu(x) alpha=-1.2 gamma=-0.8",
      "PRelu(x, [-0.5])",
    ];
    const freeze = ["[-0.5]"];
    it.each(folded)("%s", async (f) => {
      const options = f.includes("[") ? { freeze } : {};
      await expectGradients(`${IMAGE}\ny = ${f}\n-> y`, ["w", "b"], options);
      await expectGradients(`${IMAGE}\na = ${f}\ny = Conv(a, u: [2, 3, 3, 3])\n-> y`, ["w", "b", "u"], options);
      await expectGradients(`${IMAGE}\na = ${f}\ny = MaxPool(a) kernelShape=[2, 2]\n-> y`, ["w", "b"], options);
      await expectGradients(
        `${IMAGE}\na = Abs(x)\nc = Neg(a)\ny = ${f.replace("(x", "(c")}\n-> y`,
        ["w", "b"],
        options,
      );
    });
  });

  const others = {
    "of the same shape": "u = Tanh(x)",
    "of one number a channel": "u = GlobalAveragePool(x)",
    "of one number": "u = ReduceMean(x, i[0, 1, 2, 3])",
    "of fewer axes": "m = ReduceMean(x, i[0, 1]) keepdims=false\nu = Sin(m)",
  };
  describe.each(Object.entries(others))("with an operand %s", (_, other) => {
    it.each([
      "Add(x, u)",
      "Sub(x, u)",
      "Sub(u, x)",
      "Mul(u, x)",
      "Min(x, u)",
      "Max(u, x)",
      "Sum(x, u, x)",
      "Mean(u, x)",
    ])("%s", (f) => expectGradients(`${IMAGE}\n${other}\ny = ${f}\n-> y`, ["w", "b"]));
    it("Div", () =>
      expectGradients(`${IMAGE}\n${other}\na = Abs(u)\np = Add(a, 0.5)\nq = Div(x, p)\ny = Div(q, p)\n-> y`, [
        "w",
        "b",
      ]));
    it("Where", () =>
      expectGradients(
        `${IMAGE}\n${other}\nc = Less(x, 0.1)\na = Where(c, x, u)\nd = Greater(u, 0.1)\ny = Where(d, a, 0.5)\n-> y`,
        ["w", "b"],
      ));
  });

  it("weights that files spell as constants of Add and Mul", () =>
    expectGradients(`${IMAGE}\na = Mul(x, s: [3, 1, 1])\nb2 = Add(o: [1, 3, 1, 1], a)\ny = Mul(b2, 3)\n-> y`, [
      "w",
      "b",
      "s",
      "o",
    ]));

  it("an equal share where two are the largest", () =>
    expectGradients(`${IMAGE}\nu = Mul(x, 1)\nv = Add(u, 0)\na = Max(x, v)\ny = Max(a, a)\n-> y`, ["w", "b"]));
});

describe("along axes", () => {
  it.each([
    "Softmax(x) axis=1",
    "Softmax(x)",
    "LogSoftmax(x) axis=1",
    "Softmax(x) axis=1 flatten=true",
    ...["Sum", "Mean", "Max", "Min", "SumSquare", "L1", "L2", "LogSumExp"].flatMap((kind) => [
      `Reduce${kind}(x, i[1])`,
      `Reduce${kind}(x, i[2, 3]) keepdims=false`,
      `Reduce${kind}(x, i[-1, 0])`,
    ]),
  ])("%s", (f) => expectGradients(`${IMAGE}\ny = ${f}\n-> y`, ["w", "b"]));

  it("ReduceLogSum", () => expectGradients(`${IMAGE}\ne = Exp(x)\ny = ReduceLogSum(e, i[1])\n-> y`, ["w", "b"]));

  it.each([
    "y = ReduceProd(x, i[1])",
    "y = ReduceProd(x, i[2, 3]) keepdims=false",
    // Of two channels one element is 0, of three two.
    "z = Mul(x, [0, 1, 1, 1])\ny = ReduceProd(z, i[1])",
    "z = Mul(x, [0, 1, 0, 1])\ny = ReduceProd(z, i[3])",
    "z = Mul(x, [1, 1, 0, 1])\ny = ReduceProd(z, i[3])",
    "y, k = TopK(x, i[2])",
    "y, k = TopK(x, i[3]) axis=2 largest=false",
    "y, k = TopK(x, i[1]) axis=0",
  ])("%s", (text) => {
    // What is masked is no weight.
    const freeze = /\[[^\]]*\]/.exec(text.split("\n").length > 1 ? text : "");
    return expectGradients(`${IMAGE}\n${text}\n-> y`, ["w", "b"], { freeze: freeze === null ? [] : [freeze[0]] });
  });
});

describe("arrangements", () => {
  it.each([
    "y = Concat(x, t, x) axis=1",
    "y = Concat(x, t) axis=3",
    "p, q = Split(x, i[1, 2]) axis=1\ny = Concat(q, p, q) axis=1",
    "y = Slice(x, i[1, 1], i[4, 3], i[2, 3])",
    "y = Slice(x, i[0, 1], i[5, 4], i[2, 3], i[2, 2])",
    "y = Slice(x, i[-1], i[-100], i[2], i[-1])",
    "y = Slice(x, i[4, 3], i[0, 0], i[2, 3], i[-3, -2])",
    "y = Pad(x, i[0, 0, 1, 2, 0, 0, 2, 1])",
    "y = Pad(x, i[0, 0, 1, 2, 0, 0, 2, 1]) mode=reflect",
    "y = Pad(x, i[0, 1, 1, 0, 0, 0, 0, 1]) mode=edge",
    "y = Pad(x, i[0, 0, 1, 0, 0, 0, 0, 1]) mode=wrap",
    "y = Pad(x, i[0, 0, -1, 1, 0, 0, 0, -1])",
    "y = Reshape(x, i[0, -1, 2])",
    "y = Flatten(x)",
    "y = Transpose(x) perm=[0, 2, 3, 1]",
    "a = Reshape(x, i[0, 3, 1, 20])\nb2 = Squeeze(a, i[2])\ny = Transpose(b2) perm=[0, 2, 1]",
    "a = ReduceMean(x, i[1])\ny = Expand(a, i[1, 3, 1, 1])",
    "y = Tile(x, i[1, 2, 1, 3])",
    "y = Gather(x, i[2, 0, 2, -1]) axis=1",
    "y = Gather(x, i[1, 1]) axis=3",
    "a = Conv(t, u: [4, 3, 1, 1])\ny = DepthToSpace(a)",
    "a = Slice(x, i[0], i[4], i[2])\ny = SpaceToDepth(a)",
    "y = Resize(x, _, _, i[2, 3, 9, 7])",
    "y = Resize(x, _, _, i[2, 3, 9, 7]) mode=linear",
    "y = Resize(x, _, _, i[2, 3, 9, 7]) mode=cubic",
    "y = Resize(x, _, _, i[2, 3, 3, 2]) mode=linear antialias=true",
    "y = Resize(x, _, _, i[2, 5, 5, 4]) mode=linear",
    "y = Resize(x, _, _, i[2, 5, 5, 4])",
  ])("%s", (text) =>
    expectGradients(`${IMAGE}\nt = Tanh(x)\n${text}\n-> y`, ["w", "b", ...(text.includes("u:") ? ["u"] : [])]),
  );

  it("Dropout, which drops the same elements both ways", () =>
    expectGradients(`${IMAGE}\nd = Dropout(x) ratio=0.3\na = Tanh(d)\nc = Dropout(x) ratio=0.3\ny = Mul(a, c)\n-> y`, [
      "w",
      "b",
    ]));
});

import { describe, expect, test } from "vitest";
import { importOnnx, readOnnx } from "./import.ts";
import { describeNodes } from "./testing/describe.ts";
import * as onnx from "./testing/file.ts";

const { node, int, ints, float, string } = onnx;

const refusal = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("what a graph has", () => {
  test("inputs in their order, with symbols and sizes that are not known", () => {
    const inputs = {
      b: { shape: ["batch", 3, undefined, ""] },
      a: { type: onnx.INT64, shape: [] },
      c: { type: onnx.FLOAT16, shape: [-1] },
      d: {},
    };
    const graph = importOnnx(onnx.file({ inputs, nodes: [node("Relu", ["b"])] }));
    expect([...graph.inputs]).toEqual([
      ["b", { type: "float32", shape: ["batch", 3, undefined, undefined] }],
      ["a", { type: "int64", shape: [] }],
      ["c", { type: "float32", shape: [undefined] }],
      ["d", { type: "float32", shape: undefined }],
    ]);
    expect(graph.name).toBe("test");
  });

  test("initialisers are no inputs, though files of version 3 list them so", () => {
    const w = onnx.raw("w", Float32Array.of(1, 2));
    const inputs = { x: {}, w: { shape: [2] } };
    const graph = importOnnx(
      onnx.file({ irVersion: 3, opset: 7, inputs, initialisers: [w], nodes: [node("Add", ["x", "w"])] }),
    );
    expect([...graph.inputs.keys()]).toEqual(["x"]);
    expect(describeNodes(graph)).toEqual(["Add(x, [1, 2]) -> y"]);
  });

  test("absent operands, within and at the end", () => {
    const graph = importOnnx(onnx.file({ inputs: { x: {}, m: {} }, nodes: [node("Clip", ["x", "", "m"])] }));
    expect(describeNodes(graph)).toEqual(["Clip(x, -, m) -> y"]);
    const none = importOnnx(onnx.file({ nodes: [node("Clip", ["x", "", ""])] }));
    expect(describeNodes(none)).toEqual(["Clip(x) -> y"]);
  });

  test("outputs that nobody reads are absent, but for the first", () => {
    const pool = node("MaxPool", ["x"], { kernel_shape: ints(2, 2) }, { outputs: ["y", "i"] });
    expect(importOnnx(onnx.file({ nodes: [pool] })).nodes[0]?.outputs).toEqual(["y", undefined]);
    expect(importOnnx(onnx.file({ nodes: [pool], outputs: ["i"] })).nodes[0]?.outputs).toEqual(["y", "i"]);
    const unnamed = node("TopK", ["x", "k"], {}, { outputs: ["", "y"], name: "top" });
    expect(importOnnx(onnx.file({ inputs: { x: {}, k: {} }, nodes: [unnamed] })).nodes[0]?.outputs).toEqual([
      "top/output",
      "y",
    ]);
  });

  test("nodes behind what they read, whatever their order in the file", () => {
    const nodes = [
      node("Add", ["a", "b"]),
      node("Relu", ["x"], {}, { outputs: ["a"] }),
      node("Neg", ["a"], {}, { outputs: ["b"] }),
    ];
    expect(describeNodes(importOnnx(onnx.file({ nodes })))).toEqual(["Relu(x) -> a", "Neg(a) -> b", "Add(a, b) -> y"]);
  });

  test("a chain longer than the stack, in the wrong order", () => {
    const count = 50_000;
    const nodes = Array.from({ length: count }, (_, i) =>
      node("Neg", [i === 0 ? "x" : `v${i}`], {}, { outputs: [`v${i + 1}`] }),
    );
    const graph = importOnnx(onnx.file({ nodes: nodes.reverse(), outputs: [`v${count}`] }));
    expect(graph.nodes.at(-1)?.outputs).toEqual([`v${count}`]);
  });

  test("each node has a name of its own", () => {
    const nodes = [
      node("Relu", ["x"], {}, { outputs: ["a"], name: "same" }),
      node("Relu", ["a"], {}, { outputs: ["b"], name: "same" }),
      node("Relu", ["b"], {}, { outputs: ["c"], name: "same:2" }),
      node("Relu", ["c"]),
    ];
    const names = importOnnx(onnx.file({ nodes })).nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(4);
    expect(names[3]).toBe("Relu_3");
    const many = Array.from({ length: 30_000 }, (_, i) =>
      node("Relu", ["x"], {}, { outputs: [`v${i}`], name: "same" }),
    );
    expect(importOnnx(onnx.file({ nodes: many, outputs: ["v0"] })).nodes.at(-1)?.name).toBe("same:30000");
  });

  test.each<readonly [string, Readonly<Record<string, onnx.AttributeValue>>, unknown]>([
    [
      "value",
      { value: onnx.tensor(onnx.raw("", Float32Array.of(1, 2))) },
      { type: "float32", shape: [2], data: Float32Array.of(1, 2) },
    ],
    ["value_float", { value_float: float(1.5) }, { type: "float32", shape: [], data: Float32Array.of(1.5) }],
    ["value_floats", { value_floats: onnx.floats(1.5) }, { type: "float32", shape: [1], data: Float32Array.of(1.5) }],
    ["value_int", { value_int: int(-3) }, { type: "int64", shape: [], data: Float64Array.of(-3) }],
    ["value_ints", { value_ints: ints(4, 5) }, { type: "int64", shape: [2], data: Float64Array.of(4, 5) }],
  ])("Constant nodes are constants: %s", (_, attributes, constant) => {
    const graph = importOnnx(onnx.file({ inputs: {}, nodes: [node("Constant", [], attributes)] }));
    expect(graph.nodes).toEqual([]);
    expect(graph.constants.get("y")).toEqual(constant);
  });

  test("a constant that an old form needs takes no name that the file has", () => {
    const slice = node("Slice", ["x"], { starts: ints(1), ends: ints(3) }, { name: "s" });
    const graph = importOnnx(onnx.file({ opset: 9, inputs: { x: {}, "s/starts": {} }, nodes: [slice] }));
    expect(graph.nodes[0]?.inputs.slice(1, 3)).toEqual(["s/starts:2", "s/ends"]);
  });

  test("files of the first IR version have no operator sets and untyped attributes", () => {
    const bytes = onnx.file({ irVersion: 1, opset: 1, nodes: [node("Elu", ["x"], { alpha: { f: 2 } })] });
    expect(describeNodes(importOnnx(bytes))).toEqual(['Elu(x) {"alpha":2} -> y']);
  });
});

describe("external data", () => {
  const external: onnx.TensorInit = {
    name: "w",
    dataType: onnx.FLOAT,
    dims: [2n],
    dataLocation: 1,
    externalData: [{ key: "location", value: "weights.bin" }],
  };
  const bytes = onnx.file({ initialisers: [external], nodes: [node("Add", ["x", "w"])] });

  test("the file tells where it is, and takes it", () => {
    const opened = readOnnx(bytes);
    expect(opened.externalLocations).toEqual(["weights.bin"]);
    const data = new Uint8Array(Float32Array.of(3, 4).buffer);
    expect(describeNodes(opened.toGraph(new Map([["weights.bin", data]])))).toEqual(["Add(x, [3, 4]) -> y"]);
    expect(() => opened.toGraph()).toThrow(refusal("model-invalid", /"weights.bin", which was not given/));
  });
});

describe("what is not supported is told at once", () => {
  test("operators, attributes, types and operator sets, with the nodes' names", () => {
    const nodes = [
      node("LSTM", ["x"], {}, { outputs: ["a"], name: "first" }),
      node("LSTM", ["a"], {}, { outputs: ["b"], name: "second" }),
      node("FusedConv", ["b"], {}, { outputs: ["c"], name: "fused", domain: "com.microsoft" }),
      node("Relu", ["c"], { slope: float(1) }, { outputs: ["d"], name: "relu" }),
      node("Resize", ["d", "", "s"], { mode: string("lanczos") }, { outputs: ["e"], name: "resize" }),
      node("Cast", ["e"], { to: int(8) }, { outputs: ["y"], name: "cast" }),
    ];
    const file = onnx.file({
      inputs: { x: {}, s: {}, t: { type: onnx.STRING } },
      domains: { "com.microsoft": 1 },
      initialisers: [{ name: "words", dataType: onnx.STRING, dims: [1n], stringData: [new Uint8Array(3)] }],
      nodes,
    });
    expect(() => importOnnx(file)).toThrow(
      refusal(
        "model-unsupported",
        new RegExp(
          [
            "importOnnx: the model needs what lenslet does not support:",
            '- initialisers of type string: "words"',
            '- inputs of type string: "t"',
            '- operator LSTM \\(ai.onnx 17\\): "first", "second"',
            '- operator FusedConv \\(com.microsoft 1\\): "fused"',
            '- Relu \\(opset 17\\) with attribute "slope": "relu"',
            '- Resize \\(opset 17\\) with mode "lanczos", only nearest, linear, cubic: "resize"',
            '- Cast \\(opset 17\\) with to string: "cast"',
          ].join("\n"),
        ),
      ),
    );
  });

  test("many nodes are counted", () => {
    const nodes = Array.from({ length: 20 }, (_, i) =>
      node("Loop", [i === 0 ? "x" : `v${i}`], {}, { outputs: [`v${i + 1}`] }),
    );
    expect(() => importOnnx(onnx.file({ nodes, outputs: ["v20"] }))).toThrow(
      refusal("model-unsupported", /"Loop_7" and 12 more$/),
    );
  });

  test.each<readonly [string, Partial<onnx.FileInit>, RegExp]>([
    ["an opset from the future", { opset: 99 }, /operator Relu \(ai.onnx 99; only versions 1 to \d+ are known\)/],
    [
      "training",
      { nodes: [node("BatchNormalization", ["x", "x", "x", "x", "x"], { training_mode: int(1) })] },
      /training_mode 1/,
    ],
    [
      "statistics of a batch",
      {
        outputs: ["y", "m"],
        nodes: [node("BatchNormalization", ["x", "x", "x", "x", "x"], {}, { outputs: ["y", "m"] })],
      },
      /more than 1 output/,
    ],
    ["dropout that drops", { nodes: [node("Dropout", ["x", "", "x"])] }, /training_mode other than the constant false/],
    [
      "a constant of words",
      { inputs: {}, nodes: [node("Constant", [], { value_string: string("a") })] },
      /attribute "value_string"/,
    ],
  ])("%s", (_, init, message) => {
    expect(() => importOnnx(onnx.file({ nodes: [node("Relu", ["x"])], ...init }))).toThrow(
      refusal("model-unsupported", message),
    );
  });
});

describe("malformed graphs", () => {
  const relu = node("Relu", ["x"]);
  const w = onnx.raw("w", new Float32Array(9), { dims: [1, 1, 3, 3] });
  test.each<readonly [string, onnx.FileInit, RegExp]>([
    [
      "a cycle",
      {
        nodes: [node("Add", ["x", "b"], {}, { outputs: ["a"] }), node("Relu", ["a"], {}, { outputs: ["b"] })],
        outputs: ["b"],
      },
      /cyclic/,
    ],
    ["a node that reads itself", { nodes: [node("Add", ["x", "y"], {}, { name: "sum" })] }, /cyclic: node "sum"/],
    [
      "a value that nothing makes",
      { nodes: [node("Relu", ["z"], {}, { name: "r" })] },
      /node "r" reads "z", which nothing makes/,
    ],
    ["an output that nothing makes", { nodes: [relu], outputs: ["z"] }, /output "z" is made by nothing/],
    ["no outputs", { nodes: [relu], outputs: [] }, /no outputs/],
    ["an output twice", { nodes: [relu], outputs: ["y", "y"] }, /two outputs/],
    [
      "a value made twice",
      { nodes: [relu, node("Neg", ["x"], {}, { name: "n" })] },
      /node "n" makes "y", which the graph has already/,
    ],
    [
      "an input that is made",
      { nodes: [node("Relu", ["x"], {}, { outputs: ["x"], name: "r" })], outputs: ["x"] },
      /"r" makes "x"/,
    ],
    ["two initialisers of a name", { nodes: [relu], initialisers: [w, w] }, /two initialisers have the name "w"/],
    [
      "an attribute twice",
      {
        nodes: [
          {
            ...node("Elu", ["x"]),
            attribute: [
              { name: "alpha", ...float(1) },
              { name: "alpha", ...float(2) },
            ],
          } as ReturnType<typeof node>,
        ],
      },
      /"alpha" twice/,
    ],
    [
      "an attribute of another type",
      { nodes: [node("Elu", ["x"], { alpha: int(1) })] },
      /"alpha" of type int; expected float/,
    ],
    [
      "an attribute that holds another type than it says",
      { nodes: [node("Elu", ["x"], { alpha: { type: 1, i: 1n } })] },
      /"alpha" of type int; expected float/,
    ],
    [
      "a flag that is neither 0 nor 1",
      { nodes: [node("ArgMax", ["x"], { keepdims: int(2) })] },
      /"keepdims" 2; expected 0 or 1/,
    ],
    [
      "inputs that came with a later version",
      { opset: 6, inputs: { x: {}, a: {}, b: {} }, nodes: [node("Clip", ["x", "a", "b"])] },
      /Clip.*has 3 inputs.*expected 1/,
    ],
    [
      "an attribute that is missing",
      { nodes: [node("Concat", ["x"])] },
      /Concat node "Concat_0" has no attribute "axis"/,
    ],
    ["too few inputs", { nodes: [node("Conv", ["x"])] }, /has 1 inputs.*expected 2 to 3/],
    ["too many inputs", { nodes: [node("Relu", ["x", "x"])] }, /has 2 inputs.*expected 1/],
    ["an input that may not be absent", { nodes: [node("Conv", ["", "x"])] }, /lacks one/],
    ["an axis of negative size", { inputs: { x: { shape: [-2] } }, nodes: [relu] }, /axis of -2/],
    [
      "an operator set that is not imported",
      { nodes: [node("F", ["x"], {}, { domain: "mine" })] },
      /"mine", which the file does not import/,
    ],
    [
      "a kernel unlike its weights",
      { initialisers: [w], nodes: [node("Conv", ["x", "w"], { kernel_shape: ints(5, 5) })] },
      /kernel_shape \[5, 5\], its weights are for \[3, 3\]/,
    ],
    [
      "a stride of 0",
      { initialisers: [w], nodes: [node("Conv", ["x", "w"], { strides: ints(0, 1) })] },
      /strides \[0, 1\]; expected 2 of 1 or more/,
    ],
    [
      "too few pads",
      { initialisers: [w], nodes: [node("Conv", ["x", "w"], { pads: ints(1, 1) })] },
      /pads \[1, 1\]; expected 4/,
    ],
  ])("%s", (_, init, message) => {
    expect(() => importOnnx(onnx.file(init))).toThrow(refusal("model-invalid", message));
  });
});

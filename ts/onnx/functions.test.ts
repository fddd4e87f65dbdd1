import { expect, test } from "vitest";
import { importOnnx } from "./import.ts";
import { describeNodes } from "./testing/describe.ts";
import * as onnx from "./testing/file.ts";

const { node, float } = onnx;
const opsetImport = [
  { domain: "", version: 17n },
  { domain: "mine", version: 1n },
];
const domains = { mine: 1 };

/** A function of the domain "mine". */
const fn = (
  name: string,
  input: readonly string[],
  output: readonly string[],
  nodes: readonly ReturnType<typeof node>[],
  attributes: Partial<onnx.FunctionInit> = {},
): onnx.FunctionInit =>
  ({
    name,
    domain: "mine",
    input: [...input],
    output: [...output],
    node: [...nodes],
    opsetImport,
    ...attributes,
  }) as onnx.FunctionInit;

const call = (
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes = {},
): ReturnType<typeof node> => node(name, inputs, attributes, { outputs, domain: "mine", name: outputs.join("+") });

test("a call becomes the function's nodes, with names of its own", () => {
  const swish = fn(
    "Swish",
    ["a"],
    ["b"],
    [node("Sigmoid", ["a"], {}, { outputs: ["s"] }), node("Mul", ["a", "s"], {}, { outputs: ["b"] })],
  );
  const nodes = [call("Swish", ["x"], ["h"]), call("Swish", ["h"], ["y"])];
  expect(describeNodes(importOnnx(onnx.file({ domains, nodes, functions: [swish] })))).toEqual([
    "Sigmoid(x) -> h/s",
    "Mul(x, h/s) -> h",
    "Sigmoid(h) -> y/s",
    "Mul(h, y/s) -> y",
  ]);
});

test("attributes are the caller's, the function's defaults, or absent", () => {
  const elu = (alpha: object): ReturnType<typeof node> =>
    ({ ...node("Elu", ["a"], {}, { outputs: ["b"] }), attribute: [alpha] }) as ReturnType<typeof node>;
  const alpha = { name: "alpha", refAttrName: "slope", type: 1 };
  const made = (functionAttributes: object, callAttributes: object): readonly string[] => {
    const functions = [fn("E", ["a"], ["b"], [elu(alpha)], functionAttributes)];
    return describeNodes(
      importOnnx(onnx.file({ domains, nodes: [call("E", ["x"], ["y"], callAttributes)], functions })),
    );
  };
  expect(made({ attribute: ["slope"] }, { slope: float(3) })).toEqual(['Elu(x) {"alpha":3} -> y']);
  expect(made({ attributeProto: [{ name: "slope", ...float(2) }] }, {})).toEqual(['Elu(x) {"alpha":2} -> y']);
  expect(made({ attribute: ["slope"] }, {})).toEqual(['Elu(x) {"alpha":1} -> y']);
});

test("functions call functions, in the operator set that they were written for", () => {
  const inner = fn("Inner", ["a"], ["b"], [node("Softmax", ["a"], {}, { outputs: ["b"] })], {
    opsetImport: [{ domain: "", version: 11n }],
  } as Partial<onnx.FunctionInit>);
  const outer = fn("Outer", ["a"], ["b"], [call("Inner", ["a"], ["b"])]);
  const file = onnx.file({ domains, nodes: [call("Outer", ["x"], ["y"])], functions: [outer, inner] });
  expect(describeNodes(importOnnx(file))).toEqual(['Softmax(x) {"axis":1,"flatten":true} -> y']);
});

test("inputs that are handed on, operands that are absent, outputs that nobody wants", () => {
  const both = fn("Both", ["a", "b"], ["a", "c", "c"], [node("Clip", ["a", "", "b"], {}, { outputs: ["c"] })]);
  const file = onnx.file({
    domains,
    nodes: [call("Both", ["x"], ["p", "q", "r"])],
    outputs: ["p", "q", "r"],
    functions: [both],
  });
  expect(describeNodes(importOnnx(file)).sort()).toEqual(["Clip(x) -> q", "Identity(q) -> r", "Identity(x) -> p"]);
  const few = onnx.file({ domains, nodes: [call("Both", ["x"], ["", "y"])], functions: [both] });
  expect(describeNodes(importOnnx(few))).toEqual(["Clip(x) -> y"]);
});

test("what a function needs and there is not is told like the rest", () => {
  const strange = fn("Strange", ["a"], ["b"], [node("LSTM", ["a"], {}, { outputs: ["b"], name: "lstm" })]);
  const file = onnx.file({ domains, nodes: [call("Strange", ["x"], ["y"])], functions: [strange] });
  expect(() => importOnnx(file)).toThrow(
    expect.objectContaining({
      code: "model-unsupported",
      message: expect.stringMatching(/LSTM \(ai.onnx 17\): "y\/lstm"/),
    }),
  );
});

test("a function that calls itself, and a few that would unfold to any number of nodes", () => {
  const loop = fn("Loop", ["a"], ["b"], [call("Loop", ["a"], ["b"])]);
  const endless = onnx.file({ domains, nodes: [call("Loop", ["x"], ["y"])], functions: [loop] });
  expect(() => importOnnx(endless)).toThrow(
    expect.objectContaining({ code: "model-invalid", message: expect.stringMatching(/more than 32 deep/) }),
  );

  const long = "n".repeat(2 ** 20);
  const wordy = fn(
    "Wordy",
    ["a"],
    ["b"],
    [node("Relu", ["a"], {}, { outputs: [long] }), node("Relu", [long], {}, { outputs: ["b"] })],
  );
  const calls = Array.from({ length: 1000 }, (_, i) => call("Wordy", [i === 0 ? "x" : `v${i}`], [`v${i + 1}`]));
  const names = onnx.file({ domains, nodes: calls, functions: [wordy], outputs: ["v1000"] });
  expect(() => importOnnx(names)).toThrow(
    expect.objectContaining({ code: "model-invalid", message: expect.stringMatching(/much more than the file has/) }),
  );

  const large = onnx.raw("", new Int8Array(2 ** 20), { type: onnx.INT8 });
  const heavy = fn(
    "Heavy",
    ["a"],
    ["b"],
    [
      node("Constant", [], { value: onnx.tensor(large) }, { outputs: ["k"] }),
      node("Add", ["a", "k"], {}, { outputs: ["b"] }),
    ],
  );
  const once = onnx.file({ domains, nodes: [call("Heavy", ["x"], ["y"])], functions: [heavy] });
  expect(importOnnx(once).nodes).toHaveLength(1);
  const often = Array.from({ length: 100 }, (_, i) => call("Heavy", [i === 0 ? "x" : `v${i}`], [`v${i + 1}`]));
  expect(() => importOnnx(onnx.file({ domains, nodes: often, functions: [heavy], outputs: ["v100"] }))).toThrow(
    expect.objectContaining({ code: "model-invalid", message: expect.stringMatching(/much more than the file has/) }),
  );

  const twice = (i: number): onnx.FunctionInit =>
    fn(
      `F${i}`,
      ["a"],
      ["b"],
      i === 0
        ? [node("Relu", ["a"], {}, { outputs: ["b"] })]
        : [call(`F${i - 1}`, ["a"], ["m"]), call(`F${i - 1}`, ["m"], ["b"])],
    );
  const functions = Array.from({ length: 30 }, (_, i) => twice(i));
  const bomb = onnx.file({ domains, nodes: [call("F29", ["x"], ["y"])], functions });
  expect(() => importOnnx(bomb)).toThrow(
    expect.objectContaining({
      code: "model-invalid",
      message: expect.stringMatching(/much more than the file has/),
    }),
  );
});

import { describe, expect, it } from "vitest";
import { attributeKinds } from "./attribute-kinds.ts";
import { floats, integers } from "./constant.ts";
import type { Graph, Node } from "./graph.ts";
import { signatures } from "./signature.ts";
import { graphOf, node } from "./specialise/testing/graphs.ts";
import { validateGraph } from "./validate.ts";

const clip = node("Clip", ["a", undefined, "six"], {}, "y");
const relu = node("Relu", ["x"], {}, "a");
const whole = graphOf({ x: ["n", undefined, 3] }, { six: floats(Float32Array.of(6), []) }, [relu, clip], ["y", "x"]);

/** Values that no compiler has seen. */
function untyped(changes: Readonly<Record<string, unknown>>): Graph {
  return { ...whole, ...changes } as Graph;
}

function changed(original: Node, changes: Readonly<Record<string, unknown>>): Node {
  return { ...original, ...changes } as Node;
}

const inputs = (shape: unknown, type: unknown = "float32"): Readonly<Record<string, unknown>> => ({
  inputs: new Map([["x", { type, shape }]]),
});
const constants = (six: unknown): Readonly<Record<string, unknown>> => ({ constants: new Map([["six", six]]) });

describe("validateGraph", () => {
  it("passes what is whole", () => {
    expect(() => validateGraph(whole)).not.toThrow();
  });

  it.each([
    ["two nodes have the name", untyped({ nodes: [relu, changed(clip, { name: relu.name })] })],
    ["has no name", untyped({ nodes: [changed(relu, { name: "" }), clip] })],
    [
      'node "make a" (Relu) makes the value "x", which input "x" has made',
      untyped({ nodes: [changed(relu, { outputs: ["x"] }), clip] }),
    ],
    [
      'constant "x" makes the value "x", which input "x" has made',
      untyped({ constants: new Map([["x", integers([1])]]) }),
    ],
    ['"make y" (Clip): x is "a", which nothing makes', untyped({ nodes: [clip] })],
    ['x is "a", which node "make a" (Relu) makes later; nodes must come in order', untyped({ nodes: [clip, relu] })],
    ["x is missing", untyped({ nodes: [changed(relu, { inputs: [undefined] }), clip] })],
    ["x is missing", untyped({ nodes: [changed(relu, { inputs: [] }), clip] })],
    ["has 2 inputs; expected at most 1", untyped({ nodes: [changed(relu, { inputs: ["x", "x"] }), clip] })],
    ["has 2 outputs; expected at most 1", untyped({ nodes: [changed(relu, { outputs: ["a", "b"] }), clip] })],
    ["has no output", untyped({ nodes: [relu, changed(clip, { outputs: [undefined] })] })],
    ["makes a value without a name", untyped({ nodes: [relu, changed(clip, { outputs: [""] })] })],
    ["x[1] is missing", untyped({ nodes: [relu, node("Concat", ["a", undefined], { axis: 0 }, "y")] })],
    ["the graph has no outputs", untyped({ outputs: [] })],
    ["two outputs of the graph are the same value", untyped({ outputs: ["y", "y"] })],
    ['output "z" is a value that nothing makes', untyped({ outputs: ["z"] })],
    ['input "x" has the shape [-1]; expected sizes', untyped(inputs([-1]))],
    ['input "x" has the shape [""]; expected sizes', untyped(inputs([""]))],
    ['input "x" has the type "float64"; expected float32, int64', untyped(inputs([1], "float64"))],
    [
      'constant "six" has the shape [1.5]; expected sizes',
      untyped(constants({ type: "float32", shape: [1.5], data: new Float32Array(1) })),
    ],
    [
      "of float32 has a Float64Array of 1 elements; expected Float32Array",
      untyped(constants({ type: "float32", shape: [1], data: new Float64Array(1) })),
    ],
    ["has 2 numbers for the shape [3]", untyped(constants({ type: "int64", shape: [3], data: new Float64Array(2) }))],
  ])("finds that %s", (message, graph) => {
    expect(() => validateGraph(graph)).toThrow(
      expect.objectContaining({ code: "model-invalid", message: expect.stringContaining(message) }),
    );
  });

  it("names the nodes of a cycle, long ones shortened", () => {
    const ring = (size: number): Graph => ({
      ...whole,
      nodes: Array.from({ length: size }, (_, i) => node("Relu", [`v${(i + size - 1) % size}`], {}, `v${i}`)),
      outputs: ["v0"],
    });
    expect(() => validateGraph(ring(3))).toThrow(
      'the graph is cyclic: "make v0" -> "make v1" -> "make v2" -> "make v0"',
    );
    expect(() => validateGraph(ring(1))).toThrow('the graph is cyclic: "make v0" -> "make v0"');
    expect(() => validateGraph(ring(100_000))).toThrow('"make v5" -> ... -> "make v99996"');
  });

  it("lists all operators that there are not", () => {
    const nodes = [changed(relu, { op: "FFT" }), changed(clip, { op: "toString" })];
    expect(() => validateGraph(untyped({ nodes }))).toThrow(
      expect.objectContaining({
        code: "model-unsupported",
        message: 'the graph needs operators that lenslet does not have: FFT (node "make a"), toString (node "make y")',
      }),
    );
  });

  it.each([
    [node("Softmax", ["a"], { axis: 1.5, flatten: false }, "y"), "axis is 1.5; expected an integer"],
    [node("LeakyRelu", ["a"], {} as never, "y"), "alpha is undefined; expected a number"],
    [node("Softmax", ["a"], { axis: 1, flatten: 1 as never }, "y"), "flatten is 1; expected true or false"],
    [node("Transpose", ["a"], { perm: [0, Number.NaN] }, "y"), "perm is [0, NaN]; expected an array of integers"],
    [
      node("Pad", ["a", "six"], { mode: "mirror" as never }, "y"),
      'mode is "mirror"; expected "constant", "reflect", "edge" or "wrap"',
    ],
    [node("MatMul", ["a", "a"], { activation: 7 as never }, "y"), "activation is 7; expected an activation"],
    [node("Shape", ["a"], { start: 0, end: "last" as never }, "y"), 'end is "last"; expected an integer'],
    [node("Elu", ["a"], { alpha: 1, beta: 2 } as never, "y"), 'has the unknown attribute "beta"; expected alpha'],
  ])("finds wrong attributes: %j", (made, message) => {
    expect(() => validateGraph(untyped({ nodes: [relu, made] }))).toThrow(message);
  });

  it("knows attributes of all operators", () => {
    expect(Object.keys(attributeKinds).toSorted()).toEqual(Object.keys(signatures).toSorted());
    expect(() =>
      validateGraph(untyped({ nodes: [relu, node("Shape", ["a"], { start: 0, end: undefined }, "y")] })),
    ).not.toThrow();
  });
});

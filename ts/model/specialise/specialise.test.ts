import { describe, expect, it } from "vitest";
import { floats, integers } from "../constant.ts";
import { validateGraph } from "../validate.ts";
import { specialise } from "./specialise.ts";
import { graphOf, node, openWindow } from "./testing/graphs.ts";
import { constant, counting } from "./testing/nodes.ts";

const whole = { start: 0, end: undefined };

/** A convolution, and a reshape to the sizes that the graph computes of its output's. */
const flattened = graphOf(
  { x: ["n", 3, "h", "w"] },
  { w: floats(new Float32Array(8 * 27), [8, 3, 3, 3]), zero: integers([0]), open: integers([-1]) },
  [
    node("Conv", ["x", "w"], { ...openWindow, strides: [2, 2], autoPad: "SAME_UPPER", group: 1 }, "c"),
    node("Shape", ["c"], whole, "sizes"),
    node("Gather", ["sizes", "zero"], { axis: 0 }, "n"),
    node("Concat", ["n", "open"], { axis: 0 }, "wanted"),
    node("Reshape", ["c", "wanted"], { allowzero: false }, "y"),
  ],
  ["y"],
);

describe("specialise", () => {
  it("knows every shape, computes those of shapes, and drops what is not needed", () => {
    validateGraph(flattened);
    const known = specialise(flattened, new Map([["x", [2, 3, 17, 33]]]));
    expect(known.nodes.map(({ op }) => op)).toEqual(["Conv", "Reshape"]);
    expect(Object.fromEntries(Array.from(known.infos, ([name, { shape }]) => [name, shape]))).toEqual({
      x: [2, 3, 17, 33],
      w: [8, 3, 3, 3],
      c: [2, 8, 9, 17],
      wanted: [2],
      y: [2, 1224],
    });
    expect([...known.constants.keys()]).toEqual(["w", "wanted"]);
    expect(known.constants.get("wanted")?.data).toEqual(Float64Array.of(2, -1));
    expect(known.constants.get("w")).toBe(flattened.constants.get("w"));
    expect(flattened.nodes).toHaveLength(5);
  });

  it("resolves attributes", () => {
    const [conv] = specialise(flattened, new Map([["x", [2, 3, 17, 32]]])).nodes;
    expect(conv?.attributes).toEqual({
      strides: [2, 2],
      dilations: [1, 1],
      pads: [1, 0, 1, 1],
      autoPad: "NOTSET",
      group: 1,
    });
    const others = graphOf(
      { x: [1, 2, 3, 4] },
      { w: floats(new Float32Array(8), [2, 1, 2, 2]), scales: floats(Float32Array.of(2, 2)) },
      [
        node("Transpose", ["x"], { perm: [] }, "a"),
        node("Softmax", ["x"], { axis: -1, flatten: false }, "b"),
        node("ConvTranspose", ["x", "w"], { ...openWindow, group: 1, outputPadding: [], outputShape: [3, 7] }, "c"),
        node(
          "MaxPool",
          ["x"],
          { ...openWindow, kernelShape: [2, 2], autoPad: "SAME_LOWER", ceilMode: false, storageOrder: 0 },
          "d",
        ),
        node("Concat", ["x", "x"], { axis: -3 }, "e"),
      ],
      ["a", "b", "c", "d", "e"],
    );
    const attributes = specialise(others, new Map()).nodes.map((made) => made.attributes);
    expect(attributes).toEqual([
      { perm: [3, 2, 1, 0] },
      { axis: 3, flatten: false },
      {
        strides: [1, 1],
        dilations: [1, 1],
        pads: [1, 0, 0, 0],
        autoPad: "NOTSET",
        group: 1,
        outputPadding: [0, 2],
        outputShape: [],
      },
      {
        strides: [1, 1],
        dilations: [1, 1],
        pads: [1, 1, 0, 0],
        autoPad: "NOTSET",
        kernelShape: [2, 2],
        ceilMode: false,
        storageOrder: 0,
      },
      { axis: 1 },
    ]);
  });

  it("forgets outputs that no one reads", () => {
    const graph = graphOf(
      { x: [1, 4, 8, 8] },
      { parts: integers([1, 2, 1, 0]) },
      [
        node(
          "MaxPool",
          ["x"],
          { ...openWindow, kernelShape: [2, 2], ceilMode: false, storageOrder: 0 },
          "y",
          "indices",
        ),
        node("Split", ["y", "parts"], { axis: 1 }, "a", "b", "d", "c"),
        node("Relu", ["indices"], {}, "unread"),
      ],
      ["a", "d", "c"],
    );
    const known = specialise(graph, new Map());
    expect(known.nodes.map(({ outputs }) => outputs)).toEqual([
      ["y", undefined],
      ["a", undefined, "d", undefined],
    ]);
    expect([...known.infos.keys()]).toEqual(["x", "parts", "y", "a", "d", "c"]);
    // One that has no elements is known.
    expect(known.constants.get("c")).toEqual(constant("float32", [], [1, 0, 7, 7]));
  });

  it("turns values without elements into constants", () => {
    const graph = graphOf(
      { x: [4] },
      { from: integers([4]), to: integers([4]) },
      [node("Slice", ["x", "from", "to"], {}, "none"), node("Concat", ["none", "x"], { axis: 0 }, "y")],
      ["y"],
    );
    const known = specialise(graph, new Map());
    expect(known.nodes.map(({ op }) => op)).toEqual(["Concat"]);
    expect(known.constants.get("none")).toEqual(constant("float32", []));
  });

  it("may find all outputs known", () => {
    const graph = graphOf(
      { x: ["n"] },
      {},
      [node("Shape", ["x"], whole, "y"), node("Identity", ["x"], {}, "z")],
      ["y", "z", "x"],
    );
    const known = specialise(graph, new Map([["x", [7]]]));
    expect(known.constants.get("y")?.data).toEqual(Float64Array.of(7));
    expect(known.nodes.map(({ op }) => op)).toEqual(["Identity"]);
  });

  it("names a node whose output's shape depends on data", () => {
    const graph = graphOf(
      { x: [4], sizes: [1] },
      {},
      [node("Cast", ["sizes"], { to: "int64" }, "wanted"), node("Reshape", ["x", "wanted"], { allowzero: false }, "y")],
      ["y"],
    );
    expect(() => specialise(graph, new Map())).toThrow(
      expect.objectContaining({
        code: "model-unsupported",
        message:
          'node "make y" (Reshape): the output\'s shape depends on shape ("wanted"), which is known only when the network runs',
      }),
    );
  });
});

describe("specialise's inputs", () => {
  it("are named by errors that they may have caused", () => {
    const graph = graphOf(
      { x: [1, 1, "h", "w"], fixed: [1] },
      {},
      [
        node("Slice", ["x", "from", "to", "axes", "steps"], {}, "half"),
        node("Concat", ["half", "x"], { axis: 0 }, "y"),
      ],
      ["y"],
    );
    const constants = new Map(
      Object.entries({ from: [0], to: [99], axes: [3], steps: [2] }).map(([name, values]) => [name, integers(values)]),
    );
    expect(() => specialise({ ...graph, constants }, new Map([["x", [1, 1, 4, 6]]]))).toThrow(
      'they may differ along axis 0 alone; the input "x" was [1, 1, 4, 6]',
    );
  });

  const two = graphOf(
    { a: ["n", 3], b: ["n", undefined], c: undefined },
    {},
    [node("Add", ["a", "b"], {}, "y"), node("Relu", ["c"], {}, "z")],
    ["y", "z"],
  );
  const shapes = (a: readonly number[], b: readonly number[], c: readonly number[]) =>
    new Map([
      ["a", a],
      ["b", b],
      ["c", c],
    ]);

  it("bind symbols, and anything where nothing is declared", () => {
    const known = specialise(two, shapes([5, 3], [5, 1], [2, 2]));
    expect(known.infos.get("y")?.shape).toEqual([5, 3]);
    expect(known.infos.get("z")?.shape).toEqual([2, 2]);
  });

  it.each([
    [
      shapes([5, 4], [5, 1], []),
      "a",
      'input "a" of shape [5, 4]: axis 1 is 4; expected 3, the network\'s shape is [n, 3]',
    ],
    [shapes([5, 3], [6, 1], []), "b", 'input "b" of shape [6, 1]: axis 0 (n) is 6; expected 5 as axis 0 of "a" has'],
    [shapes([5, 3, 1], [5, 1], []), "a", "has 3 axes; expected 2: [n, 3]"],
    [shapes([5, 3], [5, 0], []), "b", "expected positive sizes"],
    [shapes([5, 3], [5, 1.5], []), "b", "expected positive sizes"],
    [new Map([["a", [5, 3]]]), "b", 'input "b" ([n, ?]) needs a shape'],
  ])("must fit: %j", (given, argument, message) => {
    expect(() => specialise(two, given)).toThrow(
      expect.objectContaining({ code: "shape-mismatch", argument, message: expect.stringContaining(message) }),
    );
  });

  it("must be inputs, and not too large", () => {
    expect(() => specialise(two, new Map([["d", [1]]]))).toThrow(
      'the network has no input "d"; its inputs are "a", "b", "c"',
    );
    expect(() => specialise(two, shapes([5, 3], [5, 1], [2 ** 20, 2 ** 20]))).toThrow(
      expect.objectContaining({ code: "too-large" }),
    );
  });

  it("need no shape where all sizes are declared", () => {
    const graph = graphOf({ x: [2, 3] }, {}, [node("Relu", ["x"], {}, "y")], ["y"]);
    expect(specialise(graph, new Map()).infos.get("y")?.shape).toEqual([2, 3]);
  });
});

describe("boxes that NonMaxSuppression selects", () => {
  const detector = (...after: readonly Parameters<typeof node>[]) =>
    graphOf(
      { boxes: [1, 6, 4], scores: [1, 2, 6] },
      {
        most: integers([3]),
        zero: integers([0]),
        one: integers([1]),
        two: integers([2]),
        flat: integers([18]),
        six: constant("int64", [1, 2, 3, 4, 5, 6], [6, 1]),
        scale: floats(Float32Array.of(1, 2, 3, 4)),
      },
      [
        node("NonMaxSuppression", ["boxes", "scores", "most"], { centerPointBox: false }, "selected"),
        ...after.map((parameters) => node(...parameters)),
      ],
      ["y"],
    );

  it("are counted by a second output, and stay counted through functions of elements", () => {
    const known = specialise(detector(["Cast", ["selected"], { to: "int32" }, "y"]), new Map());
    expect(known.nodes[0]?.outputs).toEqual(["selected", "selected:count"]);
    expect(known.infos.get("y")).toEqual({ type: "int32", shape: [6, 3], rows: "selected:count" });
    expect(known.infos.get("selected:count")).toEqual({ type: "int64", shape: [1] });
  });

  it("can be looked up", () => {
    const known = specialise(
      detector(
        ["Gather", ["selected", "two"], { axis: 1 }, "column"],
        ["Squeeze", ["column", "one"], {}, "index"],
        ["Squeeze", ["boxes", "zero"], {}, "all"],
        ["Gather", ["all", "index"], { axis: 0 }, "chosen"],
        ["Mul", ["chosen", "scale"], {}, "y"],
      ),
      new Map(),
    );
    expect(known.infos.get("y")).toEqual({ type: "float32", shape: [6, 4], rows: "selected:count" });
    expect(known.infos.get("all")?.rows).toBeUndefined();
  });

  it("are none where none is asked for", () => {
    const none = detector(["Cast", ["selected"], { to: "int32" }, "y"]);
    const known = specialise({ ...none, constants: new Map([["most", integers([0])]]) }, new Map());
    expect(known.nodes).toEqual([]);
    expect(known.constants.get("y")).toEqual(constant("int32", [], [0, 3]));
  });

  it.each<Parameters<typeof node>>([
    ["ReduceSum", ["selected"], { keepdims: true, noopWithEmptyAxes: false }, "y"],
    ["Shape", ["selected"], whole, "y"],
    ["Gather", ["selected", "zero"], { axis: 0 }, "y"],
    ["Slice", ["selected", "zero", "one"], {}, "y"],
    ["Unsqueeze", ["selected", "zero"], {}, "y"],
    ["Concat", ["selected", "selected"], { axis: 0 }, "y"],
    ["Transpose", ["selected"], { perm: [1, 0] }, "y"],
    ["Reshape", ["selected", "flat"], { allowzero: false }, "y"],
    ["Add", ["selected", "six"], {}, "y"],
    ["TopK", ["selected", "one"], { axis: 0, largest: true, sorted: true }, "y"],
  ])("can be read by nothing that needs their number: %s %j", (...parameters) => {
    expect(() => specialise(detector(parameters), new Map())).toThrow(
      expect.objectContaining({
        code: "model-unsupported",
        message: expect.stringContaining('("selected") has as many rows as NonMaxSuppression selects boxes'),
      }),
    );
  });
});

describe("folded weights", () => {
  const size = 256;
  const graph = graphOf(
    { x: ["n", size] },
    {
      w: { type: "int8", shape: [size, size], data: new Int8Array(size * size).fill(3) },
      scale: floats(new Float32Array(size).fill(0.5)),
      wide: counting([size]),
      axes: integers([0]),
    },
    [
      node("DequantizeLinear", ["w", "scale"], { axis: 0, blockSize: 0 }, "float"),
      node("Transpose", ["float"], { perm: [1, 0] }, "turned"),
      node("MatMul", ["x", "turned"], {}, "y"),
      node("Unsqueeze", ["wide", "axes"], {}, "wider"),
      node("Add", ["y", "wider"], {}, "z"),
    ],
    ["z"],
  );

  it("are computed when they are read, and are the same objects for other sizes", () => {
    const [first, second] = [1, 5].map((n) => specialise(graph, new Map([["x", [n, size]]])));
    expect(first?.nodes.map(({ op }) => op)).toEqual(["MatMul", "Add"]);
    const turned = first?.constants.get("turned");
    expect(turned?.shape).toEqual([size, size]);
    expect(turned?.data).toEqual(new Float32Array(size * size).fill(1.5));
    // Not kept: read twice, computed twice.
    expect(turned?.data).not.toBe(turned?.data);
    expect(second?.constants.get("turned")).toBe(turned);
    expect(second?.constants.get("wider")).toBe(first?.constants.get("wider"));
    expect(first?.constants.get("wider")?.data).toBe(graph.constants.get("wide")?.data);
  });
});

describe("a small file that asks for much", () => {
  const big = 2 ** 28;

  it("gets no large constants: the core fills what is left", () => {
    const graph = graphOf(
      { x: [1] },
      { sizes: integers([big]) },
      [
        node("ConstantOfShape", ["sizes"], { value: 1, type: "float32" }, "ones"),
        node("Mul", ["ones", "ones"], {}, "product"),
        node("Mul", ["product", "x"], {}, "y"),
      ],
      ["y"],
    );
    const known = specialise(graph, new Map());
    expect(known.nodes.map(({ op }) => op)).toEqual(["ConstantOfShape", "Mul", "Mul"]);
    expect([...known.constants.keys()]).toEqual(["sizes"]);
  });

  it("gets no work without end, though each value is used twice", () => {
    const doublings = Array.from({ length: 60 }, (_, index) =>
      node("Add", [`v${index}`, `v${index}`], {}, `v${index + 1}`),
    );
    const graph = graphOf(
      { x: [1] },
      { v0: counting([2 ** 15]) },
      [...doublings, node("Add", ["v60", "x"], {}, "y")],
      ["y"],
    );
    const known = specialise(graph, new Map());
    const begun = performance.now();
    for (const { data } of known.constants.values()) expect(data).toHaveLength(2 ** 15);
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(known.nodes.length).toBeGreaterThan(40);
  });

  it("gets a shape only from what may be evaluated", () => {
    const graph = graphOf(
      { x: [1] },
      { sizes: integers([big]), axes: integers([0]) },
      [
        node("ConstantOfShape", ["sizes"], { value: 1, type: "int64" }, "ones"),
        node("ReduceSum", ["ones", "axes"], { keepdims: true, noopWithEmptyAxes: false }, "sum"),
        node("Expand", ["x", "sum"], {}, "y"),
      ],
      ["y"],
    );
    expect(() => specialise(graph, new Map())).toThrow(expect.objectContaining({ code: "model-unsupported" }));
  });
});

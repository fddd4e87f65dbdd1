import { describe, expect, test } from "vitest";
import type { Nd } from "../../test/oracle/nd.ts";
import { Random } from "../../test/oracle/random.ts";
import type { Graph } from "../graph.ts";
import { openBatch } from "../open-batch.ts";
import { specialise } from "../specialise/specialise.ts";
import { compute, expectSameOutputs } from "../testing/compute.ts";
import { testEngine } from "../testing/engine.ts";
import { sketchGraph } from "../testing/sketch.ts";
import { validateGraph } from "../validate.ts";
import { conv2d, dense, extend, flatten, globalAvgPool2d, type Layer, sequential } from "./index.ts";

const { engine, executor } = testEngine();

const TRUNK = `x: [1, 3, 4, 6]
  a = Conv(x, w: [4, 3, 3, 3])
  b = Relu(a)
  c = GlobalAveragePool(b)
  d = Flatten(c)
  y = Gemm(d, head: [4, 7])
  -> y`;

const trunk = sketchGraph(TRUNK);

describe("extend", () => {
  test("goes on from a value of images, and leaves out what came behind it", async () => {
    const seen: (readonly number[])[] = [];
    const look: Layer = (x) => {
      seen.push(x.shape);
      return x;
    };
    const graph = extend(trunk, { at: "b", layers: [look, globalAvgPool2d(), dense({ units: 2, name: "own" })] });
    validateGraph(graph);
    expect(seen).toEqual([[2, 4, 4]]);
    expect(graph.nodes.map(({ op }) => op)).toEqual([
      "Conv",
      "Relu",
      "GlobalAveragePool",
      "Flatten",
      "Gemm",
      "Identity",
    ]);
    expect([...graph.constants.keys()]).toEqual(["w", "own.weights", "own.bias"]);
    expect(graph.constants.get("w")).toBe(trunk.constants.get("w"));
    expect(graph.outputs).toEqual(["output"]);
    expect(graph.inputs.get("x")?.shape).toEqual(["n", 3, 4, 6]);
    using model = await engine().load(graph);
    const x = new Random(1).nd([3, 3, 4, 6]);
    const { output } = await model.run(x);
    expect(output?.shape).toEqual([3, 2]);
    output?.dispose();
  });

  test("goes on from vectors, from a node's name, and from the output", () => {
    const from = (at: string | undefined): Graph =>
      extend(trunk, { at, layers: [dense({ units: 3 })], output: "classes" });
    expect(from("d").nodes.map(({ op }) => op)).toEqual([
      "Conv",
      "Relu",
      "GlobalAveragePool",
      "Flatten",
      "Gemm",
      "Identity",
    ]);
    expect(from(undefined).constants.get("dense_1.weights")?.shape).toEqual([7, 3]);
    expect(from("y").outputs).toEqual(["classes"]);
    const named = sequential([conv2d({ filters: 2, size: 1, name: "first" }), flatten()], { input: [2, 2, 1] });
    expect(extend(named, { at: "first", layers: [globalAvgPool2d()] }).nodes.map(({ op }) => op)).toContain("Conv");
  });

  test("takes pixels as they lie, if that is wanted", async () => {
    const layers = [globalAvgPool2d(), dense({ units: 2 })];
    using plain = await engine().load(extend(trunk, { at: "b", layers }));
    using turned = await engine().load(extend(trunk, { at: "b", layers, layout: "NHWC" }));
    expect(turned.inputs).toEqual([{ name: "x", type: "float32", shape: ["n", 4, 6, 3] }]);
    const random = new Random(1);
    const { data } = random.nd([2, 3, 4, 6]);
    const pixels = data.map((_, i) => data[Math.floor(i / 72) * 72 + (i % 3) * 24 + Math.floor((i % 72) / 3)] ?? 0);
    const [a, b] = [
      await plain.run({ data, shape: [2, 3, 4, 6] }),
      await turned.run({ data: pixels, shape: [2, 4, 6, 3] }),
    ];
    expect(await b["output"]?.data()).toEqual(await a["output"]?.data());
    for (const tensor of [...Object.values(a), ...Object.values(b)]) tensor.dispose();
    const only = extend(trunk, { layout: "NHWC" });
    expect([only.outputs, only.inputs.get("x")?.shape]).toEqual([["y"], ["n", 4, 6, 3]]);
    validateGraph(only);
  });

  test("new weights are those of the seed, and names do not collide", () => {
    const of = (seed: number): unknown =>
      extend(trunk, { at: "d", layers: [dense({ units: 2 })], seed }).constants.get("dense_1.weights")?.data;
    expect(of(1)).toEqual(of(1));
    expect(of(2)).not.toEqual(of(1));
    const twice = extend(extend(trunk, { at: "d", layers: [dense({ units: 2 })] }), {
      layers: [dense({ units: 5 })],
      output: "second",
    });
    validateGraph(twice);
    expect([...twice.constants.keys()].filter((name) => name.endsWith("weights"))).toEqual([
      "dense_1.weights",
      "dense_2.weights",
    ]);
  });

  test("a network of open sizes is told them", () => {
    const open = sketchGraph("x: [n, 3, h, w]\n a = Conv(x, w: [4, 3, 3, 3])\n -> a");
    const layers = [flatten(), dense({ units: 2 })];
    expect(extend(open, { layers, input: [3, 5, 4] }).constants.get("dense_1.weights")?.shape).toEqual([24, 2]);
    expect(() => extend(open, { layers })).toThrow(
      'extend: input is undefined; expected the shape of "x" without the batch',
    );
  });

  test("what is wrong is named", () => {
    const layers = [dense({ units: 2 })];
    expect(() => extend(trunk, { at: "z", layers })).toThrow('extend: at is "z"; expected the name of a value or node');
    expect(() => extend(trunk, { at: "b", layers })).toThrow(
      "dense: x has shape [2, 4, 4] without the batch; expected vectors [k]",
    );
    expect(() => extend(trunk, { at: "d", layers: [3 as never] })).toThrow("extend: layers[0] is 3; expected a layer");
    expect(() => extend(trunk, { at: "d", layers, output: "w" })).toThrow(
      'name is "w"; expected a name that nothing else',
    );
    expect(() => extend(trunk, { at: "d", layers, layout: "NCHW" as never })).toThrow(
      'extend: layout is "NCHW"; expected "NHWC"',
    );
    expect(() => extend(trunk, { cut: "d" } as never)).toThrow('unknown key "cut"');
    expect(() => extend(null as never, {})).toThrow("extend: graph is null");
    const cube = sketchGraph("x: [1, 2, 3, 4, 5]\n y = Relu(x)\n -> y");
    expect(() => extend(cube, { layers })).toThrow('extend: at is "y" of shape [1, 2, 3, 4, 5]; expected images');
    const vectors = sketchGraph("x: [1, 3]\n y = Relu(x)\n -> y");
    expect(() => extend(vectors, { layout: "NHWC" })).toThrow('extend: layout is "NHWC"; expected nothing');
  });
});

describe("openBatch", () => {
  test("Reshape and a Concat with zeros take any number of samples", async () => {
    const graph = sketchGraph(`x: [1, 2, 3, 3]
      zeros = ConstantOfShape(i[1, 4, 3, 3]) value=0 type=float32
      a = Concat(x, zeros) axis=1
      ones = ConstantOfShape(i[1, 1, 3, 3]) value=1 type=float32
      b = Concat(ones, a) axis=1
      c = Reshape(b, i[1, 7, 9])
      d = Reshape(c, i[1, -1])
      -> d`);
    const opened = openBatch(graph);
    validateGraph(opened);
    const random = new Random(2);
    const images = [random.nd([1, 2, 3, 3]), random.nd([1, 2, 3, 3])];
    const together: Nd = { data: Float32Array.from(images.flatMap(({ data }) => [...data])), shape: [2, 2, 3, 3] };
    const of = async (known: Graph, x: Nd): ReturnType<typeof compute> =>
      compute(executor(), specialise(known, new Map([["x", x.shape]])), new Map([["x", x]]));
    const both = await of(opened, together);
    const each = await Promise.all(images.map((x) => of(graph, x)));
    const data = Float32Array.from(each.flatMap((outputs) => [...(outputs.get("d")?.data ?? [])]));
    expectSameOutputs(both, new Map([["d", { data, shape: [2, 63] }]]));
  });

  test("a network whose batch is open stays as it is", () => {
    const graph = sketchGraph("x: [n, 3]\n y = Relu(x)\n -> y");
    expect(openBatch(graph)).toBe(graph);
  });
});

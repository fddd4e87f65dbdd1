import { describe, expect, it } from "vitest";
import { type Constant, floats, integers } from "../constant.ts";
import type { Dim, Graph, Node, ValueName } from "../graph.ts";
import { specialise } from "./specialise.ts";

const noPads = { strides: [], dilations: [], pads: [], autoPad: "NOTSET" } as const;

/** A graph of float32 inputs. */
function graphOf(
  inputs: Readonly<Record<ValueName, readonly Dim[] | undefined>>,
  constants: Readonly<Record<ValueName, Constant>>,
  nodes: readonly Node[],
  outputs: readonly ValueName[],
): Graph {
  const infos = Object.entries(inputs).map(([name, shape]) => [name, { type: "float32", shape }] as const);
  return { name: "graph", inputs: new Map(infos), constants: new Map(Object.entries(constants)), nodes, outputs };
}

/** A convolution, and a reshape to the sizes that the graph computes of its output's. */
const flattened = graphOf(
  { x: ["n", 3, "h", "w"] },
  { w: floats(new Float32Array(8 * 27), [8, 3, 3, 3]), zero: integers([0]), open: integers([-1]) },
  [
    {
      name: "conv",
      op: "Conv",
      inputs: ["x", "w"],
      outputs: ["c"],
      attributes: { ...noPads, strides: [2, 2], autoPad: "SAME_UPPER", group: 1 },
    },
    { name: "shape", op: "Shape", inputs: ["c"], outputs: ["sizes"], attributes: { start: 0, end: undefined } },
    { name: "batch", op: "Gather", inputs: ["sizes", "zero"], outputs: ["n"], attributes: { axis: 0 } },
    { name: "both", op: "Concat", inputs: ["n", "open"], outputs: ["wanted"], attributes: { axis: 0 } },
    { name: "reshape", op: "Reshape", inputs: ["c", "wanted"], outputs: ["y"], attributes: { allowzero: false } },
  ],
  ["y"],
);

describe("specialise", () => {
  it("knows every shape, computes those of shapes, and drops what is not needed", () => {
    const known = specialise(flattened, new Map([["x", [2, 3, 17, 33]]]));
    expect(known.nodes.map(({ name }) => name)).toEqual(["conv", "reshape"]);
    expect(known.infos.get("c")?.shape).toEqual([2, 8, 9, 17]);
    expect(known.infos.get("y")?.shape).toEqual([2, 1224]);
    expect([...known.constants.keys()]).toEqual(["w", "wanted"]);
    expect(known.constants.get("wanted")?.data).toEqual(Float64Array.of(2, -1));
    expect(known.constants.get("w")).toBe(flattened.constants.get("w"));
  });
});

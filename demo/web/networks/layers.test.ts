import { expect, test } from "vitest";
import { type Layer, layersOf, sightOf, sizeOf, storyOf, withoutCommon } from "./layers.ts";

function summaryOf(
  ...layers: readonly (readonly [name: string, op: string, shape: readonly number[], sees?: number])[]
) {
  return {
    layers: layers.map(([name, op, outputShape, sees = 3]) => ({
      name,
      op: op as "Conv",
      outputShape,
      parameters: 0,
      macs: 0,
      receptiveField: [sees, sees] as const,
    })),
  };
}

test("layers are those that give maps, in the network's order", () => {
  const layers = layersOf(
    summaryOf(
      ["a", "Transpose", [1, 3, 8, 8]],
      ["b", "Conv", [1, 16, 4, 6]],
      ["c", "Relu", [1, 16, 4, 6]],
      ["d", "Reshape", [1, 384]],
      ["e", "Gemm", [1, 10]],
      ["f", "Softmax", [1, 512, 16]],
    ),
  );
  expect(layers.map(({ name, count, height, width, isCut }) => [name, count, height, width, isCut])).toEqual([
    ["b", 16, 4, 6, true],
    ["c", 16, 4, 6, false],
    ["e", 10, 1, 1, false],
  ]);
  expect(layers.map(sizeOf)).toEqual(["16 × 4 × 6", "16 × 4 × 6", "10"]);
});

test("what most names begin with is left out, and no name gets lost", () => {
  expect(withoutCommon(["net/one/conv", "net/one/relu", "net/two/conv", "other"])).toEqual([
    "one/conv",
    "one/relu",
    "two/conv",
    "other",
  ]);
  expect(withoutCommon(["/a/Conv", "/b/Conv", "/b/Clip"])).toEqual(["a/Conv", "Conv", "Clip"]);
  expect(withoutCommon(["x", "x", "x"])).toEqual(["x", "x", "x"]);
  expect(withoutCommon([])).toEqual([]);
});

test("what is told of a layer follows from how far it sees", () => {
  const layer = (sees: number, more: Partial<Layer> = {}): Layer => ({
    name: "n",
    label: "n",
    op: "Conv",
    count: 8,
    height: 14,
    width: 14,
    sees: [sees, sees],
    isCut: false,
    ...more,
  });
  const stories = [layer(1), layer(3), layer(30), layer(100), layer(300), layer(300, { height: 1, width: 1 })].map(
    (one) => storyOf(one, 224).split(/[\s:,]/)[0],
  );
  expect(stories).toEqual(["The", "Edges", "Textures", "Parts", "Things", "No"]);
  expect(storyOf(layer(3, { isCut: true }), 224)).toContain("the next layer sets it to zero");
  expect(sightOf(layer(1), 224)).toBe("each value sees one pixel");
  expect(sightOf(layer(35), 224)).toBe("each value sees 35 × 35 pixels of 224 × 224");
  expect(sightOf(layer(Number.POSITIVE_INFINITY), 224)).toBe("each value sees the whole picture");
});

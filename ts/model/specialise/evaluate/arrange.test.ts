import { describe, expect, it } from "vitest";
import type { Constant } from "../../constant.ts";
import { constant, counting, element, evaluate, int64, tabulate } from "../testing/nodes.ts";

const numbers = (made: readonly Constant[]): number[] => Array.from(made[0]?.data ?? []);
const floats = (...values: number[]): Constant => constant("float32", values);
/** Reads `source` at the index that `from` makes of an output's index. */
function gathered(
  source: Constant,
  shape: readonly number[],
  from: (index: readonly number[]) => readonly number[],
): number[] {
  return tabulate(shape, (index) => element(source, from(index)));
}

describe("evaluation of arrangements", () => {
  const x = counting([2, 3, 4, 5]);

  it.each([
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [0, 2, 3, 1],
    [1, 0, 3, 2],
    [2, 0, 1, 3],
  ])("Transpose %i %i %i %i", (...perm) => {
    const [y = x] = evaluate("Transpose", [x], { perm });
    expect(y.shape).toEqual(perm.map((axis) => x.shape[axis]));
    expect([...y.data]).toEqual(
      gathered(x, y.shape, (index) => [0, 1, 2, 3].map((axis) => index[perm.indexOf(axis)] ?? 0)),
    );
  });

  it("Slice, forwards and backwards", () => {
    const [y = x] = evaluate(
      "Slice",
      [x, int64(2, -1, 1), int64(-99, 0, 2 ** 62), int64(1, 3, 2), int64(-1, -2, 2)],
      {},
    );
    expect(y.shape).toEqual([2, 3, 2, 2]);
    expect([...y.data]).toEqual(
      gathered(x, y.shape, ([n = 0, c = 0, h = 0, w = 0]) => [n, 2 - c, 1 + 2 * h, 4 - 2 * w]),
    );
  });

  it("Gather, along each axis, from the end too", () => {
    for (const axis of [0, 1, 2, 3]) {
      const indices = constant("int64", [0, -1, 1, 1], [2, 2]);
      const [y = x] = evaluate("Gather", [x, indices], { axis });
      const size = x.shape[axis] ?? 0;
      const expected = gathered(x, y.shape, (index) => {
        const picked = element(indices, index.slice(axis, axis + 2));
        return [...index.slice(0, axis), picked < 0 ? picked + size : picked, ...index.slice(axis + 2)];
      });
      expect([...y.data], `axis ${axis}`).toEqual(expected);
    }
  });

  it("Concat and Split undo each other", () => {
    for (const [axis, sizes] of [
      [0, [1, 1]],
      [1, [2, 1]],
      [-1, [1, 3, 1]],
    ] as const) {
      const parts = evaluate("Split", [x, int64(...sizes)], { axis }, sizes.length);
      expect(parts.map(({ shape }) => shape.at(axis))).toEqual(sizes);
      expect(evaluate("Concat", parts, { axis })).toEqual([x]);
    }
    const [, second = x] = evaluate("Split", [x, int64(2, 1)], { axis: 1 }, 2);
    expect([...second.data]).toEqual(gathered(x, [2, 1, 4, 5], ([n = 0, , h = 0, w = 0]) => [n, 2, h, w]));
  });

  it("Expand and Tile", () => {
    const row = counting([3, 1]);
    expect(numbers(evaluate("Expand", [row, int64(2, 1, 2)], {}))).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
    const [y = x] = evaluate("Tile", [x, int64(2, 1, 3, 2)], {});
    expect([...y.data]).toEqual(
      gathered(x, [4, 3, 12, 10], (index) => index.map((place, axis) => place % (x.shape[axis] ?? 1))),
    );
  });

  it.each(["constant", "edge", "reflect", "wrap"] as const)("Pad, mode %s, negative pads too", (mode) => {
    const source = counting([4, 3, 5]);
    // Axis 0: two more at both ends. Axis 1: one less at the start, one more at the end. Axis 2: further than the axis is long.
    const pads = int64(2, -1, 7, 2, 1, 4);
    const [y = source] = evaluate("Pad", [source, pads, floats(-1)], { mode });
    expect(y.shape).toEqual([8, 3, 16]);
    const place = (at: number, size: number): number => {
      if (at >= 0 && at < size) return at;
      if (mode === "constant") return -1;
      if (mode === "edge") return at < 0 ? 0 : size - 1;
      if (mode === "wrap") return place(at < 0 ? at + size : at - size, size);
      return place(at < 0 ? -at : 2 * (size - 1) - at, size);
    };
    const expected = tabulate(y.shape, ([a = 0, b = 0, c = 0]) => {
      const from = [place(a - 2, 4), 1 + place(b, 2), place(c - 7, 5)];
      const outside = from[0] === -1 || from[1] === 0 || from[2] === -1;
      return outside ? -1 : element(source, from);
    });
    expect([...y.data]).toEqual(expected);
  });

  it("DepthToSpace in both modes, and back", () => {
    const depths = counting([1, 8, 2, 3]);
    const dcr = evaluate("DepthToSpace", [depths], { blocksize: 2, mode: "DCR" });
    const crd = evaluate("DepthToSpace", [depths], { blocksize: 2, mode: "CRD" });
    const at = (h: number, w: number): [number, number] => [Math.floor(h / 2), Math.floor(w / 2)];
    expect(numbers(dcr)).toEqual(
      gathered(depths, [1, 2, 4, 6], ([n = 0, c = 0, h = 0, w = 0]) => [n, (h % 2) * 4 + (w % 2) * 2 + c, ...at(h, w)]),
    );
    expect(numbers(crd)).toEqual(
      gathered(depths, [1, 2, 4, 6], ([n = 0, c = 0, h = 0, w = 0]) => [n, c * 4 + (h % 2) * 2 + (w % 2), ...at(h, w)]),
    );
    expect(evaluate("SpaceToDepth", dcr, { blocksize: 2 })).toEqual([depths]);
  });

  it("views share their numbers", () => {
    for (const [y] of [
      evaluate("Reshape", [x, int64(6, -1)], { allowzero: false }),
      evaluate("Flatten", [x], { axis: 2 }),
      evaluate("Unsqueeze", [x, int64(0)], {}),
      evaluate("Identity", [x], {}),
      evaluate("Dropout", [x], { ratio: 0.5 }),
      evaluate("Cast", [x], { to: "float32" }),
    ]) {
      expect(y?.data).toBe(x.data);
    }
  });
});

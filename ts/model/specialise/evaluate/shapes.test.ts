import { describe, expect, it } from "vitest";
import { elementCount } from "../../../shape.ts";
import type { Constant } from "../../constant.ts";
import { constant, element, evaluate, int64, tabulate } from "../testing/nodes.ts";

const numbers = (made: readonly Constant[]): number[] => Array.from(made[0]?.data ?? []);
const floats = (...values: number[]): Constant => constant("float32", values);

describe("evaluation of what makes tensors", () => {
  it("from shapes and ranges", () => {
    expect(numbers(evaluate("Shape", [[4, 5, 6]], { start: 1, end: undefined }))).toEqual([5, 6]);
    expect(numbers(evaluate("Size", [[4, 5, 6]], {}))).toEqual([120]);
    expect(evaluate("ConstantOfShape", [int64(2, 1)], { value: 7, type: "int64" })).toEqual([
      constant("int64", [7, 7], [2, 1]),
    ]);
    expect(numbers(evaluate("Range", [int64(10), int64(4), int64(-2)], {}))).toEqual([10, 8, 6]);
    expect(numbers(evaluate("Range", [floats(0), floats(1), floats(0.4)], {}))).toEqual([0, 0.4, 0.8].map(Math.fround));
  });

  it.each(["int8", "uint8", "int32"] as const)("from %s weights: per tensor, per axis, in blocks", (type) => {
    const shape = [2, 3, 5, 2];
    const x = constant(
      type,
      tabulate(shape, ([a = 0, b = 0, c = 0, d = 0]) => 40 * a + 10 * b + 2 * c + d),
      shape,
    );
    const scales = (count: number, as: readonly number[] = [count]): Constant =>
      constant(
        "float32",
        Array.from({ length: count }, (_, i) => (i + 1) / 16),
        as,
      );
    const zeros = (count: number, as: readonly number[] = [count]): Constant =>
      constant(
        type,
        Array.from({ length: count }, (_, i) => (type === "int32" ? 0 : i % 7)),
        as,
      );
    const expectScaled = (
      scale: Constant,
      zero: Constant | undefined,
      axis: number,
      blockSize: number,
      at: (index: readonly number[]) => readonly number[],
    ): void => {
      const expected = tabulate(
        shape,
        (index) =>
          (element(x, index) - (zero === undefined ? 0 : element(zero, at(index)))) * element(scale, at(index)),
      );
      expect(numbers(evaluate("DequantizeLinear", [x, scale, zero], { axis, blockSize }))).toEqual(expected);
    };
    expectScaled(scales(1, []), undefined, 1, 0, () => []);
    expectScaled(scales(1), zeros(1), 1, 0, () => [0]);
    for (const axis of [0, 1, 2, 3]) {
      const size = shape[axis] ?? 0;
      expectScaled(scales(size), zeros(size), axis - 4, 0, (index) => [index[axis] ?? 0]);
      const blocks = shape.map((value, i) => (i === axis ? Math.ceil(value / 2) : value));
      const count = elementCount(blocks);
      expectScaled(scales(count, blocks), zeros(count, blocks), axis, 2, (index) =>
        index.map((place, i) => (i === axis ? Math.floor(place / 2) : place)),
      );
    }
  });
});

import { expect, it } from "vitest";
import { list, show } from "./options.ts";

class Thing {}

it.each<[unknown, string]>([
  [undefined, "undefined"],
  [null, "null"],
  [-0, "-0"],
  [Number.NaN, "NaN"],
  [2n, "2n"],
  ["2", '"2"'],
  ["x".repeat(70), `"${"x".repeat(57)}"...`],
  [true, "true"],
  [Symbol("s"), "Symbol(s)"],
  [() => 1, "a function"],
  [Math.max, "the function max"],
  [[], "[]"],
  [[1, "2", [3, [4]], { a: 1 }, null], '[1, "2", [3, [...]], {...}, null]'],
  [Array.from({ length: 10 }, (_, i) => i), "[0, 1, 2, 3, 4, 5, 6, 7, ... 10 values]"],
  [{}, "{}"],
  [{ top: 1, deep: { a: 1 }, list: [1], of: new Thing() }, "{ top: 1, deep: {...}, list: [...], of: a Thing }"],
  [Object.create(null), "{}"],
  [new Thing(), "a Thing"],
  [new Float32Array(9), "a Float32Array of 9 elements"],
  [new ArrayBuffer(8), "an ArrayBuffer"],
  [{ data: [1], shape: [1, 2] }, "a value of shape [1, 2]"],
])("%s is shown as %s", (value, shown) => {
  expect(show(value)).toBe(shown);
});

it("lists words as a sentence does", () => {
  expect([list([]), list(["a"]), list(["a", "b"]), list(["a", "b", "c"])]).toEqual(["", "a", "a or b", "a, b or c"]);
});

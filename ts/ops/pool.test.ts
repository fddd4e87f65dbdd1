import { describe, expect, it } from "vitest";
import type { Engine } from "../engine.ts";
import type { Tensor } from "../tensor.ts";
import { expectError, fakeEngine, untyped } from "../test/facade.ts";

function image(shape: readonly number[] = [2, 6, 7, 3]): { engine: Engine; x: Tensor; words: () => readonly number[] } {
  const { engine, executor } = fakeEngine();
  const x = engine.tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  return { engine, x, words: () => [...executor.lastOp.words] };
}

describe("pools", () => {
  it("write words in the core's order", () => {
    const { engine, x, words } = image();
    const y = engine.maxPool2d(x, {
      size: [2, 3],
      stride: [1, 2],
      dilation: [2, 1],
      padding: { top: 1, right: 2 },
      ceilMode: true,
    });
    expect(y.shape).toEqual([2, 5, 4, 3]);
    expect(words()).toEqual([0, 0, 2, 6, 7, 3, 2, 3, 1, 2, 2, 1, 1, 0, 0, 2, 1, 0]);
    engine.avgPool2d(x, { size: 2, countIncludePad: true });
    expect(words()).toEqual([1, 0, 2, 6, 7, 3, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 1]);
    engine.l2Pool2d(x, { size: 2, padding: "same", layout: "NCHW" });
    expect(words()).toEqual([2, 1, 2, 7, 3, 6, 2, 2, 2, 2, 1, 1, 0, 0, 1, 1, 0, 0]);
  });

  it("step by their size unless told otherwise", () => {
    const { engine, x } = image();
    expect(engine.maxPool2d(x, { size: [2, 3] }).shape).toEqual([2, 3, 2, 3]);
    expect(engine.maxPool2d(x, { size: [2, 3], stride: 1 }).shape).toEqual([2, 5, 5, 3]);
    expect(engine.maxPool2d(x, { size: 2, padding: "same" }).shape).toEqual([2, 3, 4, 3]);
  });

  it("give indices of the same shape", () => {
    const { engine, x } = image();
    const { output, indices } = engine.maxPool2dWithIndices(x, { size: 2, layout: "NCHW" });
    expect([output.shape, indices.shape]).toEqual([
      [2, 6, 3, 1],
      [2, 6, 3, 1],
    ]);
  });

  it("refuse what cannot be", () => {
    const { engine, x } = image();
    const fails = (call: () => unknown, message: string): void => expectError(call, "invalid-argument", message);
    fails(
      () => engine.maxPool2d(x, untyped(undefined)),
      "maxPool2d: options is undefined; expected an object with size, stride, padding, dilation, ceilMode or layout",
    );
    fails(
      () => engine.l2Pool2d(x, untyped({})),
      "l2Pool2d: size is undefined; expected a positive integer or [sizeH, sizeW]",
    );
    fails(
      () => engine.maxPool2d(x, untyped({ size: 2, countIncludePad: true })),
      'maxPool2d: options has the unknown key "countIncludePad"; expected size, stride, padding, dilation, ceilMode or layout',
    );
    fails(
      () => engine.avgPool2d(x, { size: 2, padding: [0, 2] }),
      "avgPool2d: padding is [0, 2]; expected less than the window, which covers 2: a window of padding alone has no value",
    );
    expectError(
      () => engine.avgPool2d(x, { size: 7 }),
      "empty-output",
      "avgPool2d: the output would be empty: size covers 7 rows, the padded input has 6; use a smaller size or more padding",
    );
  });
});

describe("global and adaptive pools", () => {
  it("write words in the core's order", () => {
    const { engine, x, words } = image();
    expect(engine.globalMaxPool2d(x).shape).toEqual([2, 1, 1, 3]);
    expect(words()).toEqual([0, 0, 2, 6, 7, 3]);
    expect(engine.globalAvgPool2d(x, { layout: "NCHW" }).shape).toEqual([2, 6, 1, 1]);
    expect(words()).toEqual([1, 1, 2, 7, 3, 6]);
    engine.globalL2Pool2d(x);
    expect(words()[0]).toBe(2);
    expect(engine.adaptiveAvgPool2d(x, { size: [3, 9] }).shape).toEqual([2, 3, 9, 3]);
    expect(words()).toEqual([1, 0, 2, 6, 7, 3, 3, 9]);
    expect(engine.adaptiveMaxPool2d(x, { size: 1, layout: "NCHW" }).shape).toEqual([2, 6, 1, 1]);
    expect(words()).toEqual([0, 1, 2, 7, 3, 6, 1, 1]);
  });

  it("refuse what cannot be", () => {
    const { engine, x } = image();
    expectError(
      () => engine.adaptiveMaxPool2d(x, { size: 0 }),
      "invalid-argument",
      "adaptiveMaxPool2d: size is 0; expected a positive integer or [sizeH, sizeW]",
    );
    expectError(
      () => engine.adaptiveMaxPool2d(x, { size: 2 ** 20 }),
      "too-large",
      "adaptiveMaxPool2d: the output would have shape [2, 1048576, 1048576, 3], which is 6597069766656 elements; expected at most 536870911 (2 GiB of float32, what WebAssembly can hold at a time)",
    );
    expectError(
      () => engine.globalMaxPool2d(x, untyped({ size: 1 })),
      "invalid-argument",
      'globalMaxPool2d: options has the unknown key "size"; expected layout',
    );
  });
});

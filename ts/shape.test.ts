import { describe, expect, it } from "vitest";
import { coverage, featureMapSize, type WindowSpec } from "./shape.ts";
import { expectError, untyped } from "./test/facade.ts";

describe("featureMapSize", () => {
  it.each<[WindowSpec, [number, number]]>([
    [{ input: 28, kernel: 5 }, [24, 24]],
    [{ input: [5, 9], kernel: [5, 1] }, [1, 9]],
    [{ input: 7, kernel: 3, stride: 2 }, [3, 3]],
    [{ input: 8, kernel: 3, stride: [2, 3] }, [3, 2]],
    [{ input: 8, kernel: 3, stride: 2, ceilMode: true }, [4, 4]],
    [{ input: 7, kernel: 3, dilation: 3 }, [1, 1]],
    [{ input: 7, kernel: 3, dilation: [1, 2], stride: 2, padding: 1 }, [4, 3]],
    [{ input: [480, 640], kernel: 3, stride: 2, padding: "same" }, [240, 320]],
    [{ input: 5, kernel: 2, padding: "same-lower", stride: 3 }, [2, 2]],
    [{ input: 5, kernel: 1, padding: "same", stride: 3, ceilMode: true }, [2, 2]],
    [{ input: 4, kernel: 3, padding: { left: 2 } }, [2, 4]],
    [{ input: 4, kernel: 3, padding: [0, 1] }, [2, 4]],
    // PyTorch: a last window that begins in the end padding does not count.
    [{ input: 5, kernel: 1, stride: 3, padding: { bottom: 2, right: 2 }, ceilMode: true }, [2, 2]],
    // PyTorch: rounding up, a single window may stand out by less than a stride.
    [{ input: 2, kernel: 3, stride: 2, ceilMode: true }, [1, 1]],
  ])("%j gives %j", (spec, size) => {
    expect(featureMapSize(spec)).toEqual(size);
  });

  it("splits nothing unevenly: same gives ceil(in / stride) whatever the window", () => {
    for (let input = 1; input < 12; input++) {
      for (let kernel = 1; kernel < 6; kernel++) {
        for (let stride = 1; stride < 5; stride++) {
          for (const dilation of [1, 2]) {
            const out = Math.ceil(input / stride);
            for (const padding of ["same", "same-lower"] as const) {
              for (const ceilMode of [false, true]) {
                expect(featureMapSize({ input, kernel, stride, dilation, padding, ceilMode })).toEqual([out, out]);
              }
            }
          }
        }
      }
    }
  });

  it.each<[unknown, string, string]>([
    [
      undefined,
      "invalid-argument",
      "featureMapSize: spec is undefined; expected an object with input, kernel, stride, padding, dilation or ceilMode",
    ],
    [
      { input: 5, kernel: 3, strides: 2 },
      "invalid-argument",
      'featureMapSize: spec has the unknown key "strides"; expected input, kernel, stride, padding, dilation or ceilMode',
    ],
    [
      { input: 5 },
      "invalid-argument",
      "featureMapSize: kernel is undefined; expected a positive integer or [kernelH, kernelW]",
    ],
    [
      { input: 5, kernel: 3, stride: 0 },
      "invalid-argument",
      "featureMapSize: stride is 0; expected a positive integer or [strideH, strideW]",
    ],
    [
      { input: 5, kernel: 3, stride: [1] },
      "invalid-argument",
      "featureMapSize: stride is [1]; expected a positive integer or [strideH, strideW]",
    ],
    [
      { input: 5, kernel: 3, dilation: 2 ** 30 },
      "invalid-argument",
      "featureMapSize: dilation is 1073741824; expected an integer from 1 to 268435456 or [dilationH, dilationW]",
    ],
    [{ input: 5, kernel: 3, ceilMode: 1 }, "invalid-argument", "featureMapSize: ceilMode is 1; expected true or false"],
    [
      { input: 5, kernel: 3, padding: "full" },
      "invalid-argument",
      'featureMapSize: padding is "full"; expected "valid", "same", "same-lower", an integer of 0 or more, [h, w] or { top, left, bottom, right }',
    ],
    [
      { input: 5, kernel: 3, padding: { top: -1 } },
      "invalid-argument",
      "featureMapSize: padding.top is -1; expected an integer of 0 or more",
    ],
    [
      { input: 5, kernel: 3, padding: { Top: 1 } },
      "invalid-argument",
      'featureMapSize: padding has the unknown key "Top"; expected top, left, bottom or right',
    ],
    [
      { input: [5, 4], kernel: [5, 5] },
      "empty-output",
      "featureMapSize: the output would be empty: kernel covers 5 columns, the padded input has 4; use a smaller kernel or more padding",
    ],
    [
      { input: 5, kernel: 3, dilation: 3 },
      "empty-output",
      "featureMapSize: the output would be empty: kernel covers 7 rows (3 taps, dilation 3), the padded input has 5; use a smaller kernel or more padding",
    ],
  ])("refuses %j", (spec, code, message) => {
    expectError(() => featureMapSize(untyped(spec)), untyped(code), message);
  });
});

describe("coverage", () => {
  it("is 1 at a corner, up to 3 on an edge and 9 inside, for 3 × 3 without padding", () => {
    const { width, height, counts } = coverage({ input: [5, 6], kernel: 3 });
    expect([width, height]).toEqual([6, 5]);
    expect(Array.from(counts)).toEqual(
      [
        [1, 2, 3, 3, 2, 1],
        [2, 4, 6, 6, 4, 2],
        [3, 6, 9, 9, 6, 3],
        [2, 4, 6, 6, 4, 2],
        [1, 2, 3, 3, 2, 1],
      ].flat(),
    );
  });

  it("is what counting every tap of every window gives", () => {
    let cases = 0;
    for (let input = 1; input <= 9; input++) {
      for (let kernel = 1; kernel <= 4; kernel++) {
        for (let stride = 1; stride <= 4; stride++) {
          for (let dilation = 1; dilation <= 3; dilation++) {
            for (const before of [0, 1, 4]) {
              for (const after of [0, 3]) {
                for (const ceilMode of [false, true]) {
                  const reach = input + before + after + (ceilMode ? stride - 1 : 0);
                  if (dilation * (kernel - 1) + 1 > reach) continue;
                  const spec = {
                    input: [input, 1],
                    kernel: [kernel, 1],
                    stride,
                    dilation: [dilation, 1],
                    ceilMode,
                  } as const;
                  const { counts } = coverage({ ...spec, padding: { top: before, bottom: after } });
                  const expected = new Array<number>(input).fill(0);
                  const [out] = featureMapSize({ ...spec, padding: { top: before, bottom: after } });
                  for (let window = 0; window < out; window++) {
                    for (let tap = 0; tap < kernel; tap++) {
                      const at = window * stride - before + tap * dilation;
                      if (at >= 0 && at < input) expected[at] = (expected[at] ?? 0) + 1;
                    }
                  }
                  expect(
                    Array.from(counts),
                    JSON.stringify({ input, kernel, stride, dilation, before, after, ceilMode }),
                  ).toEqual(expected);
                  cases++;
                }
              }
            }
          }
        }
      }
    }
    expect(cases).toBeGreaterThan(3000);
  });

  it("takes no longer for huge windows, and says when counts do not fit", () => {
    const { counts } = coverage({ input: [1, 1_000_000], kernel: [1, 500_000] });
    expect([counts[0], counts[250_000], counts[500_000]]).toEqual([1, 250_001, 500_000]);
    expect(() => coverage({ input: 70_000, kernel: 3 })).toThrow(/4900000000 elements/);
    const spec = { input: [20_000, 20_000], kernel: 1, padding: "same" } as const;
    expect(() => coverage({ ...spec, input: [1, 1], kernel: [70_000, 70_000], padding: 70_000 })).toThrow(
      /2\^32 times or more; use a smaller kernel/,
    );
  });
});

import { describe, expect, it } from "vitest";
import type { ResizeAttributes } from "./attributes.ts";
import { type ResizedAxis, tapsOf } from "./resampling.ts";

const USUAL: ResizeAttributes = {
  mode: "linear",
  coordinateTransformationMode: "half_pixel",
  nearestMode: "round_prefer_floor",
  cubicCoeffA: -0.75,
  excludeOutside: false,
  extrapolationValue: 0,
  antialias: false,
  axes: [],
  keepAspectRatioPolicy: "stretch",
};

/** Resizes 1, 2, 3, ... */
function resized(
  axis: Partial<ResizedAxis> & { input: number; output: number },
  attributes: Partial<ResizeAttributes>,
): number[] {
  const whole: ResizedAxis = { scale: axis.output / axis.input, roi: [0, 1], ...axis };
  return tapsOf(whole, { ...USUAL, ...attributes }).map(({ indices, weights }) => {
    if (indices.length === 0) return Number.NaN;
    const sum = indices.reduce((total, index, k) => total + (index + 1) * (weights[k] ?? 0), 0);
    return Number(sum.toFixed(6));
  });
}

// Expected numbers are those of ONNX's documentation of Resize, along one axis of its examples.
describe("tapsOf", () => {
  it("interpolates", () => {
    expect(resized({ input: 2, output: 4 }, {})).toEqual([1, 1.25, 1.75, 2]);
    expect(resized({ input: 2, output: 4 }, { coordinateTransformationMode: "align_corners" })).toEqual([
      1, 1.333333, 1.666667, 2,
    ]);
    expect(resized({ input: 2, output: 4 }, { coordinateTransformationMode: "asymmetric" })).toEqual([1, 1.5, 2, 2]);
    expect(resized({ input: 4, output: 2, scale: 0.6 }, {})).toEqual([1.333333, 3]);
    expect(resized({ input: 4, output: 1 }, { coordinateTransformationMode: "pytorch_half_pixel" })).toEqual([1]);
    expect(
      resized({ input: 4, output: 2, scale: 0.6 }, { coordinateTransformationMode: "half_pixel_symmetric" }),
    ).toEqual([1.666667, 3.333333]);
  });

  it("interpolates by cubics", () => {
    expect(resized({ input: 4, output: 8 }, { mode: "cubic" })).toEqual([
      0.894531, 1.191406, 1.667969, 2.296875, 2.703125, 3.332031, 3.808594, 4.105469,
    ]);
    const outside = { mode: "cubic", cubicCoeffA: -0.5, excludeOutside: true } as const;
    expect(resized({ input: 4, output: 3, scale: 0.8 }, outside)).toEqual([1.073625, 2.375, 3.718835]);
  });

  it("averages where it shrinks, if it is to", () => {
    expect(resized({ input: 4, output: 2, scale: 0.6 }, { antialias: true })).toEqual([1.375, 3]);
    // Weights of a triangle that is as wide as two output elements; beyond the borders the outermost elements repeat.
    expect(resized({ input: 4, output: 1 }, { antialias: true })).toEqual([2.5]);
    expect(resized({ input: 8, output: 2 }, { antialias: true })).toEqual([2.65625, 6.34375]);
    expect(resized({ input: 2, output: 4 }, { antialias: true })).toEqual([1, 1.25, 1.75, 2]);
  });

  it("takes the nearest", () => {
    const nearest = (
      nearestMode: ResizeAttributes["nearestMode"],
      coordinateTransformationMode: ResizeAttributes["coordinateTransformationMode"],
    ) => resized({ input: 4, output: 8 }, { mode: "nearest", nearestMode, coordinateTransformationMode });
    expect(nearest("round_prefer_floor", "half_pixel")).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect(nearest("floor", "asymmetric")).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect(nearest("ceil", "asymmetric")).toEqual([1, 2, 2, 3, 3, 4, 4, 4]);
    expect(nearest("round_prefer_floor", "asymmetric")).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect(nearest("round_prefer_ceil", "asymmetric")).toEqual([1, 2, 2, 3, 3, 4, 4, 4]);
  });

  it("crops, and leaves out what lies outside", () => {
    const crop = { coordinateTransformationMode: "tf_crop_and_resize" } as const;
    expect(resized({ input: 4, output: 3, scale: 1.5, roi: [0.5, 1] }, crop)).toEqual([2.5, 3.25, 4]);
    expect(resized({ input: 4, output: 3, scale: 0.5, roi: [0, 1.5] }, crop)).toEqual([1, 3.25, Number.NaN]);
  });
});

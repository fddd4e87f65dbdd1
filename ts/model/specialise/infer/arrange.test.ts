import { describe } from "vitest";
import { expectCases, yields } from "../testing/cases.ts";
import { constant, int64, type Operand } from "../testing/nodes.ts";
import { arrange } from "./arrange.ts";

const resize = {
  mode: "nearest",
  coordinateTransformationMode: "half_pixel",
  nearestMode: "round_prefer_floor",
  cubicCoeffA: -0.75,
  excludeOutside: false,
  extrapolationValue: 0,
  antialias: false,
  axes: [],
  keepAspectRatioPolicy: "stretch",
} as const;
const floatScales = (...values: number[]): Operand => constant("float32", values);
const ints = (shape: readonly number[]): Operand => ({ type: "int64", shape });

describe("inference of arrange", () => {
  expectCases(Object.keys(arrange), [
    yields(
      "Concat",
      [
        [2, 3],
        [2, 5],
        [2, 0],
      ],
      { axis: -1 },
      [2, 8],
    ),
    yields("Split", [[6]], { axis: 0 }, [2], [2], [2]),
    yields("Split", [[7]], { axis: 0 }, [2], [2], [2], [1]),
    yields("Split", [[2, 6], int64(2, 4)], { axis: 1 }, [2, 2], [2, 4]),
    // ONNX's examples of Slice: ends beyond the axis, negative ends and steps, empty parts.
    yields("Slice", [[20, 10, 5], int64(0, 0), int64(3, 10), int64(0, 1)], {}, [3, 10, 5]),
    yields("Slice", [[20, 10, 5], int64(0, 0, 3), int64(20, 10, 4)], {}, [20, 10, 1]),
    yields("Slice", [[20, 10, 5], int64(1), int64(1000), int64(1), int64(1)], {}, [20, 9, 5]),
    yields("Slice", [[20, 10, 5], int64(0), int64(-1), int64(1), int64(1)], {}, [20, 9, 5]),
    yields("Slice", [[20, 10, 5], int64(20, 10, 4), int64(0, 0, 1), int64(0, 1, 2), int64(-1, -3, -2)], {}, [19, 3, 2]),
    yields("Slice", [[20, 10, 5], int64(1000), int64(1000), int64(1), int64(1)], {}, [20, 0, 5]),
    yields("Slice", [[20, 10, 5], int64(0), int64(-1), int64(-2), int64(1)], {}, [20, 9, 5]),
    yields("Slice", [[4], int64(-1), int64(-(2 ** 63)), int64(0), int64(-1)], {}, [4]),
    yields("Slice", [[4], int64(0), int64(2 ** 63), undefined, int64(3)], {}, [2]),
    yields("Pad", [[1, 3, 4, 5], int64(0, 0, 1, 3, 0, 0, 2, 4)], { mode: "constant" }, [1, 3, 7, 12]),
    yields("Pad", [[3, 4], int64(1, -1), undefined, int64(-1)], { mode: "edge" }, [3, 4]),
    yields("Pad", [[3, 4], int64(-1, 0, 0, -2), []], { mode: "constant" }, [2, 2]),
    yields("Reshape", [[2, 3, 4], int64(4, 2, 3)], { allowzero: false }, [4, 2, 3]),
    yields("Reshape", [[2, 3, 4], int64(2, -1, 2)], { allowzero: false }, [2, 6, 2]),
    yields("Reshape", [[2, 3, 4], int64(0, -1)], { allowzero: false }, [2, 12]),
    yields("Reshape", [[2, 3, 4], int64(2, 0, 1, -1)], { allowzero: false }, [2, 3, 1, 4]),
    yields("Reshape", [[0, 3, 4], int64(3, 4, 0)], { allowzero: true }, [3, 4, 0]),
    yields("Reshape", [[1], int64()], { allowzero: false }, []),
    ...[0, 1, 2, 3, 4, -1].map((axis) =>
      yields(
        "Flatten",
        [[5, 4, 3, 2]],
        { axis },
        [
          [1, 120],
          [5, 24],
          [20, 6],
          [60, 2],
          [120, 1],
        ].at(axis === -1 ? 3 : axis) ?? [],
      ),
    ),
    yields("Squeeze", [[1, 3, 1, 5], int64(0, -2)], {}, [3, 5]),
    yields("Squeeze", [[1, 3, 1, 5]], {}, [3, 5]),
    yields("Unsqueeze", [[3, 4, 5], int64(5, 0, -2)], {}, [1, 3, 4, 5, 1, 1]),
    yields("Unsqueeze", [[3, 4], int64(1, -1)], {}, [3, 1, 4, 1]),
    yields("Transpose", [[2, 3, 4]], { perm: [1, 2, 0] }, [3, 4, 2]),
    yields("Transpose", [[2, 3, 4]], { perm: [] }, [4, 3, 2]),
    yields("Expand", [[3, 1], int64(2, 1, 6)], {}, [2, 3, 6]),
    yields("Expand", [[3, 1], int64(3, 4)], {}, [3, 4]),
    yields("Tile", [[2, 3, 4], int64(1, 2, 3)], {}, [2, 6, 12]),
    yields("Gather", [[5, 4, 3, 2], ints([3])], { axis: 0 }, [3, 4, 3, 2]),
    yields("Gather", [[5, 4, 3, 2], ints([])], { axis: -1 }, [5, 4, 3]),
    yields("Gather", [[3, 3], constant("int64", [0, -3], [1, 2])], { axis: 1 }, [3, 1, 2]),
    yields("DepthToSpace", [[1, 8, 2, 3]], { blocksize: 2, mode: "CRD" }, [1, 2, 4, 6]),
    yields("SpaceToDepth", [[1, 2, 4, 6]], { blocksize: 2 }, [1, 8, 2, 3]),

    // Resize, mostly ONNX's examples.
    yields("Resize", [[1, 1, 2, 2], undefined, floatScales(1, 1, 2, 3)], resize, [1, 1, 4, 6]),
    yields("Resize", [[1, 1, 2, 4], undefined, floatScales(1, 1, 0.6, 0.6)], resize, [1, 1, 1, 2]),
    yields(
      "Resize",
      [[1, 1, 2, 4], constant("float32", []), floatScales(2, 0.6), constant("int64", [])],
      { ...resize, axes: [-1, 2] },
      [1, 1, 1, 8],
    ),
    yields("Resize", [[1, 1, 2, 2], undefined, undefined, int64(1, 1, 7, 8)], resize, [1, 1, 7, 8]),
    yields(
      "Resize",
      [[1, 1, 2, 4], undefined, undefined, int64(7, 8)],
      { ...resize, axes: [2, 3], keepAspectRatioPolicy: "not_larger" },
      [1, 1, 4, 8],
    ),
    yields(
      "Resize",
      [[1, 1, 2, 4], undefined, undefined, int64(7, 8)],
      { ...resize, axes: [2, 3], keepAspectRatioPolicy: "not_smaller" },
      [1, 1, 7, 14],
    ),
    yields(
      "Resize",
      [[1, 1, 4, 4], constant("float32", [0, 0, 0.4, 0.6, 1, 1, 0.6, 0.8]), undefined, int64(1, 1, 3, 3)],
      { ...resize, coordinateTransformationMode: "tf_crop_and_resize" },
      [1, 1, 3, 3],
    ),
    // 10 * 0.7f is 6.9999999 in float64, and 7 in float32.
    yields("Resize", [[1, 10], undefined, floatScales(1, 0.7)], resize, [1, 7]),
  ]);
});

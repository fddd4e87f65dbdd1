import { describe, expect, it } from "vitest";
import { LensletError } from "../../../errors.ts";
import type { Attributes, OpType } from "../../attributes.ts";
import { constant, infer, int64, type Operand } from "../testing/nodes.ts";

const window = { strides: [], dilations: [], pads: [], autoPad: "NOTSET" } as const;
const conv = { ...window, group: 1 } as const;
const transposed = { ...conv, outputPadding: [], outputShape: [] } as const;
const pool = { ...window, kernelShape: [2, 2], ceilMode: false, countIncludePad: false } as const;
const reshape = { allowzero: false } as const;
const resize = {
  mode: "nearest",
  coordinateTransformationMode: "asymmetric",
  nearestMode: "floor",
  cubicCoeffA: -0.75,
  excludeOutside: false,
  extrapolationValue: 0,
  antialias: false,
  axes: [],
  keepAspectRatioPolicy: "stretch",
} as const;
const images: Operand = [1, 4, 8, 8];
const scalar = (value: number): Operand => constant("float32", [value], []);

interface Refusal {
  readonly op: OpType;
  readonly operands: readonly Operand[];
  readonly attributes: Attributes[OpType];
  readonly message: string | RegExp;
  readonly code: string;
}

function refuses<T extends OpType>(
  op: T,
  operands: readonly Operand[],
  attributes: Attributes[T],
  message: string | RegExp,
  code = "model-invalid",
): Refusal {
  return { op, operands, attributes, message, code };
}

const refusals: readonly Refusal[] = [
  refuses(
    "Conv",
    [images, [8, 3, 3, 3]],
    conv,
    'node "node" (Conv): x has 4 channels, w is [8, 3, 3, 3] and group is 1',
  ),
  refuses("Conv", [images, [6, 1, 3, 3]], { ...conv, group: 4 }, "outC a multiple of group"),
  refuses("Conv", [images, [8, 4, 3]], conv, "w has the shape [8, 4, 3]; expected as many axes as x"),
  refuses("Conv", [images, [8, 4, 3, 3], [4]], conv, "bias has the shape [4]; expected [8]"),
  refuses(
    "Conv",
    [images, [8, 4, 9, 9]],
    conv,
    "the window covers 9 elements of spatial axis 0, the padded input has 8",
    "empty-output",
  ),
  refuses(
    "Conv",
    [images, [8, 4, 3, 3]],
    { ...conv, strides: [0, 1] },
    "strides is [0, 1]; expected 2 positive integers",
  ),
  refuses("Conv", [images, [8, 4, 3, 3]], { ...conv, pads: [-1, 0, 0, 0] }, "pads is [-1, 0, 0, 0]"),
  refuses("Conv", [images, [8, 4, 3, 3]], { ...conv, dilations: [1] }, "dilations is [1]; expected 2"),
  refuses("Conv", [images, [8, 4, 3, 3]], { ...conv, pads: [2 ** 31, 0, 0, 0] }, "pads is"),
  refuses("Conv", [images, [8, 0, 3, 3]], { ...conv, group: 0 }, "group is 0; expected a positive integer"),
  refuses("Conv", [{ type: "int64", shape: [1, 4, 8, 8] }, [8, 4, 3, 3]], conv, "x is int64; expected float32"),
  refuses(
    "Conv",
    [images, [8, 4, 3, 3], undefined, [1, 8, 8, 8]],
    conv,
    "residual has the shape [1, 8, 8, 8]; expected [1, 8, 6, 6]",
  ),
  refuses(
    "Conv",
    [
      [1, 1, 2 ** 20, 2 ** 12],
      [8, 1, 1, 1],
    ],
    conv,
    "elements; expected at most 536870911",
    "too-large",
  ),
  refuses("ConvTranspose", [images, [3, 4, 2, 2]], transposed, "x has 4 channels, w is [3, 4, 2, 2]"),
  refuses(
    "ConvTranspose",
    [images, [4, 4, 2, 2]],
    { ...transposed, pads: [5, 0, 5, 0] },
    "spatial axis 0 would have -1 elements",
    "empty-output",
  ),
  refuses(
    "Gemm",
    [
      [2, 3],
      [4, 5],
    ],
    { alpha: 1, beta: 1, transA: false, transB: false },
    "a gives 3 elements to each sum, b 4",
  ),
  refuses(
    "MatMul",
    [
      [2, 3, 4],
      [3, 4, 5],
    ],
    {},
    "the axes before the last two do not broadcast",
  ),
  refuses(
    "MatMul",
    [
      [2, 3],
      [4, 5],
    ],
    {},
    "a [2, 3] times b [4, 5]: a gives 3 elements to each sum, b 4",
  ),
  refuses("MatMul", [[], [4]], {}, "a scalar has no axis to sum over"),
  refuses(
    "BatchNormalization",
    [images, [4], [4], [5], [4]],
    { epsilon: 0, momentum: 0.9 },
    "mean has the shape [5]; expected [4] (one for each channel of x)",
  ),
  refuses(
    "GroupNormalization",
    [images, [4], [4]],
    { epsilon: 0, numGroups: 3 },
    "numGroups is 3; expected a divisor of the 4 channels",
  ),
  refuses("LayerNormalization", [images, [4, 1]], { axis: -1, epsilon: 0 }, "scale of shape [4, 1] does not broadcast"),
  refuses("AveragePool", [images], { ...pool, kernelShape: [2] }, "the window is [2]; expected 2 positive sizes"),
  refuses("AveragePool", [[4, 8]], pool, "x has the shape [4, 8]; expected [n, c, ...]"),
  refuses(
    "Add",
    [
      [2, 3],
      [3, 2],
    ],
    {},
    "b of shape [3, 2] does not broadcast with [2, 3]",
  ),
  refuses("Add", [[2], { type: "int64", shape: [2] }], {}, "a is float32 and b is int64; expected one type"),
  refuses("Where", [[2], [2], [2]], {}, "condition is float32; expected bool"),
  refuses("Clip", [[2], [2]], {}, "min has the shape [2]; expected a scalar"),
  refuses(
    "PRelu",
    [
      [2, 3],
      [4, 2, 3],
    ],
    {},
    "slope of shape [4, 2, 3] does not broadcast to x",
  ),
  refuses("Sqrt", [{ type: "int64", shape: [2] }], {}, "x is int64; expected float32"),
  refuses(
    "Softmax",
    [[2, 3]],
    { axis: 2, flatten: false },
    "axis is 2; expected an integer from -2 to 1 (the input has 2 axes)",
  ),
  refuses("Softmax", [[]], { axis: 0, flatten: false }, "axis is 0, but a scalar has no axes"),
  refuses(
    "ReduceSum",
    [[2, 3], int64(1, -1)],
    { keepdims: true, noopWithEmptyAxes: false },
    "axes [1, -1] name an axis twice",
  ),
  refuses(
    "ReduceSum",
    [[2, 3], { type: "int64", shape: [1] }],
    { keepdims: true, noopWithEmptyAxes: false },
    'the output\'s shape depends on axes ("in1"), which is known only when the network runs',
    "model-unsupported",
  ),
  refuses(
    "ArgMax",
    [[2, 0]],
    { axis: 1, keepdims: true, selectLastIndex: false },
    "axis 1 has no elements",
    "empty-output",
  ),
  refuses("TopK", [[2, 3], int64(4)], { axis: 1, largest: true, sorted: true }, "k is 4; expected 0 to 3"),
  refuses(
    "Concat",
    [
      [2, 3],
      [3, 3],
    ],
    { axis: 1 },
    "x[1] has the shape [3, 3], x[0] [2, 3]; they may differ along axis 1 alone",
  ),
  refuses("Split", [[5], int64(2)], { axis: 0 }, "sizes is [2]; expected 1 that add up to the 5 of axis 0"),
  refuses("Slice", [[5], int64(0), int64(5), int64(0), int64(0)], {}, "steps is 0 for axis 0"),
  refuses("Slice", [[5], int64(0), int64(5, 5)], {}, "ends has 2 elements for 1 axes"),
  refuses("Slice", [[5], int64(0, 0), int64(5, 5)], {}, "axis is 1; expected an integer from -1 to 0"),
  refuses("Pad", [[5], int64(1)], { mode: "constant" }, "pads has 1 elements; expected 2"),
  refuses(
    "Pad",
    [[5], int64(-3, -3)],
    { mode: "constant" },
    "pads take more from axis 0 than the 5 elements that it has",
  ),
  refuses("Pad", [[5], int64(2 ** 40, 0)], { mode: "constant" }, "elements; expected at most", "too-large"),
  refuses(
    "Reshape",
    [[2, 3], int64(4, -1)],
    reshape,
    "x of shape [2, 3] cannot be reshaped to [4, -1]: 6 elements do not fit",
  ),
  refuses("Reshape", [[2, 3], int64(-1, -1)], reshape, "one -1 may be there"),
  refuses("Reshape", [[2, 3], int64(6, 1, 0)], reshape, "x has no axis 2 that 0 could keep"),
  refuses("Reshape", [[0, 3], int64(0, -1)], { allowzero: true }, "any other fits the place of -1"),
  refuses("Reshape", [[2, 3], constant("float32", [6])], reshape, "shape is float32; expected int64"),
  refuses(
    "Reshape",
    [[1], int64(1, 1, 1, 1, 1, 1, 1, 1, 1)],
    reshape,
    "has 9 axes; expected at most 8",
    "model-unsupported",
  ),
  refuses("Squeeze", [[2, 1], int64(0)], {}, "axis 0 of [2, 1] has not the size 1"),
  refuses("Transpose", [[2, 3]], { perm: [0, 0] }, "perm is [0, 0]; expected each axis of [2, 3] once"),
  refuses("Expand", [[3], int64(4)], {}, "x of shape [3] does not broadcast with [4]"),
  refuses("Expand", [[1], int64(-1)], {}, "does not broadcast with [-1]"),
  refuses("Tile", [[3], int64(2, 2)], {}, "repeats is [2, 2]; expected 1 integers"),
  refuses("Gather", [[3], int64(3)], { axis: 0 }, "index 3 is out of range for axis 0 of 3 elements"),
  refuses("Gather", [[3], [1]], { axis: 0 }, "indices is float32; expected int64 or int32"),
  refuses(
    "DepthToSpace",
    [[1, 6, 2, 2]],
    { blocksize: 2, mode: "DCR" },
    "6 channels are no multiple of blocksize² = 4",
  ),
  refuses("SpaceToDepth", [[1, 6, 3, 2]], { blocksize: 2 }, "rows and columns, 3 and 2"),
  refuses("Resize", [images], resize, "expected either scales or sizes"),
  refuses("Resize", [images, undefined, constant("float32", [1, 1, 2])], resize, "scales has 3 elements; expected 4"),
  refuses("Resize", [images, undefined, constant("float32", [1, 1, 0, Number.NaN])], resize, "scales has 0 for axis 2"),
  refuses(
    "Resize",
    [images, undefined, constant("float32", [1, 1, 0.1, 1])],
    resize,
    "axis 2 of 8 elements scaled by",
    "empty-output",
  ),
  refuses("Resize", [images, undefined, [4]], resize, "known only when the network runs", "model-unsupported"),
  refuses(
    "ConstantOfShape",
    [int64(2, -1)],
    { value: 0, type: "float32" },
    "shape is [2, -1]; expected sizes of 0 or more",
  ),
  refuses(
    "ConstantOfShape",
    [int64(2 ** 62, 4)],
    { value: 0, type: "float32" },
    "elements; expected at most",
    "too-large",
  ),
  refuses("Range", [scalar(0), scalar(1), scalar(0)], {}, "a range from 0 to 1 in steps of 0 has no end"),
  refuses("Range", [scalar(0), scalar(Number.NaN), scalar(1)], {}, "has no end"),
  refuses(
    "DequantizeLinear",
    [{ type: "int8", shape: [4, 3] }, [4]],
    { axis: 1, blockSize: 0 },
    "scale has the shape [4]; expected [3]",
  ),
  refuses("DequantizeLinear", [{ type: "int8", shape: [4, 3] }, [4, 2]], { axis: 1, blockSize: -1 }, "blockSize is -1"),
  refuses(
    "NonMaxSuppression",
    [
      [1, 6, 4],
      [1, 1, 5],
    ],
    { centerPointBox: false },
    "do not agree",
  ),
];

describe("inference refuses", () => {
  it.each(refusals.map((refusal, index) => [`${refusal.op}: ${String(refusal.message)} (${index})`, refusal] as const))(
    "%s",
    (_, { op, operands, attributes, message, code }) => {
      expect.assertions(3);
      try {
        infer(op, operands, attributes);
      } catch (error) {
        expect(error).toBeInstanceOf(LensletError);
        expect(error).toHaveProperty("message", expect.stringContaining(String(message)));
        expect(error).toHaveProperty("code", code);
      }
    },
  );
});

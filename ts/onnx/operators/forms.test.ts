/** What earlier versions of operators meant, in the latest form. */
import { expect, test } from "vitest";
import { importOnnx } from "../import.ts";
import { describeNodes } from "../testing/describe.ts";
import * as onnx from "../testing/file.ts";

const { node, int, ints, float, floats, string } = onnx;

interface Form extends Omit<onnx.FileInit, "nodes"> {
  readonly opset: number;
  readonly node: onnx.FileInit["nodes"][number];
  readonly becomes: readonly string[];
}

const image: onnx.FileInit["inputs"] = { x: { shape: [1, 6, 8, 8] } };
const weights = onnx.raw("w", new Float32Array(54), { dims: [1, 6, 3, 3] });
const window = '"strides":[1,1],"dilations":[1,1],"pads":[0,0,0,0],"autoPad":"NOTSET"';
const reduced = '{"keepdims":true,"noopWithEmptyAxes":false}';

const forms: Readonly<Record<string, Form>> = {
  "Conv's defaults": {
    opset: 11,
    node: node("Conv", ["x", "w"]),
    initialisers: [weights],
    becomes: [`Conv(x, [${Array.from({ length: 54 }, () => 0).join(", ")}]) {${window},"group":1} -> y`],
  },
  "Conv of one axis, its weights an input": {
    opset: 11,
    inputs: { x: { shape: [1, 6, 8] }, w: { shape: [2, 6, 3] } },
    node: node("Conv", ["x", "w"]),
    becomes: ['Conv(x, w) {"strides":[1],"dilations":[1],"pads":[0,0],"autoPad":"NOTSET","group":1} -> y'],
  },
  "pads that auto_pad overrides": {
    opset: 11,
    inputs: { x: {}, w: {} },
    node: node("Conv", ["x", "w", ""], { auto_pad: string("SAME_LOWER"), pads: ints(9, 9, 9, 9), strides: ints(2, 2) }),
    becomes: ['Conv(x, w) {"strides":[2,2],"dilations":[1,1],"pads":[0,0,0,0],"autoPad":"SAME_LOWER","group":1} -> y'],
  },
  "ConvTranspose's defaults": {
    opset: 11,
    inputs: { x: {}, w: {} },
    node: node("ConvTranspose", ["x", "w"], { strides: ints(2, 2) }),
    becomes: [
      `ConvTranspose(x, w) {${window.replace("[1,1]", "[2,2]")},"group":1,"outputPadding":[0,0],"outputShape":[]} -> y`,
    ],
  },
  "MaxPool of opset 7": {
    opset: 7,
    node: node("MaxPool", ["x"], { kernel_shape: ints(2, 2) }),
    becomes: [`MaxPool(x) {${window},"kernelShape":[2,2],"ceilMode":false,"storageOrder":0} -> y`],
  },
  "MaxPool with indices by column": {
    opset: 12,
    outputs: ["y", "i"],
    node: node(
      "MaxPool",
      ["x"],
      { kernel_shape: ints(2, 2), storage_order: int(1) },
      { name: "p", outputs: ["y", "i"] },
    ),
    becomes: [
      `MaxPool(x) {${window},"kernelShape":[2,2],"ceilMode":false,"storageOrder":0} -> y, p/byRow`,
      'Shape(x) {"start":2,"end":3} -> p/h',
      'Shape(x) {"start":3,"end":4} -> p/w',
      "Mul(p/h, p/w) -> p/area",
      'Mod(p/byRow, p/area) {"fmod":false} -> p/inImage',
      "Sub(p/byRow, p/inImage) -> p/image",
      "Div(p/inImage, p/w) -> p/row",
      'Mod(p/inImage, p/w) {"fmod":false} -> p/x',
      "Mul(p/x, p/h) -> p/column",
      "Add(p/column, p/row) -> p/byColumn",
      "Add(p/byColumn, p/image) -> i",
    ],
  },
  "LpPool of opset 1, whose p is a float": {
    opset: 1,
    node: node("LpPool", ["x"], { kernel_shape: ints(2, 2), p: float(1) }),
    becomes: [`LpPool(x) {${window},"kernelShape":[2,2],"ceilMode":false,"p":1} -> y`],
  },
  "BatchNormalization of opset 7": {
    opset: 7,
    inputs: { x: {}, s: {}, b: {}, m: {}, v: {} },
    node: node("BatchNormalization", ["x", "s", "b", "m", "v"], {
      epsilon: float(0.5),
      momentum: float(0.25),
      spatial: int(1),
    }),
    becomes: ['BatchNormalization(x, s, b, m, v) {"epsilon":0.5,"momentum":0.25} -> y'],
  },
  "GroupNormalization of opset 18, with a scale a group": {
    opset: 18,
    inputs: { x: {}, s: {}, b: {} },
    node: node("GroupNormalization", ["x", "s", "b"], { num_groups: int(2) }, { name: "g" }),
    becomes: [
      ...["scale s", "bias b"].flatMap((both) => {
        const [what, input] = both.split(" ");
        const at = `g/${what}`;
        return [
          `Shape(x) {"start":1,"end":2} -> ${at}/c`,
          `Div(${at}/c, [2]) -> ${at}/inGroup`,
          `Concat([2], ${at}/inGroup) {"axis":0} -> ${at}/sizes`,
          `Unsqueeze(${input}, [1]) -> ${at}/column`,
          `Expand(${at}/column, ${at}/sizes) -> ${at}/table`,
          `Reshape(${at}/table, [-1]) {"allowzero":false} -> ${at}/flat`,
        ];
      }),
      `GroupNormalization(x, g/scale/flat, g/bias/flat) {"epsilon":${Math.fround(1e-5)},"numGroups":2} -> y`,
    ],
  },
  "GroupNormalization of opset 21, with a scale a channel": {
    opset: 21,
    inputs: { x: {}, s: {}, b: {} },
    node: node("GroupNormalization", ["x", "s", "b"], { num_groups: int(2), epsilon: float(0.5) }),
    becomes: ['GroupNormalization(x, s, b) {"epsilon":0.5,"numGroups":2} -> y'],
  },
  "Gemm of opset 6": {
    opset: 6,
    inputs: { a: {}, b: {}, c: {} },
    node: node("Gemm", ["a", "b", "c"], { broadcast: int(1), transB: int(1) }),
    becomes: ['Gemm(a, b, c) {"alpha":1,"beta":1,"transA":false,"transB":true} -> y'],
  },
  "Add of opset 6, broadcasting from an axis": {
    opset: 6,
    inputs: { x: { shape: [1, 6, 8, 8] }, b: { shape: [6] } },
    node: node("Add", ["x", "b"], { broadcast: int(1), axis: int(1) }, { name: "add" }),
    becomes: ["Unsqueeze(b, [1, 2]) -> add/b", "Add(x, add/b) -> y"],
  },
  "Mul of opset 6, broadcasting from the last axis": {
    opset: 6,
    inputs: { x: { shape: [1, 6, 8, 8] }, b: { shape: [8] } },
    node: node("Mul", ["x", "b"], { broadcast: int(1), axis: int(-1) }),
    becomes: ["Mul(x, b) -> y"],
  },
  "PRelu of opset 6, with a slope a channel": {
    opset: 6,
    inputs: { x: { shape: [1, 6, 8, 8] }, s: { shape: [6] } },
    node: node("PRelu", ["x", "s"], {}, { name: "p" }),
    becomes: ["Unsqueeze(s, [1, 2]) -> p/slope", "PRelu(x, p/slope) -> y"],
  },
  "Relu of opset 1": { opset: 1, node: node("Relu", ["x"], { consumed_inputs: ints(0) }), becomes: ["Relu(x) -> y"] },
  "Clip of opset 6": {
    opset: 6,
    node: node("Clip", ["x"], { min: float(0), max: float(6) }),
    becomes: ["Clip(x, 0, 6) -> y"],
  },
  "Clip of opset 10, without a lower limit": {
    opset: 10,
    node: node("Clip", ["x"], { max: float(6) }),
    becomes: ["Clip(x, -, 6) -> y"],
  },
  "Dropout of opset 7": {
    opset: 7,
    node: node("Dropout", ["x"], { ratio: float(0.25) }, { outputs: ["y", "unused"] }),
    becomes: ['Dropout(x) {"ratio":0.25} -> y'],
  },
  "Dropout with a mask that is wanted": {
    opset: 13,
    outputs: ["y", "mask"],
    node: node("Dropout", ["x"], {}, { name: "d", outputs: ["y", "mask"] }),
    becomes: [
      'Dropout(x) {"ratio":0.5} -> y',
      'Shape(x) {"start":0} -> d/shape',
      'ConstantOfShape(d/shape) {"value":1,"type":"bool"} -> mask',
    ],
  },
  "Softmax of opset 11": {
    opset: 11,
    node: node("Softmax", ["x"]),
    becomes: ['Softmax(x) {"axis":1,"flatten":true} -> y'],
  },
  "Softmax of opset 13": {
    opset: 13,
    node: node("Softmax", ["x"]),
    becomes: ['Softmax(x) {"axis":-1,"flatten":false} -> y'],
  },
  "ReduceMean of opset 11": {
    opset: 11,
    node: node("ReduceMean", ["x"], { axes: ints(2, 3) }),
    becomes: [`ReduceMean(x, [2, 3]) ${reduced} -> y`],
  },
  "ReduceMean of opset 11 over all axes": {
    opset: 11,
    node: node("ReduceMean", ["x"]),
    becomes: [`ReduceMean(x) ${reduced} -> y`],
  },
  "ReduceSum of opset 13": {
    opset: 13,
    inputs: { x: {}, axes: { type: onnx.INT64 } },
    node: node("ReduceSum", ["x", "axes"], { keepdims: int(0), noop_with_empty_axes: int(1) }),
    becomes: ['ReduceSum(x, axes) {"keepdims":false,"noopWithEmptyAxes":true} -> y'],
  },
  "TopK of opset 9": {
    opset: 9,
    outputs: ["y", "i"],
    node: node("TopK", ["x"], { k: int(5) }, { outputs: ["y", "i"] }),
    becomes: ['TopK(x, [5]) {"axis":-1,"largest":true,"sorted":true} -> y, i'],
  },
  "Slice of opset 9": {
    opset: 9,
    node: node("Slice", ["x"], { starts: ints(1), ends: ints(3), axes: ints(2) }),
    becomes: ["Slice(x, [1], [3], [2]) -> y"],
  },
  "Pad of opset 2": {
    opset: 2,
    node: node("Pad", ["x"], { pads: ints(0, 0, 1, 1), mode: string("reflect"), value: float(2) }),
    becomes: ['Pad(x, [0, 0, 1, 1], 2) {"mode":"reflect"} -> y'],
  },
  "Pad of opset 1": {
    opset: 1,
    node: node("Pad", ["x"], { paddings: ints(1, 1) }),
    becomes: ['Pad(x, [1, 1], 0) {"mode":"constant"} -> y'],
  },
  "Squeeze of opset 11": {
    opset: 11,
    node: node("Squeeze", ["x"], { axes: ints(0) }),
    becomes: ["Squeeze(x, [0]) -> y"],
  },
  "Squeeze of opset 11, all axes": { opset: 11, node: node("Squeeze", ["x"]), becomes: ["Squeeze(x, -) -> y"] },
  "Unsqueeze of opset 11": {
    opset: 11,
    node: node("Unsqueeze", ["x"], { axes: ints(0, 3) }),
    becomes: ["Unsqueeze(x, [0, 3]) -> y"],
  },
  "Split of opset 11": {
    opset: 11,
    outputs: ["y", "z"],
    node: node("Split", ["x"], { split: ints(2, 4), axis: int(1) }, { outputs: ["y", "z"] }),
    becomes: ['Split(x, [2, 4]) {"axis":1} -> y, z'],
  },
  "Split of opset 18": {
    opset: 18,
    outputs: ["z"],
    node: node("Split", ["x"], { num_outputs: int(2) }, { outputs: ["y", "z"] }),
    becomes: ['Split(x, -) {"axis":0} -> y, z'],
  },
  "Reshape of opset 1": {
    opset: 1,
    node: node("Reshape", ["x"], { shape: ints(0, -1) }),
    becomes: ['Reshape(x, [0, -1]) {"allowzero":false} -> y'],
  },
  "Concat of opset 1, whose axis has a default": {
    opset: 1,
    inputs: { a: {}, b: {} },
    node: node("Concat", ["a", "b"]),
    becomes: ['Concat(a, b) {"axis":1} -> y'],
  },
  "Cast of opset 1, which names the type": {
    opset: 1,
    node: node("Cast", ["x"], { to: string("INT32") }),
    becomes: ['Cast(x) {"to":"int32"} -> y'],
  },
  "Cast to float16, which is held as float32": {
    opset: 13,
    node: node("Cast", ["x"], { to: int(10) }),
    becomes: ['Cast(x) {"to":"float32"} -> y'],
  },
  "Shape with an end": {
    opset: 15,
    node: node("Shape", ["x"], { start: int(-2), end: int(3) }),
    becomes: ['Shape(x) {"start":-2,"end":3} -> y'],
  },
  "ConstantOfShape of integers": {
    opset: 9,
    node: node("ConstantOfShape", ["x"], {
      value: onnx.tensor(onnx.raw("", BigInt64Array.of(7n), { type: onnx.INT64 })),
    }),
    becomes: ['ConstantOfShape(x) {"value":7,"type":"int64"} -> y'],
  },
};

const points =
  '"nearestMode":"floor","cubicCoeffA":-0.75,"excludeOutside":false,"extrapolationValue":0,"antialias":false,"axes":[],"keepAspectRatioPolicy":"stretch"';
const resizes: Readonly<Record<string, Form>> = {
  "Upsample of opset 1": {
    opset: 1,
    node: node("Upsample", ["x"], { height_scale: float(2), width_scale: float(3), mode: string("bilinear") }),
    becomes: [
      `Resize(x, -, [1, 1, 2, 3]) {"coordinateTransformationMode":"asymmetric",${points},"mode":"linear"} -> y`,
    ],
  },
  "Upsample of opset 7": {
    opset: 7,
    node: node("Upsample", ["x"], { scales: floats(1, 1, 2, 2) }),
    becomes: [
      `Resize(x, -, [1, 1, 2, 2]) {"coordinateTransformationMode":"asymmetric",${points},"mode":"nearest"} -> y`,
    ],
  },
  "Upsample of opset 9": {
    opset: 9,
    inputs: { x: {}, s: {} },
    node: node("Upsample", ["x", "s"], { mode: string("linear") }),
    becomes: [`Resize(x, -, s) {"coordinateTransformationMode":"asymmetric",${points},"mode":"linear"} -> y`],
  },
  "Resize of opset 10": {
    opset: 10,
    inputs: { x: {}, s: {} },
    node: node("Resize", ["x", "s"]),
    becomes: [`Resize(x, -, s) {"coordinateTransformationMode":"asymmetric",${points},"mode":"nearest"} -> y`],
  },
  "Resize of opset 11 by sizes, with operands that are empty": {
    opset: 11,
    inputs: { x: {}, s: { type: onnx.INT64 } },
    initialisers: [onnx.raw("none", new Float32Array(0))],
    node: node("Resize", ["x", "none", "none", "s"], { nearest_mode: string("floor") }),
    becomes: [`Resize(x, -, -, s) {"mode":"nearest","coordinateTransformationMode":"half_pixel",${points}} -> y`],
  },
  ...Object.fromEntries(
    [
      ["floor", "round_prefer_ceil"],
      ["round_prefer_floor", "ceil"],
    ].map(([mode = "", nearest = ""]): [string, Form] => [
      `Resize of opset 11, nearest by ${mode} as TensorFlow once had it`,
      {
        opset: 11,
        inputs: { x: {}, r: {}, s: {} },
        node: node("Resize", ["x", "r", "s"], {
          coordinate_transformation_mode: string("tf_half_pixel_for_nn"),
          nearest_mode: string(mode),
        }),
        becomes: [
          `Resize(x, r, s, -) {"mode":"nearest","coordinateTransformationMode":"half_pixel",${points.replace("floor", nearest)}} -> y`,
        ],
      },
    ]),
  ),
};

test.each(Object.entries({ ...forms, ...resizes }))("%s", (_, { node: one, becomes, inputs = image, ...rest }) => {
  expect(describeNodes(importOnnx(onnx.file({ ...rest, inputs, nodes: [one] })))).toEqual(becomes);
});

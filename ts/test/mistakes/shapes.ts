/** Shapes that do not go together, and those that leave nothing or too much. */
import { featureMapSize, image } from "lenslet";
import { conv, type Mistake, ones, pixel, pool, rows, transposed } from "./mistake.ts";

export const shapes: readonly Mistake[] = rows("shape-mismatch", [
  [
    "x of rank 3",
    "x",
    [/\[5, 6, 4\]/, /\[n, h, w, c\]/, /reshape\(x, \[1, 5, 6, 4\]\)/],
    (engine, { x, filter }) => engine.scope(() => engine.conv2d(engine.reshape(x, [5, 6, 4]), filter)),
  ],
  [
    "x of rank 1",
    "x",
    [/\[6\]/, /\[n, c, h, w\]/],
    (engine, { vector, filter }) => engine.conv2d(vector, filter, { layout: "NCHW" }),
  ],
  [
    "a filter of rank 1",
    "filter",
    [/\[6\]/, /\[kH, kW, inC \/ groups, outC\]/],
    (engine, { x, vector }) => engine.conv2d(x, vector),
  ],
  ["a filter for other channels", "filter", [/\[3, 3, 4, 8\]/, /8|2/, /inC \/ groups/], conv({ groups: 2 })],
  [
    "a bias of another length",
    "bias",
    [/bias has shape \[3\];/, /expected \[8\]/, /output channels/],
    conv({ bias: [1, 2, 3] }),
  ],
  [
    "data too short",
    "data",
    [/data has 3 elements;/, /expected 4 for shape \[2, 2\]/],
    (engine) => engine.tensor([1, 2, 3], [2, 2]),
  ],
  [
    "data too long",
    "data",
    [/data has 3 elements;/, /expected 1 for shape \[\]/],
    (engine) => engine.tensor([1, 2, 3], []),
  ],
  [
    "a filter's data too short",
    "filter.data",
    [/has 5 elements;/, /expected 36 for shape \[3, 3, 4, 1\]/],
    (engine, { x }) => engine.conv2d(x, { data: [1, 2, 3, 4, 5], shape: [3, 3, 4, 1] }),
  ],
  [
    "transposed: a filter for other channels",
    "filter",
    [/\[3, 3, 4, 8\]/, /8 input channels/, /\[kH, kW, outC \/ groups, inC\]/],
    (engine, { x, filter }) => engine.convTranspose2d(x, filter),
  ],
  [
    "dense: weights of other rows",
    "weights",
    [/\[5, 2\]/, /expected \[4, n\]/],
    (engine, { x }) => engine.dense(x, ones([5, 2])),
  ],
  [
    "dense: weights the other way round",
    "weights",
    [/\[2, 4\]/, /transposed: true/],
    (engine, { x }) => engine.dense(x, ones([2, 4])),
  ],
  [
    "shapes that do not broadcast",
    "b",
    [/\[6\]/, /\[1, 5, 6, 4\]/, /equal or 1/],
    (engine, { x, vector }) => engine.add(x, vector),
  ],
  [
    "concat of other sizes",
    "tensors[1]",
    [/\[1, 2, 6, 4\]/, /axis 0/],
    (engine, { x }) => engine.concat([x, ones([1, 2, 6, 4])], { axis: 0 }),
  ],
  [
    "concat of other ranks",
    "tensors[1]",
    [/\[6\]/, /expected the same sizes/],
    (engine, { x, vector }) => engine.concat([x, vector], { axis: 0 }),
  ],
  [
    "reshape to another number of elements",
    "shape",
    [/\[7, 17\]/, /119/, /120/],
    (engine, { x }) => engine.reshape(x, [7, 17]),
  ],
  [
    "reshape with a hole that does not come out even",
    "shape",
    [/\[7, -1\]/, /divisor of the 120/],
    (engine, { x }) => engine.reshape(x, [7, -1]),
  ],
  [
    "batchNorm with other statistics",
    "mean",
    [/mean has shape \[3\];/, /expected \[4\]/],
    (engine, { x }) => engine.batchNorm(x, { mean: [1, 2, 3], variance: [1, 1, 1, 1] }),
  ],
  ["pad in words on a vector", "x", [/\[6\]/, /rank 4/], (engine, { vector }) => engine.pad(vector, { padding: 1 })],
  [
    "pixels too short",
    "pixels.data",
    [/has 4 bytes;/, /expected 8/],
    (engine) => image.toTensor(engine, { ...pixel, width: 2 }),
  ],
  [
    "grey of two channels",
    "tensor",
    [/2 channels|\[1, 5, 12, 2\]/, /1, 3 or 4/],
    (engine, { x }) => engine.scope(() => image.toGrey(engine.reshape(x, [1, 5, 12, 2]))),
  ],
]);

export const sizes: readonly Mistake[] = [
  ...rows("empty-output", [
    [
      "a kernel larger than the image",
      "filter",
      [/covers 7 rows/, /the padded input has 5/, /more padding/],
      (engine, { x }) => engine.conv2d(x, ones([7, 1, 4, 1])),
    ],
    [
      "a dilated kernel larger than the image",
      "filter",
      [/covers 7 rows/, /dilation 3/, /padding/],
      conv({ dilation: 3 }),
    ],
    ["a pool larger than the image", "size", [/covers 7 columns/, /has 6/, /smaller size/], pool({ size: [5, 7] })],
    [
      "transposed: padding that cuts everything off",
      "padding",
      [/padding cuts/, /less padding/],
      transposed({ padding: 4 }),
    ],
    [
      "a scale that leaves nothing",
      "scale",
      [/scale is 0\.01/, /expected/],
      (engine, { x }) => engine.resize(x, { scale: 0.01 }),
    ],
    ["featureMapSize of nothing", "kernel", [/covers 5/, /has 3/], () => featureMapSize({ input: 3, kernel: 5 })],
  ]),
  ...rows("too-large", [
    [
      "a shape of 2^31 elements",
      "shape",
      [/\[65536, 32768\]/, /536870911/],
      (engine) => engine.tensor([], [65536, 32768]),
    ],
    ["a shape whose product is beyond 2^53", "shape", [/elements/], (engine) => engine.tensor([], [2 ** 40, 2 ** 40])],
    [
      "padding that makes 2^31 elements",
      "the output",
      [/\[1, 65541, 65542, 4\]|65541/, /elements/],
      (engine, { x }) => engine.pad(x, { padding: 32768 }),
    ],
    ["a convolution that makes 2^31 elements", "the output", [/elements/], conv({ padding: 16384 })],
    ["a resize to 2^31 elements", "the output", [/elements/], (engine, { x }) => engine.resize(x, { size: 32768 })],
    [
      "broadcasting to 2^31 elements",
      "the output",
      [/elements/],
      (engine) => engine.add(ones([65536, 1]), ones([1, 32768])),
    ],
    [
      "a filter of 2^31 elements",
      "filter.shape",
      [/elements/],
      (engine, { x }) => engine.conv2d(x, { data: [], shape: [3, 3, 4, 2 ** 31] }),
    ],
  ]),
];

/** Mistakes with operators along axes, selections and norms. */
import { type Mistake, ones, rows, wrong } from "./mistake.ts";

export const along: readonly Mistake[] = [
  ...rows("invalid-argument", [
    ["reduce over an axis too far", "axes", [/axes is 4;/, /from -4 to 3/], (e, { x }) => e.reduceSum(x, { axes: 4 })],
    [
      "reduce over an axis twice",
      "axes",
      [/axes is \[1, -3\];/, /once/],
      (e, { x }) => e.reduceMax(x, { axes: [1, -3] }),
    ],
    [
      "reduce with NumPy's word",
      "keepDims",
      [/"keepDims"/, /axes or keepAxes/],
      (e, { x }) => e.reduceMean(x, wrong({ keepDims: true })),
    ],
    ["argMax over an axis too far", "axis", [/axis is -5;/, /from -4 to 3/], (e, { x }) => e.argMax(x, { axis: -5 })],
    [
      "argMax with keepAxis 1",
      "keepAxis",
      [/keepAxis is 1;/, /true or false/],
      (e, { x }) => e.argMin(x, { keepAxis: wrong(1) }),
    ],
    ["topK of none", "k", [/k is 0;/, /positive integer/], (e, { x }) => e.topK(x, { k: 0 })],
    ["topK of too many", "k", [/k is 5;/, /at most 4, the size of axis 3/], (e, { x }) => e.topK(x, { k: 5 })],
    ["topK without k", "k", [/k is undefined;/], (e, { x }) => e.topK(x, wrong({}))],
    ["slice by steps of 0", "step[0]", [/step\[0\] is 0;/, /not 0/], (e, { vector }) => e.slice(vector, { step: [0] })],
    [
      "slice of nothing",
      "end[0]",
      [/end\[0\] is 2;/, /leaves elements on axis 0, of 6/],
      (e, { vector }) => e.slice(vector, { start: [2], end: [2] }),
    ],
    [
      "slice of too many axes",
      "start",
      [/start is \[0, 0\];/, /up to 1/],
      (e, { vector }) => e.slice(vector, { start: [0, 0] }),
    ],
    [
      "slice from a fraction",
      "start[0]",
      [/start\[0\] is 0\.5;/, /whole number/],
      (e, { vector }) => e.slice(vector, { start: [0.5] }),
    ],
    [
      "gather along an axis too far",
      "axis",
      [/axis is 1;/, /from -1 to 0/],
      (e, { vector }) => e.gather(vector, [0], { axis: 1 }),
    ],
    ["gather of no indices", "indices", [/indices is \[\];/], (e, { vector }) => e.gather(vector, [])],
    [
      "groups that do not divide the channels, of a norm",
      "groups",
      [/groups is 3;/, /divisor of the 4/],
      (e, { x }) => e.groupNorm(x, { groups: 3 }),
    ],
    [
      "epsilon below 0, of a norm",
      "epsilon",
      [/epsilon is -1;/, /0 or more/],
      (e, { x }) => e.layerNorm(x, { epsilon: -1 }),
    ],
    [
      "a response over too many channels",
      "size",
      [/size is 9;/, /at most 8/],
      (e, { x }) => e.localResponseNorm(x, { size: 9 }),
    ],
    ["celu of width 0", "alpha", [/alpha is 0;/, /positive/], (e, { x }) => e.celu(x, { alpha: 0 })],
    [
      "explain of what has no ways",
      "op",
      [/op is "relu";/, /"conv2d", "convTranspose2d" or "dense"/],
      (e, { x }) => e.explain(wrong<"conv2d">("relu"), x, x),
    ],
    [
      "explain of a mistake",
      "stride",
      [/explain: stride is 0;/],
      (e, { x, filter }) => e.explain("conv2d", x, filter, { stride: 0 }),
    ],
  ]),
  ...rows("shape-mismatch", [
    [
      "where of shapes that do not go together",
      "a",
      [/\[5\]/, /condition has \[6\]/],
      (e, { vector }) => e.where(vector, [1, 2, 3, 4, 5], 0),
    ],
    ["matmul of other sizes", "b", [/\[5, 2\]/, /expected \[\.\.\., 4, n\]/], (e, { x }) => e.matmul(x, ones([5, 2]))],
    ["matmul of a vector", "a", [/\[6\]/, /two axes/, /reshape/], (e, { vector, x }) => e.matmul(vector, x)],
    ["broadcastTo another size", "shape", [/\[2, 5\]/, /\[6\]/], (e, { vector }) => e.broadcastTo(vector, [2, 5])],
    [
      "layerNorm's scale of another length",
      "scale",
      [/\[3\]/, /expected \[4\]/],
      (e, { x }) => e.layerNorm(x, { scale: [1, 2, 3] }),
    ],
    ["instanceNorm of a vector", "x", [/\[6\]/, /\[n, h, w, c\]/], (e, { vector }) => e.instanceNorm(vector)],
  ]),
  ...rows("tensor-disposed", [["reduce of what is gone", "x", [/disposed/], (e, { gone }) => e.reduceSum(gone)]]),
  ...rows("foreign-tensor", [
    ["where of another engine's", "condition", [/another engine/], (e, { foreign }) => e.where(foreign, 1, 0)],
  ]),
];

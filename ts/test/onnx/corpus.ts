/** Sound ONNX files, small enough to be damaged by the thousand. */
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as onnx from "../../onnx/testing/file.ts";

/** Larger files would make a run long and its findings no different. */
const MOST_BYTES = 700_000;

/** All ONNX files of moderate size at or below some paths. */
export function filesAt(paths: readonly string[]): Uint8Array[] {
  const files = paths.flatMap((path) =>
    statSync(path).isDirectory() ? globSync("**/*.onnx", { cwd: path }).map((file) => join(path, file)) : [path],
  );
  return files
    .sort()
    .filter((file) => statSync(file).size <= MOST_BYTES)
    .map((file) => new Uint8Array(readFileSync(file)));
}

const { node, int, ints, float, string } = onnx;
const weights = (name: string, dims: readonly number[]): onnx.TensorInit => {
  const length = dims.reduce((product, size) => product * size, 1);
  return onnx.raw(
    name,
    Float32Array.from({ length }, (_, i) => Math.sin(i)),
    { dims },
  );
};
const integers = (name: string, values: readonly bigint[], dims = [values.length]): onnx.TensorInit =>
  onnx.raw(name, BigInt64Array.from(values), { type: onnx.INT64, dims });
const to = (...outputs: readonly string[]): { readonly outputs: readonly string[] } => ({ outputs });

/** Files that need none from elsewhere: a classifier, arithmetic of shapes, functions, quantised weights, a detector. */
export function ownFiles(): Uint8Array[] {
  return [classifier(), shapeArithmetic(), functions(), quantised(), detector(), oldForms()];
}

function classifier(): Uint8Array {
  return onnx.file({
    inputs: { x: { shape: ["n", 3, 16, 16] } },
    initialisers: [
      ...[weights("w1", [8, 3, 3, 3]), weights("b1", [8]), weights("w2", [8, 1, 3, 3]), weights("w3", [10, 8])],
      ...["scale", "bias", "mean", "variance"].map((name) => onnx.raw(name, new Float32Array(8).fill(0.5))),
      onnx.raw("six", Float32Array.of(6), { dims: [] }),
    ],
    nodes: [
      node(
        "Conv",
        ["x", "w1", "b1"],
        { pads: ints(1, 1, 1, 1), strides: ints(2, 2), kernel_shape: ints(3, 3) },
        to("c1"),
      ),
      node("BatchNormalization", ["c1", "scale", "bias", "mean", "variance"], { epsilon: float(1e-3) }, to("n1")),
      node("Clip", ["n1", "", "six"], {}, to("r1")),
      node("Conv", ["r1", "w2"], { auto_pad: string("SAME_UPPER"), group: int(8) }, to("c2")),
      node("Add", ["r1", "c2"], {}, to("s")),
      node("MaxPool", ["s"], { kernel_shape: ints(2, 2), strides: ints(2, 2), ceil_mode: int(1) }, to("p")),
      node("GlobalAveragePool", ["p"], {}, to("g")),
      node("Flatten", ["g"], {}, to("f")),
      node("Gemm", ["f", "w3"], { transB: int(1) }, to("logits")),
      node("Softmax", ["logits"]),
    ],
  });
}

function shapeArithmetic(): Uint8Array {
  return onnx.file({
    inputs: { x: { shape: ["n", 4, "h", "w"] } },
    outputs: ["y", "top", "where"],
    initialisers: [integers("two", [2n]), integers("rest", [-1n]), integers("k", [3n]), integers("axes", [2n, 3n])],
    nodes: [
      node("Shape", ["x"], {}, to("shape")),
      node("Gather", ["shape", "two"], { axis: int(0) }, to("h")),
      node("Mul", ["h", "two"], {}, to("double")),
      node("Concat", ["double", "double"], { axis: int(0) }, to("sizes")),
      node("Slice", ["shape", "two", "k", "", ""], {}, to("sliced")),
      node("Cast", ["sliced"], { to: int(7) }, to("cast")),
      node("ConstantOfShape", ["cast"], { value: onnx.tensor(onnx.raw("", Float32Array.of(1))) }, to("ones")),
      node("Resize", ["x", "", "", "sizes"], { mode: string("linear"), axes: ints(2, 3) }, to("large")),
      node("ReduceMean", ["large", "axes"], { keepdims: int(0) }, to("mean")),
      node("TopK", ["mean", "k"], {}, to("top", "where")),
      node("Split", ["x"], { axis: int(1), num_outputs: int(2) }, to("left", "right")),
      node("Transpose", ["left"], { perm: ints(0, 2, 3, 1) }, to("turned")),
      node("Reshape", ["turned", "rest"]),
    ],
    opset: 18,
  });
}

function functions(): Uint8Array {
  const opsetImport = [{ domain: "", version: 17n }];
  const body = [node("Sigmoid", ["a"], {}, to("s")), node("Mul", ["a", "s"], {}, to("b"))];
  const swish = {
    name: "Swish",
    domain: "mine",
    input: ["a"],
    output: ["b"],
    node: body,
    opsetImport,
  } as onnx.FunctionInit;
  return onnx.file({
    inputs: { x: { shape: [2, 3] } },
    domains: { mine: 1 },
    functions: [swish],
    nodes: [node("Swish", ["x"], {}, { ...to("h"), domain: "mine" }), node("Swish", ["h"], {}, { domain: "mine" })],
  });
}

function quantised(): Uint8Array {
  return onnx.file({
    inputs: { x: { shape: [1, 2, 8, 8] } },
    initialisers: [
      onnx.raw(
        "q",
        Int8Array.from({ length: 36 }, (_, i) => i - 18),
        { type: onnx.INT8, dims: [2, 2, 3, 3] },
      ),
      onnx.raw("scale", Float32Array.of(0.5, 0.25)),
      onnx.raw("zero", new Int8Array(2), { type: onnx.INT8 }),
      onnx.raw("half", Uint16Array.of(0x3c00, 0xc000), { type: onnx.FLOAT16, dims: [1, 2, 1, 1] }),
    ],
    nodes: [
      node("DequantizeLinear", ["q", "scale", "zero"], { axis: int(0) }, to("w")),
      node("ConvTranspose", ["x", "w"], { strides: ints(2, 2), output_padding: ints(1, 1) }, to("c")),
      node("Mul", ["c", "half"]),
    ],
  });
}

function detector(): Uint8Array {
  return onnx.file({
    inputs: { boxes: { shape: [1, 6, 4] }, scores: { shape: [1, 2, 6] } },
    initialisers: [
      integers("most", [3n]),
      onnx.raw("iou", Float32Array.of(0.5)),
      onnx.raw("least", Float32Array.of(0.1)),
    ],
    nodes: [node("NonMaxSuppression", ["boxes", "scores", "most", "iou", "least"])],
  });
}

function oldForms(): Uint8Array {
  return onnx.file({
    opset: 7,
    irVersion: 3,
    inputs: { x: { shape: [1, 4, 6, 6] }, b: { shape: [4, 1, 1] } },
    initialisers: [
      {
        name: "b",
        dataType: onnx.FLOAT,
        dims: [4n, 1n, 1n],
        floatData: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
      },
    ],
    nodes: [
      node("Add", ["x", "b"], {}, to("a")),
      node("Slice", ["a"], { starts: ints(1), ends: ints(2 ** 31), axes: ints(2) }, to("s")),
      node("Pad", ["s"], { pads: ints(0, 0, 1, 1, 0, 0, 1, 1), mode: string("reflect") }, to("p")),
      node("Upsample", ["p"], { scales: onnx.floats(1, 1, 2, 2) }, to("u")),
      node("Clip", ["u"], { min: float(0), max: float(6) }, to("c")),
      node("ReduceMax", ["c"], { axes: ints(-1) }, to("r")),
      node("Squeeze", ["r"], { axes: ints(3) }, to("q")),
      node("LogSoftmax", ["q"], { axis: int(1) }),
    ],
  });
}

/** ONNX models of one node, written as protobuf by hand: six messages do not need a library. */
import { outputSize } from "../cases.ts";
import { type ConvWork, type Floats, hwioToOihw, isConv, type PoolWork } from "../work.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const INT = 2;
const INTS = 7;
const FLOAT32 = 1;

function concat(parts: readonly Bytes[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function int(field: number, value: number): Bytes {
  return concat([varint(field << 3), varint(value)]);
}

function message(field: number, ...parts: readonly Bytes[]): Bytes {
  const body = concat(parts);
  return concat([varint((field << 3) | 2), varint(body.length), body]);
}

function text(field: number, value: string): Bytes {
  return message(field, new TextEncoder().encode(value));
}

function valueInfo(field: number, name: string, shape: readonly number[]): Bytes {
  const dims = shape.map((size) => message(1, int(1, size)));
  return message(field, text(1, name), message(2, message(1, int(1, FLOAT32), message(2, ...dims))));
}

function initializer(name: string, shape: readonly number[], data: Floats): Bytes {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(5, ...shape.map((size) => int(1, size)), int(2, FLOAT32), text(8, name), message(9, raw));
}

function attribute(name: string, value: number | readonly number[]): Bytes {
  return typeof value === "number"
    ? message(5, text(1, name), int(3, value), int(20, INT))
    : message(5, text(1, name), ...value.map((each) => int(8, each)), int(20, INTS));
}

interface Node {
  readonly operator: string;
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
  readonly constants: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Floats }[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

function model({ operator, attributes, constants, input, output }: Node): Bytes {
  const node = message(
    1,
    ...["x", ...constants.map(({ name }) => name)].map((name) => text(1, name)),
    text(2, "y"),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  );
  const graph = message(
    7,
    node,
    text(2, "layer"),
    ...constants.map(({ name, shape, data }) => initializer(name, shape, data)),
    valueInfo(11, "x", input),
    valueInfo(12, "y", output),
  );
  return concat([int(1, 8), graph, message(8, text(1, ""), int(2, 13))]);
}

/** The case as a model: `x` (NCHW) → `y` (NCHW). */
export function onnxModel(work: ConvWork | PoolWork): Bytes {
  const [outH, outW] = outputSize(work.layer);
  const input = [work.layer.n, work.layer.inC, work.layer.h, work.layer.w];
  if (isConv(work)) {
    const { n, inC, outC, kH, kW, stride, padH, padW, dilation, groups } = work.layer;
    return model({
      operator: "Conv",
      attributes: {
        kernel_shape: [kH, kW],
        strides: [stride, stride],
        dilations: [dilation, dilation],
        pads: [padH, padW, padH, padW],
        group: groups,
      },
      constants: [
        { name: "w", shape: [outC, inC / groups, kH, kW], data: hwioToOihw(work) },
        { name: "b", shape: [outC], data: work.bias },
      ],
      input,
      output: [n, outC, outH, outW],
    });
  }
  const { n, inC, pool, size, stride, pad } = work.layer;
  const windows = { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] };
  return model({
    operator: { max: "MaxPool", avg: "AveragePool", "global-avg": "GlobalAveragePool" }[pool],
    attributes: pool === "global-avg" ? {} : windows,
    constants: [],
    input,
    output: [n, inC, outH, outW],
  });
}

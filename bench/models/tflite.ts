/** TFLite models of one operator: convolution, depthwise convolution or pool, NHWC. */
import { Builder, type Offset } from "flatbuffers";
import { evenPadding, outputSize } from "../cases.ts";
import { type ConvWork, type Floats, hwioToOhwi, isConv, type PoolWork } from "../work.ts";

/** Numbers of TensorFlow Lite's schema: its operators and the members of its union of options. */
const OPERATORS = {
  conv: { operator: 3, options: 1 },
  depthwise: { operator: 4, options: 2 },
  avg: { operator: 1, options: 5 },
  max: { operator: 17, options: 5 },
} as const;
const SAME = 0;
const VALID = 1;
const SCHEMA_VERSION = 3;

type Kind = keyof typeof OPERATORS;

interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data?: Floats;
}

/** A table with the fields that are there: `[slot, how to add it]`. */
function table(builder: Builder, slots: number, ...fields: readonly ((builder: Builder) => void)[]): Offset {
  builder.startObject(slots);
  for (const field of fields) field(builder);
  return builder.endObject();
}

const offset =
  (slot: number, value: Offset) =>
  (builder: Builder): void =>
    builder.addFieldOffset(slot, value, 0);
const byte =
  (slot: number, value: number) =>
  (builder: Builder): void =>
    builder.addFieldInt8(slot, value, 0);
const int =
  (slot: number, value: number) =>
  (builder: Builder): void =>
    builder.addFieldInt32(slot, value, 0);

function ints(builder: Builder, values: readonly number[]): Offset {
  builder.startVector(4, values.length, 4);
  for (const value of values.toReversed()) builder.addInt32(value);
  return builder.endVector();
}

function offsets(builder: Builder, values: readonly Offset[]): Offset {
  builder.startVector(4, values.length, 4);
  for (const value of values.toReversed()) builder.addOffset(value);
  return builder.endVector();
}

/** Constants must be aligned to 16 bytes. */
function buffer(builder: Builder, data: Floats | undefined): Offset {
  if (data === undefined) return table(builder, 3);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  builder.prep(16, bytes.length);
  const vector = builder.createByteVector(bytes);
  return table(builder, 3, offset(0, vector));
}

function options(builder: Builder, kind: Kind, { layer }: ConvWork | PoolWork): Offset {
  const { top, left } = evenPadding(layer);
  const padding = byte(0, top === 0 && left === 0 ? VALID : SAME);
  const strides = [int(1, layer.stride), int(2, layer.stride)];
  if (layer.kind === "pool") return table(builder, 6, padding, ...strides, int(3, layer.size), int(4, layer.size));
  const { dilation } = layer;
  return kind === "depthwise"
    ? table(builder, 7, padding, ...strides, int(3, 1), int(5, dilation), int(6, dilation))
    : table(builder, 6, padding, ...strides, int(4, dilation), int(5, dilation));
}

function tensors(work: ConvWork | PoolWork, kind: Kind): readonly TensorSpec[] {
  const { n, h, w, inC } = work.layer;
  const [outH, outW] = outputSize(work.layer);
  const input = { name: "x", shape: [n, h, w, inC] };
  if (!isConv(work)) return [input, { name: "y", shape: [n, outH, outW, inC] }];
  const { outC, kH, kW } = work.layer;
  const depthwise = kind === "depthwise";
  return [
    input,
    {
      name: "w",
      shape: depthwise ? [1, kH, kW, outC] : [outC, kH, kW, inC],
      data: depthwise ? work.filter : hwioToOhwi(work),
    },
    { name: "b", shape: [outC], data: work.bias },
    { name: "y", shape: [n, outH, outW, outC] },
  ];
}

/** The case as a model; its padding is TensorFlow's "same" where the case has any. */
export function tfliteModel(work: ConvWork | PoolWork): Uint8Array {
  const kind: Kind = isConv(work)
    ? work.layer.groups === 1
      ? "conv"
      : "depthwise"
    : work.layer.pool === "max"
      ? "max"
      : "avg";
  const builder = new Builder(1 << 20);
  const specs = tensors(work, kind);
  // Buffer 0 is the empty one, by convention of the schema.
  const buffers = [buffer(builder, undefined), ...specs.map(({ data }) => buffer(builder, data))];
  const tables = specs.map(({ name, shape }, index) => {
    const dims = ints(builder, shape);
    const label = builder.createString(name);
    return table(builder, 8, offset(0, dims), int(2, index + 1), offset(3, label));
  });
  const last = specs.length - 1;
  const operatorOptions = options(builder, kind, work);
  const inputs = ints(
    builder,
    specs.slice(0, last).map((_, index) => index),
  );
  const outputs = ints(builder, [last]);
  const operator = table(
    builder,
    9,
    offset(1, inputs),
    offset(2, outputs),
    byte(3, OPERATORS[kind].options),
    offset(4, operatorOptions),
  );
  const graphTensors = offsets(builder, tables);
  const graphInputs = ints(builder, [0]);
  const graphOutputs = ints(builder, [last]);
  const operators = offsets(builder, [operator]);
  const name = builder.createString("layer");
  const graph = table(
    builder,
    5,
    offset(0, graphTensors),
    offset(1, graphInputs),
    offset(2, graphOutputs),
    offset(3, operators),
    offset(4, name),
  );
  const { operator: opcode } = OPERATORS[kind];
  const code = table(builder, 4, byte(0, opcode), int(2, 1), int(3, opcode));
  const codes = offsets(builder, [code]);
  const graphs = offsets(builder, [graph]);
  const allBuffers = offsets(builder, buffers);
  const root = table(builder, 5, int(0, SCHEMA_VERSION), offset(1, codes), offset(2, graphs), offset(4, allBuffers));
  builder.finish(root, "TFL3");
  return builder.asUint8Array().slice();
}

/** Writes ONNX files for tests: as small as they can be, and as malformed as they must be. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type FunctionProtoSchema,
  ModelProtoSchema,
  type TensorProtoSchema,
  type TypeProtoSchema,
} from "../proto/onnx_pb.ts";

type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
type GraphInit = NonNullable<ModelInit["graph"]>;
type NodeInit = NonNullable<GraphInit["node"]>[number];
type AttributeInit = NonNullable<NodeInit["attribute"]>[number];

/** A tensor, as it is written. */
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;

/** A function of a file, as it is written. */
export type FunctionInit = MessageInitShape<typeof FunctionProtoSchema>;

/** The value of an attribute, without its name. */
export type AttributeValue = Omit<AttributeInit, "name">;

/** Numbers of ONNX's types of elements. */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT32 = 6;
export const INT64 = 7;
export const STRING = 8;
export const BOOL = 9;
export const FLOAT16 = 10;
export const DOUBLE = 11;
export const BFLOAT16 = 16;

/** A node: `y` is the output unless others are named. */
export function node(
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  rest: { readonly outputs?: readonly string[]; readonly name?: string; readonly domain?: string } = {},
): NodeInit {
  const { outputs = ["y"], name = "", domain = "" } = rest;
  const attribute = Object.entries(attributes).map(([key, value]) => ({ ...value, name: key }));
  return { opType: op, domain, name, input: [...inputs], output: [...outputs], attribute } as NodeInit;
}

export function int(i: number | bigint): AttributeValue {
  return { type: 2, i: BigInt(i) };
}

export function float(f: number): AttributeValue {
  return { type: 1, f };
}

export function string(s: string): AttributeValue {
  return { type: 3, s: new TextEncoder().encode(s) };
}

export function ints(...values: readonly number[]): AttributeValue {
  return { type: 7, ints: values.map(BigInt) };
}

export function floats(...values: readonly number[]): AttributeValue {
  return { type: 6, floats: [...values] };
}

export function tensor(t: TensorInit): AttributeValue {
  return { type: 4, t } as AttributeValue;
}

/** A tensor of raw little-endian data, by default of float32s along one axis. */
export function raw(
  name: string,
  data: Float32Array | Float64Array | Int32Array | BigInt64Array | Int8Array | Uint8Array | Uint16Array,
  { type = FLOAT, dims = [data.length] }: { readonly type?: number; readonly dims?: readonly number[] } = {},
): TensorInit {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dataType: type, dims: dims.map(BigInt), rawData };
}

/** Packed varints, as int32_data and int64_data have them. */
export function varints(values: readonly (number | bigint)[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const value of values) writer.int64(BigInt(value));
  return writer.finish();
}

/** A size in a declaration: known, a symbol, or not known. */
export type DimInit = number | string | undefined;

/** A declared value: its shape, and its type. */
export interface ValueInit {
  readonly type?: number;
  readonly shape?: readonly DimInit[];
}

/** What a file has; opset 17 unless it says otherwise, and an output `y`. */
export interface FileInit {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly domains?: Readonly<Record<string, number>>;
  readonly nodes: readonly NodeInit[];
  readonly inputs?: Readonly<Record<string, ValueInit>>;
  readonly outputs?: readonly string[];
  readonly initialisers?: readonly TensorInit[];
  readonly functions?: readonly FunctionInit[];
}

/** A file's bytes. */
export function file({
  opset = 17,
  irVersion = 8,
  domains = {},
  nodes,
  inputs = { x: {} },
  outputs = ["y"],
  initialisers = [],
  functions = [],
}: FileInit): Uint8Array {
  const graph = {
    name: "test",
    node: [...nodes],
    input: Object.entries(inputs).map(([name, value]) => ({ name, type: typeOf(value) })),
    output: outputs.map((name) => ({ name, type: typeOf({}) })),
    initializer: [...initialisers],
  } as GraphInit;
  const opsetImport = Object.entries({ "": opset, ...domains }).map(([domain, version]) => ({
    domain,
    version: BigInt(version),
  }));
  const model = { irVersion: BigInt(irVersion), opsetImport, graph, functions: [...functions] } as ModelInit;
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
}

function typeOf({ type = FLOAT, shape }: ValueInit): MessageInitShape<typeof TypeProtoSchema> {
  const dim = shape?.map((size) => {
    if (size === undefined) return {};
    return typeof size === "string"
      ? { value: { case: "dimParam" as const, value: size } }
      : { value: { case: "dimValue" as const, value: BigInt(size) } };
  });
  const value = { elemType: type, ...(dim === undefined ? {} : { shape: { dim } }) };
  return { value: { case: "tensorType", value } } as MessageInitShape<typeof TypeProtoSchema>;
}

/** Tensors of a file as constants. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Constant } from "../model/constant.ts";
import { formatShape } from "../shape.ts";
import { type ExternalData, externalBytes, isExternal } from "./external.ts";
import { fromBfloat16, fromFloat16 } from "./half.ts";
import { malformed, quote } from "./malformed.ts";
import type { TensorProto } from "./proto/onnx_pb.ts";
import { elementType } from "./types.ts";

/** Most elements of a constant: more could not be weights of a core of 32 bits. */
const MAX_ELEMENTS = 2 ** 31;

/** Most axes that can be meant. */
const MAX_AXES = 64;

/** Where the bytes of tensors are. */
export interface TensorFiles {
  /** Those of tensors that lie beside the model's file. */
  readonly external: ExternalData;
  /** Whether numbers of the model's file may be moved within it. */
  readonly movable: boolean;
}

/**
 * A tensor as a constant, or the name of its type where a graph cannot hold that. The numbers are views into the file
 * where its bytes are already what is held, and lie at an address for it, or can be moved to one; else copies.
 */
export function constantOf(tensor: TensorProto, files: TensorFiles): Constant | string {
  const { name, type } = elementType(tensor.dataType);
  if (type === undefined) return name;
  const what = `tensor ${quote(tensor.name)}`;
  if (tensor.segment !== undefined)
    throw malformed(`${what} is a segment of a tensor, which no version of ONNX defines`);
  const shape = tensor.dims.map(Number);
  const count = elementsOf(what, shape);
  const source: Source = { what, shape, count, tensor, raw: rawBytes(tensor, files.external), movable: files.movable };
  switch (tensor.dataType) {
    case FLOAT:
      return float32s(source);
    case DOUBLE:
      return { type: "float32", shape, data: Float32Array.from(doubles(source)) };
    case FLOAT16:
      return { type: "float32", shape, data: fromFloat16(halves(source)) };
    case BFLOAT16:
      return { type: "float32", shape, data: fromBfloat16(halves(source)) };
    case INT64:
      return { type: "int64", shape, data: int64s(source) };
    case INT32:
      return { type: "int32", shape, data: int32s(source) };
    case INT8: {
      const { raw } = source;
      if (raw === undefined) return { type: "int8", shape, data: Int8Array.from(varints(source)) };
      const bytes = sized(source, raw, 1);
      return { type: "int8", shape, data: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    }
    case UINT8:
      return { type: "uint8", shape, data: octets(source) };
    default: {
      const data = octets(source);
      return {
        type: "bool",
        shape,
        data: data.every((value) => value <= 1) ? data : data.map((value) => (value === 0 ? 0 : 1)),
      };
    }
  }
}

const [FLOAT, UINT8, INT8, INT32, INT64, FLOAT16, DOUBLE, BFLOAT16] = [1, 2, 3, 6, 7, 10, 11, 16];

interface Source {
  readonly what: string;
  readonly shape: readonly number[];
  readonly count: number;
  readonly tensor: TensorProto;
  readonly raw: Uint8Array | undefined;
  readonly movable: boolean;
}

function elementsOf(what: string, shape: readonly number[]): number {
  if (shape.length > MAX_AXES) throw malformed(`${what} has ${shape.length} axes`);
  let count = 1;
  for (const size of shape) {
    if (!(size >= 0 && size <= MAX_ELEMENTS)) throw malformed(`${what} has the shape ${formatShape(shape)}`);
    count *= size;
  }
  if (count > MAX_ELEMENTS) throw malformed(`${what} has the shape ${formatShape(shape)}, which is ${count} elements`);
  return count;
}

/** The elements as they lie in memory, little-endian, if that is how the file has them. */
function rawBytes(tensor: TensorProto, files: ExternalData): Uint8Array | undefined {
  if (isExternal(tensor)) return externalBytes(tensor, files);
  return tensor.rawData.byteLength > 0 ? tensor.rawData : undefined;
}

/** `bytes`, which must be the tensor's elements of `size` bytes each. */
function sized({ what, shape, count }: Source, bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.byteLength === count * size) return bytes;
  throw malformed(
    `${what} has the shape ${formatShape(shape)}, which takes ${count * size} bytes, and ${bytes.byteLength} bytes of data`,
  );
}

/** The same at an address that typed arrays of `size` bytes an element can be laid over. */
function aligned(source: Source, bytes: Uint8Array, size: number): Uint8Array {
  const whole = sized(source, bytes, size);
  if (whole.byteOffset % size === 0) return whole;
  // Not slice(): that of Node's Buffer is a view.
  return moved(source, whole, size) ?? new Uint8Array(whole);
}

/** Bytes of a message's field from which on the varint of its length has two bytes, so that three precede them. */
const LONG_FIELD = 128;

/**
 * The bytes after they were moved down to such an address, or undefined where that cannot be. They then lie over the tag
 * and the length of their own field, which have been read. Three of four weights of a file are at odd addresses: copies
 * would double its size in memory.
 */
function moved({ tensor, movable }: Source, bytes: Uint8Array, size: number): Uint8Array | undefined {
  const { buffer, byteOffset, byteLength } = bytes;
  const key = (["rawData", "floatData"] as const).find((field) => tensor[field] === bytes);
  if (!movable || size > 4 || byteLength < LONG_FIELD || key === undefined) return undefined;
  const start = byteOffset - (byteOffset % size);
  new Uint8Array(buffer).copyWithin(start, byteOffset, byteOffset + byteLength);
  const place = new Uint8Array(buffer, start, byteLength);
  tensor[key] = place;
  return place;
}

/** Bytes of weights from which on copies are made when they are read, not kept. */
const LARGE = 64 << 10;

/**
 * Large weights at an odd address of bytes that are not ours are copied whenever they are read: what is kept would double
 * them in memory (ResNet-18: 43 MB), and most are read once, on their way into the core.
 */
function float32s(source: Source): Constant<"float32"> {
  const { shape, count, tensor } = source;
  const bytes = sized(source, source.raw ?? tensor.floatData, 4);
  const lies = (at: Uint8Array): Float32Array => new Float32Array(at.buffer, at.byteOffset, count);
  if (bytes.byteOffset % 4 === 0 || source.movable || bytes.byteLength < LARGE)
    return { type: "float32", shape, data: lies(aligned(source, bytes, 4)) };
  return {
    type: "float32",
    shape,
    get data() {
      return lies(new Uint8Array(bytes));
    },
  };
}

function doubles(source: Source): Float64Array {
  const { buffer, byteOffset } = aligned(source, source.raw ?? source.tensor.doubleData, 8);
  return new Float64Array(buffer, byteOffset, source.count);
}

function halves(source: Source): Uint16Array {
  if (source.raw === undefined) return Uint16Array.from(varints(source));
  const { buffer, byteOffset } = aligned(source, source.raw, 2);
  return new Uint16Array(buffer, byteOffset, source.count);
}

function int32s(source: Source): Int32Array {
  if (source.raw === undefined) return varints(source);
  const { buffer, byteOffset } = aligned(source, source.raw, 4);
  return new Int32Array(buffer, byteOffset, source.count);
}

function octets(source: Source): Uint8Array {
  return source.raw === undefined ? Uint8Array.from(varints(source)) : sized(source, source.raw, 1);
}

/** Integers beyond 2^53 come out as the nearest float64: in files they only mean "to the end". */
function int64s(source: Source): Float64Array {
  const { raw, tensor, count } = source;
  if (raw !== undefined) {
    const { buffer, byteOffset } = aligned(source, raw, 8);
    return Float64Array.from(new BigInt64Array(buffer, byteOffset, count), Number);
  }
  const values = new Float64Array(counted(source, tensor.int64Data));
  const reader = new BinaryReader(tensor.int64Data);
  for (let i = 0; i < count; i++) values[i] = Number(reader.int64());
  return values;
}

/** What int32_data has. */
function varints(source: Source): Int32Array {
  const values = new Int32Array(counted(source, source.tensor.int32Data));
  const reader = new BinaryReader(source.tensor.int32Data);
  for (let i = 0; i < values.length; i++) values[i] = reader.int32();
  return values;
}

/** The tensor's count, if that many varints are in `bytes`. */
function counted({ what, shape, count }: Source, bytes: Uint8Array): number {
  // The last byte of each varint is the one below 128; none has more than 10.
  let found = 0;
  let run = 0;
  for (const byte of bytes) {
    if (byte < 0x80) found++;
    run = byte < 0x80 ? 0 : run + 1;
    if (run === 10) throw malformed(`${what} has a number of more than 64 bits`);
  }
  if (found === count && run === 0) return count;
  throw malformed(
    `${what} has the shape ${formatShape(shape)}, which is ${count} elements, and ${found} elements of data`,
  );
}

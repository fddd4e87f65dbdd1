/**
 * The safetensors format: named tensors and a few texts in one file, read and written by most libraries that train.
 * https://github.com/huggingface/safetensors#format
 */
import { LensletError } from "../errors.ts";
import { type Constant, floats } from "../model/constant.ts";
import { fromBfloat16, fromFloat16 } from "../onnx/half.ts";
import { show } from "../options.ts";
import { elementCount, formatShape, type Shape } from "../shape.ts";

/** What a file holds. */
export interface TensorFile {
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, Constant<"float32">>;
  /** Texts by name. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The key of the header under which texts are kept. */
const METADATA = "__metadata__";

/** Bytes of the number before the header: how long that is. */
const LENGTH_BYTES = 8;

/** Longest header that is read, as of the format's own library: 100 MB. */
const MAX_HEADER = 100_000_000;

/** Number types that become float32, and how: their bytes lie aligned, in a buffer of their own. */
const TYPES: Readonly<Record<string, { readonly bytes: number; read(buffer: ArrayBuffer): Float32Array }>> = {
  F32: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  BF16: { bytes: 2, read: (buffer) => fromBfloat16(new Uint16Array(buffer)) },
  F64: { bytes: 8, read: (buffer) => Float32Array.from(new Float64Array(buffer)) },
};

/** A file's bytes: the header, padded so that the numbers behind it are aligned, and the tensors in their order. */
export function writeSafetensors({ tensors, metadata }: TensorFile): Uint8Array<ArrayBuffer> {
  const entries: [string, unknown][] = metadata.size === 0 ? [] : [[METADATA, Object.fromEntries(metadata)]];
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    const start = end;
    end += 4 * data.length;
    entries.push([name, { dtype: "F32", shape, data_offsets: [start, end] }]);
  }
  // Unlike an assignment, fromEntries keeps a tensor called "__proto__".
  const text = JSON.stringify(Object.fromEntries(entries));
  const header = new TextEncoder().encode(text);
  const padded = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + padded + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(header, LENGTH_BYTES);
  bytes.fill(0x20, LENGTH_BYTES + header.length, LENGTH_BYTES + padded);
  let at = LENGTH_BYTES + padded;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function headerLength(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
}

/**
 * The tensors of a file, copied. Half floats (F16, BF16) become the float32s that they are, F64 are rounded.
 *
 * Throws `model-invalid` for a file that is malformed, `model-unsupported` with a list of tensors of other types.
 */
export function readSafetensors(call: string, bytes: Uint8Array): TensorFile {
  const problem = (text: string): LensletError =>
    new LensletError("model-invalid", `${call}: the safetensors file ${text}`, { argument: "weights" });
  if (bytes.length < LENGTH_BYTES) throw problem(`has ${bytes.length} bytes; expected 8 at least, the header's length`);
  const length = headerLength(bytes);
  const start = LENGTH_BYTES + length;
  if (length > MAX_HEADER || start > bytes.length) {
    const text = `says that its header has ${length} bytes, but there are ${bytes.length - LENGTH_BYTES} behind it: it is truncated, or of another format`;
    throw problem(text);
  }
  const { [METADATA]: texts, ...entries } = parseHeader(bytes.subarray(LENGTH_BYTES, start), problem);
  const found = Object.entries(entries).map(([name, entry]) => ({ name, ...parseEntry(name, entry, problem) }));
  checkCover(found, bytes.length - start, problem);
  const unknown = found.filter(({ dtype }) => TYPES[dtype] === undefined);
  if (unknown.length > 0) {
    const names = unknown.map(({ name, dtype }) => `${show(name)} (${dtype})`);
    const text = `${call}: the safetensors file has tensors of types that weights cannot have: ${names.slice(0, 20).join(", ")}; expected F32, F16, BF16 or F64`;
    throw new LensletError("model-unsupported", text, { argument: "weights" });
  }
  const tensors = new Map<string, Constant<"float32">>();
  for (const { name, dtype, shape, begin, end } of found) {
    const type = TYPES[dtype];
    if (type === undefined) continue;
    if (elementCount(shape) * type.bytes !== end - begin) {
      const text = `has ${end - begin} bytes for the tensor ${show(name)}, ${dtype} ${formatShape(shape)}; expected ${elementCount(shape) * type.bytes}`;
      throw problem(text);
    }
    tensors.set(name, floats(type.read(bytes.slice(start + begin, start + end).buffer), shape));
  }
  return { tensors, metadata: parseMetadata(texts, problem) };
}

type Problem = (text: string) => LensletError;

function parseHeader(bytes: Uint8Array, problem: Problem): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw problem(`has a header that is no JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (isObject(header)) return header;
  throw problem(`has as its header ${show(header)}; expected an object of tensors by name`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A tensor in the header. */
interface Entry {
  readonly dtype: string;
  readonly shape: Shape;
  /** Bytes behind the header. */
  readonly begin: number;
  readonly end: number;
}

function parseEntry(name: string, entry: unknown, problem: Problem): Entry {
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (isObject(entry)) {
    const { dtype, shape, data_offsets: offsets } = entry;
    const [begin, end, ...more] = Array.isArray(offsets) ? (offsets as unknown[]) : [];
    const whole = Array.isArray(shape) && shape.every(isSize);
    if (typeof dtype === "string" && whole && isSize(begin) && isSize(end) && begin <= end && more.length === 0)
      return { dtype, shape, begin, end };
  }
  throw problem(
    `describes the tensor ${show(name)} as ${show(entry)}; expected { dtype, shape, data_offsets: [begin, end] }`,
  );
}

/** Tensors lie one behind the other, and nothing lies between them or at the end. */
function checkCover(entries: readonly (Entry & { readonly name: string })[], length: number, problem: Problem): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end > length) throw problem(`is truncated: the tensor ${show(name)} ends at byte ${end} of ${length}`);
    if (begin !== covered)
      throw problem(`has the tensor ${show(name)} at byte ${begin}; expected ${covered}, where the one before ends`);
    covered = end;
  }
  if (covered !== length) throw problem(`has ${length - covered} bytes at its end that belong to no tensor`);
}

function parseMetadata(texts: unknown, problem: Problem): ReadonlyMap<string, string> {
  if (texts === undefined) return new Map();
  const entries: [string, unknown][] = isObject(texts) ? Object.entries(texts) : [["", texts]];
  return new Map(
    entries.map(([key, text]) => {
      if (isObject(texts) && typeof text === "string") return [key, text];
      throw problem(`has as ${METADATA} ${show(texts)}; expected texts by name`);
    }),
  );
}

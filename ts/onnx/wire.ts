/**
 * What protobuf-es takes on trust: that a field has the wire type of its declaration, that a message ends inside the one
 * around it, and that there is memory for the objects that the bytes unfold to.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { LensletError } from "../errors.ts";
import { malformed } from "./malformed.ts";

/** Bytes of decoded objects that any file may have; beyond, 8 a byte of the file. */
const FREE_BYTES = 64 * 2 ** 20;
const BYTES_PER_BYTE = 8;

// What protobuf-es's objects take in V8, rounded up: a message with its lists, a view of bytes, a BigInt in a list.
const MESSAGE_BYTES = 240;
const VIEW_BYTES = 120;
const ELEMENT_BYTES = 32;

/** Graphs inside graphs are the deepest nesting that files have; protobuf's own limit. */
const MAX_DEPTH = 100;

/** Throws `model-invalid` unless `bytes` is a well-formed message of a size that can be decoded. */
export function checkWire(schema: DescMessage, bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  const budget = { left: FREE_BYTES + BYTES_PER_BYTE * bytes.byteLength };
  try {
    checkMessage(layoutOf(schema), { reader, bytes, budget }, bytes.byteLength, 0);
  } catch (error) {
    if (error instanceof LensletError) throw error;
    // What the reader itself throws: lengths beyond the file, field number 0.
    throw notProtobuf(error instanceof Error ? error.message : String(error), reader.pos, error);
  }
}

interface Budget {
  left: number;
}

interface Walk {
  readonly reader: BinaryReader;
  readonly bytes: Uint8Array;
  readonly budget: Budget;
}

/** How the fields of a message are encoded, by number. */
type Layout = ReadonlyMap<number, FieldLayout>;

interface FieldLayout {
  readonly name: string;
  readonly wireType: WireType;
  /** A list of numbers may also come packed, as one run of bytes. */
  readonly packable: boolean;
  readonly message: DescMessage | undefined;
}

const layouts = new WeakMap<DescMessage, Layout>();

function layoutOf(schema: DescMessage): Layout {
  const known = layouts.get(schema);
  if (known !== undefined) return known;
  const layout = new Map(schema.fields.map((field) => [field.number, fieldLayout(field)]));
  layouts.set(schema, layout);
  return layout;
}

function fieldLayout(field: DescField): FieldLayout {
  const name = `${field.parent.name}.${field.name}`;
  const message = field.message;
  const wireType =
    message === undefined && field.scalar !== undefined ? wireTypeOf(field.scalar) : WireType.LengthDelimited;
  return { name, wireType, packable: field.fieldKind === "list" && wireType !== WireType.LengthDelimited, message };
}

/** Of the scalar types that the schema has. */
function wireTypeOf(type: ScalarType): WireType {
  if (type === ScalarType.FLOAT) return WireType.Bit32;
  return type === ScalarType.STRING || type === ScalarType.BYTES ? WireType.LengthDelimited : WireType.Varint;
}

function checkMessage(layout: Layout, walk: Walk, end: number, depth: number): void {
  const { reader, bytes, budget } = walk;
  if (depth > MAX_DEPTH) throw notProtobuf(`messages nest more than ${MAX_DEPTH} deep`, reader.pos);
  spend(budget, MESSAGE_BYTES);
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = layout.get(number);
    if (field === undefined) {
      reader.skip(wireType, number);
    } else if (wireType === WireType.LengthDelimited && (field.packable || wireType === field.wireType)) {
      const length = reader.uint32();
      const stop = reader.pos + length;
      if (stop > end) throw notProtobuf(`${field.name} of ${length} bytes reaches beyond what contains it`, reader.pos);
      if (field.message !== undefined) {
        checkMessage(layoutOf(field.message), walk, stop, depth + 1);
      } else if (field.packable) {
        const whole = field.wireType === WireType.Bit32 ? length % 4 === 0 : ((bytes[stop - 1] ?? 0) & 0x80) === 0;
        if (!whole) throw notProtobuf(`${field.name} ends within a number`, stop);
        spend(budget, ELEMENT_BYTES * length);
        reader.pos = stop;
      } else {
        spend(budget, VIEW_BYTES);
        reader.pos = stop;
      }
    } else if (wireType === field.wireType) {
      reader.skip(wireType, number);
      spend(budget, ELEMENT_BYTES);
    } else {
      throw notProtobuf(`${field.name} has wire type ${wireType}; expected ${field.wireType}`, reader.pos);
    }
  }
  if (reader.pos > end) throw notProtobuf("a field reaches beyond the message that contains it", reader.pos);
}

function spend(budget: Budget, bytes: number): void {
  budget.left -= bytes;
  if (budget.left < 0)
    throw malformed(`its messages would take more than ${BYTES_PER_BYTE} times the file's size in memory`);
}

function notProtobuf(what: string, position: number, cause?: unknown): Error {
  return malformed(`not an ONNX file, or a damaged one: ${what} (at byte ${position})`, cause);
}

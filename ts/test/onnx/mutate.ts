/** Damages ONNX files, as disks, networks and adversaries do: blindly, and with a knowledge of protobuf. */
import { type DescField, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { decodeModel } from "../../onnx/decode.ts";
import { ModelProtoSchema } from "../../onnx/proto/onnx_pb.ts";
import type { Random } from "../oracle/random.ts";

/** A damaged copy of one of `corpus`. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = random.pick(corpus).slice();
  const times = few(random);
  for (let i = 0; i < times; i++) bytes = random.pick(MUTATIONS)(bytes, random, corpus);
  return bytes;
}

type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

/** Mostly one: the more is wrong, the sooner it is noticed, and the less is behind that to be tried. */
function few(random: Random): number {
  return random.chance(0.7) ? 1 : random.int(2, 6);
}

/** Bytes that mean something: ends and beginnings of varints, signs, tags. */
const NOTABLE = [0, 1, 2, 0x08, 0x0a, 0x12, 0x7f, 0x80, 0xff];

const flipBits: Mutation = (bytes, random) => {
  if (bytes.length === 0) return bytes;
  const times = few(random);
  for (let i = 0; i < times; i++) {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(0, 7));
  }
  return bytes;
};

const overwrite: Mutation = (bytes, random) => {
  if (bytes.length === 0) return bytes;
  const at = place(bytes, random);
  return bytes.fill(random.pick(NOTABLE), at, at + random.int(1, 6));
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.int(0, bytes.length));

const remove: Mutation = (bytes, random) => {
  const at = place(bytes, random);
  return concat(bytes.subarray(0, at), bytes.subarray(at + random.int(1, 64)));
};

/** Inserts a part of this file or another. */
const splice: Mutation = (bytes, random, corpus) => {
  const from = random.chance(0.5) ? bytes : random.pick(corpus);
  const start = place(from, random);
  const at = place(bytes, random);
  const part = from.subarray(start, start + random.int(1, 256));
  return concat(bytes.subarray(0, at), part, bytes.subarray(random.chance(0.5) ? at : at + part.length));
};

/** Decodes the file, damages a message of it, and encodes it again: what comes out is sound protobuf that tells lies. */
const lie: Mutation = (bytes, random) => {
  const model = decoded(bytes);
  if (model === undefined) return flipBits(bytes, random, []);
  const found: Found[] = [];
  collect(ModelProtoSchema, asRecord(model), found);
  const strings = found.flatMap(({ message, schema }) =>
    schema.fields.flatMap((field) => {
      const value = message[field.localName];
      return typeof value === "string"
        ? [value]
        : Array.isArray(value)
          ? value.filter((item) => typeof item === "string")
          : [];
    }),
  );
  const times = few(random);
  for (let i = 0; i < times; i++) damage(random.pick(found), strings, random);
  try {
    return toBinary(ModelProtoSchema, model);
  } catch {
    // A number that its field cannot have, or a message inside itself.
    return bytes;
  }
};

const MUTATIONS: readonly Mutation[] = [flipBits, overwrite, truncate, remove, splice, lie, lie, lie];

/** Most files are weights for the most part: half of the places are near the ends, where the structure is. */
function place(bytes: Uint8Array, random: Random): number {
  const last = Math.max(bytes.length - 1, 0);
  if (random.chance(0.5)) return random.int(0, last);
  const near = random.int(0, Math.min(last, 2000));
  return random.chance(0.5) ? near : last - near;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function decoded(bytes: Uint8Array): ReturnType<typeof decodeModel> | undefined {
  try {
    return decodeModel(bytes);
  } catch {
    return undefined;
  }
}

/** A message, its fields by their names in the language. */
type MessageRecord = Record<string, unknown>;

interface Found {
  readonly schema: DescMessage;
  readonly message: MessageRecord;
}

function asRecord(message: object): MessageRecord {
  return message as MessageRecord;
}

/** All messages inside one, itself included. */
function collect(schema: DescMessage, message: MessageRecord, found: Found[]): void {
  if (schema.fields.length > 0) found.push({ schema, message });
  for (const field of schema.fields) {
    const child = field.message;
    if (child === undefined) continue;
    const value = field.oneof === undefined ? message[field.localName] : chosen(field, message);
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === "object" && item !== null) collect(child, asRecord(item), found);
    }
  }
}

/** The value of a field that is one of several, if it is the one that is there. */
function chosen(field: DescField, message: MessageRecord): unknown {
  const one = message[field.oneof?.localName ?? ""] as { readonly case?: string; readonly value?: unknown } | undefined;
  return one?.case === field.localName ? one.value : undefined;
}

/** Numbers that sizes, axes and versions should not be. */
const INTEGERS = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  8n,
  64n,
  255n,
  4096n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 40n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const FLOATS = [0, -0, 1, -1, 1e-30, 1e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function damage({ schema, message }: Found, strings: readonly string[], random: Random): void {
  const field = random.pick(schema.fields);
  const name = field.localName;
  const value = message[name];
  if (field.oneof !== undefined) {
    const kept = field.fieldKind === "scalar" ? chosen(field, message) : undefined;
    const value = kept === undefined || random.chance(0.1) ? {} : { value: scalar(kept, strings, random) };
    message[field.oneof.localName] = { case: "value" in value ? name : undefined, ...value };
  } else if (Array.isArray(value)) {
    damageList(field, value, strings, random);
  } else if (field.fieldKind === "scalar") {
    message[name] = random.chance(0.1) ? undefined : scalar(value, strings, random);
  } else if (random.chance(0.3)) {
    message[name] = undefined;
  }
}

function damageList(field: DescField, list: unknown[], strings: readonly string[], random: Random): void {
  const last = list.length - 1;
  const at = random.int(0, Math.max(last, 0));
  switch (random.int(0, 4)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      if (last >= 0) list.splice(at, 0, list[random.int(0, last)]);
      break;
    case 2:
      list.reverse();
      break;
    case 3:
      list.length = random.int(0, list.length);
      break;
    default:
      if (field.message === undefined && last >= 0) list[at] = scalar(list[at], strings, random);
  }
}

/** Another value of the same type; for a name, mostly that of something else. */
function scalar(value: unknown, strings: readonly string[], random: Random): unknown {
  if (typeof value === "bigint") return random.chance(0.3) ? value + BigInt(random.int(-2, 2)) : random.pick(INTEGERS);
  if (typeof value === "number") return random.chance(0.5) ? random.int(-2, 20) : random.pick(FLOATS);
  if (typeof value === "string") return strings.length > 0 && random.chance(0.8) ? random.pick(strings) : "";
  if (value instanceof Uint8Array)
    return value.length > 0 && random.chance(0.5) ? value.slice(random.int(0, 8)) : new Uint8Array(random.int(0, 64));
  return value;
}

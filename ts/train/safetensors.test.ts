import { expect, test } from "vitest";
import { LensletError } from "../errors.ts";
import { type Constant, floats } from "../model/constant.ts";
import { Random } from "../test/oracle/random.ts";
import { readSafetensors, type TensorFile, writeSafetensors } from "./safetensors.ts";

const sample: TensorFile = {
  tensors: new Map<string, Constant<"float32">>([
    ["conv.filter", floats(Float32Array.of(1, -0, Number.NaN, 3e-45), [2, 2])],
    ["scalar", floats(Float32Array.of(7), [])],
    ["nothing", floats(new Float32Array(0), [0, 3])],
    ["__proto__", floats(Float32Array.of(1, 2), [2])],
    ["größe", floats(Float32Array.of(Infinity), [1])],
  ]),
  metadata: new Map([["format", "lenslet"]]),
};

/** A file of a header as text, and bytes behind it. */
function file(header: string, data: Uint8Array | number = 0): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const rest = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + text.length + rest.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(rest, 8 + text.length);
  return bytes;
}

test("what is written is read back, bit by bit", () => {
  const bytes = writeSafetensors(sample);
  const { tensors, metadata } = readSafetensors("load", bytes);
  expect([...metadata]).toEqual([...sample.metadata]);
  expect([...tensors.keys()]).toEqual([...sample.tensors.keys()]);
  for (const [name, { shape, data }] of sample.tensors) {
    expect(tensors.get(name)?.shape).toEqual(shape);
    expect(new Uint8Array(tensors.get(name)?.data.slice().buffer ?? new ArrayBuffer(0))).toEqual(
      new Uint8Array(data.buffer),
    );
  }
  // Numbers begin at a multiple of 8, for those who map the file.
  expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
});

test("a file without tensors or texts", () => {
  const bytes = writeSafetensors({ tensors: new Map(), metadata: new Map() });
  expect(readSafetensors("load", bytes)).toEqual({ tensors: new Map(), metadata: new Map() });
});

test("other types become float32, and files may lie unaligned", () => {
  const header =
    '{"__metadata__":{"by":"torch"},"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[32,34]},"h":{"dtype":"F16","shape":[2],"data_offsets":[34,38]}}';
  const data = new Uint8Array(38);
  data.set(new Uint8Array(Float64Array.of(1 / 3).buffer), 0);
  data.set(new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer), 8);
  data.set([0x00, 0x3f, 0x00, 0x3e, 0x00, 0xc0], 32);
  const aligned = file(header, data);
  const odd = new Uint8Array(aligned.length + 1);
  odd.set(aligned, 1);
  for (const bytes of [aligned, odd.subarray(1)]) {
    const { tensors, metadata } = readSafetensors("load", bytes);
    expect(metadata.get("by")).toBe("torch");
    expect(tensors.get("a")).toEqual(floats(Float32Array.of(0, 1, 2, 3, 4, 5), [2, 3]));
    expect(tensors.get("h")?.data).toEqual(Float32Array.of(1.5, -2));
    expect(tensors.get("b")?.data).toEqual(Float32Array.of(0.5));
    expect(tensors.get("d")?.data).toEqual(Float32Array.of(1 / 3));
  }
});

test.each([
  ["no header", new Uint8Array(5), "has 5 bytes; expected 8 at least"],
  ["a header longer than the file", file("{}").subarray(0, 9), "header has 2 bytes, but there are 1 behind it"],
  ["a header of 2^62 bytes", new Uint8Array([0, 0, 0, 0, 0, 0, 0, 64, 123]), "it is truncated, or of another format"],
  ["no JSON", file('{"a":'), "has a header that is no JSON"],
  ["no UTF-8", file("").with(0, 1).subarray(0, 8), "header has 1 bytes, but there are 0"],
  ["an array", file("[1]"), "has as its header [1]; expected an object of tensors by name"],
  ["no entry", file('{"a":3}'), 'describes the tensor "a" as 3; expected { dtype, shape, data_offsets: [begin, end] }'],
  ["a negative size", file('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4), 'describes the tensor "a"'],
  [
    "offsets the wrong way",
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4),
    'describes the tensor "a"',
  ],
  [
    "too few bytes",
    file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4),
    'the tensor "a" ends at byte 8 of 4',
  ],
  [
    "bytes that no shape asked for",
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', 8),
    'has 8 bytes for the tensor "a", F32 [1]; expected 4',
  ],
  [
    "a hole",
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8),
    'has the tensor "a" at byte 4; expected 0',
  ],
  [
    "overlap",
    file(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      4,
    ),
    'has the tensor "b" at byte 0; expected 4',
  ],
  ["bytes at the end", file("{}", 3), "has 3 bytes at its end that belong to no tensor"],
  ["a text that is none", file('{"__metadata__":{"a":1}}'), "has as __metadata__ { a: 1 }; expected texts by name"],
  ["texts that are none", file('{"__metadata__":"a"}'), 'has as __metadata__ "a"; expected texts by name'],
])("malformed: %s", (_, bytes, text) => {
  const read = (): TensorFile => readSafetensors("load", bytes);
  expect(read).toThrow(LensletError);
  expect(read).toThrow(`load: the safetensors file ${text.startsWith("header") ? `says that its ${text}` : ""}`);
  expect(read).toThrow(text);
});

test("integers are no weights, and all are listed", () => {
  const entry = (dtype: string, begin: number): string =>
    `{"dtype":"${dtype}","shape":[1],"data_offsets":[${begin},${begin + 4}]}`;
  const bytes = file(`{"a":${entry("I32", 0)},"b":${entry("F32", 4)},"c":${entry("U32", 8)}}`, 12);
  expect(() => readSafetensors("load", bytes)).toThrow(
    'types that weights cannot have: "a" (I32), "c" (U32); expected F32, F16, BF16 or F64',
  );
});

test("changed files are read or refused with an error of ours", () => {
  const random = new Random(3);
  const bytes = writeSafetensors(sample);
  const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const changed = bytes.slice(0, random.chance(0.2) ? random.int(0, bytes.length) : bytes.length);
    for (let i = random.int(1, 4); i > 0 && changed.length > 0; i--) {
      const at = random.int(0, Math.min(header, changed.length) - 1);
      changed[at] = random.chance(0.5) ? random.int(0, 255) : (bytes[random.int(8, header - 1)] ?? 0);
    }
    try {
      readSafetensors("load", changed);
    } catch (error) {
      if (!(error instanceof LensletError)) throw new Error(`round ${round}: ${String(error)}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

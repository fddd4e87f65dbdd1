import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { decodeTensor } from "./decode.ts";
import { TensorProtoSchema } from "./proto/onnx_pb.ts";
import type { Constant } from "../model/constant.ts";
import { readOnnx } from "./import.ts";
import { constantOf } from "./tensor.ts";
import * as onnx from "./testing/file.ts";

const bytesOf = (tensor: onnx.TensorInit): Uint8Array => toBinary(TensorProtoSchema, create(TensorProtoSchema, tensor));

/** The constant that is read from a tensor after it was written. */
const read = (tensor: onnx.TensorInit, files: ReadonlyMap<string, Uint8Array> = new Map()): unknown =>
  constantOf(decodeTensor(bytesOf(tensor)), { external: files, movable: false });

const none = { external: new Map(), movable: false };

const packed = (data: Float32Array | Float64Array): Uint8Array => new Uint8Array(data.buffer);

describe("encodings", () => {
  const numbers = [1, -2.5, 0];
  const cases: readonly (readonly [string, onnx.TensorInit, string, readonly number[]])[] = [
    ["raw float32", onnx.raw("", Float32Array.from(numbers)), "float32", numbers],
    ["raw float64", onnx.raw("", Float64Array.from(numbers), { type: onnx.DOUBLE }), "float32", numbers],
    // 1, -2.5, the least subnormal, the largest, -infinity; the last bits of bfloat16 are those of 1e38 and 3.140625.
    [
      "raw float16",
      onnx.raw("", Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7bff, 0xfc00), { type: onnx.FLOAT16 }),
      "float32",
      [1, -2.5, 2 ** -24, 65504, Number.NEGATIVE_INFINITY],
    ],
    [
      "raw bfloat16",
      onnx.raw("", Uint16Array.of(0x3f80, 0xc020, 0x4049), { type: onnx.BFLOAT16 }),
      "float32",
      [1, -2.5, 3.140625],
    ],
    ["raw int64", onnx.raw("", BigInt64Array.of(3n, -1n, 2n ** 40n), { type: onnx.INT64 }), "int64", [3, -1, 2 ** 40]],
    ["raw int32", onnx.raw("", Int32Array.of(3, -1), { type: onnx.INT32 }), "int32", [3, -1]],
    ["raw int8", onnx.raw("", Int8Array.of(127, -128), { type: onnx.INT8 }), "int8", [127, -128]],
    ["raw uint8", onnx.raw("", Uint8Array.of(0, 255), { type: onnx.UINT8 }), "uint8", [0, 255]],
    ["raw bool", onnx.raw("", Uint8Array.of(0, 1, 2), { type: onnx.BOOL }), "bool", [0, 1, 1]],
    [
      "float_data",
      { dataType: onnx.FLOAT, dims: [3n], floatData: packed(Float32Array.from(numbers)) },
      "float32",
      numbers,
    ],
    [
      "double_data",
      { dataType: onnx.DOUBLE, dims: [3n], doubleData: packed(Float64Array.from(numbers)) },
      "float32",
      numbers,
    ],
    [
      "int64_data",
      { dataType: onnx.INT64, dims: [3n], int64Data: onnx.varints([7, -1, 2n ** 40n]) },
      "int64",
      [7, -1, 2 ** 40],
    ],
    ["int32_data", { dataType: onnx.INT32, dims: [2n], int32Data: onnx.varints([300, -300]) }, "int32", [300, -300]],
    ["int8 in int32_data", { dataType: onnx.INT8, dims: [2n], int32Data: onnx.varints([-1, 127]) }, "int8", [-1, 127]],
    ["uint8 in int32_data", { dataType: onnx.UINT8, dims: [2n], int32Data: onnx.varints([255, 1]) }, "uint8", [255, 1]],
    ["bool in int32_data", { dataType: onnx.BOOL, dims: [2n], int32Data: onnx.varints([1, 0]) }, "bool", [1, 0]],
    [
      "float16 in int32_data",
      { dataType: onnx.FLOAT16, dims: [1n], int32Data: onnx.varints([0xc100]) },
      "float32",
      [-2.5],
    ],
    [
      "bfloat16 in int32_data",
      { dataType: onnx.BFLOAT16, dims: [1n], int32Data: onnx.varints([0xc020]) },
      "float32",
      [-2.5],
    ],
  ];

  test.each(cases)("%s", (_, tensor, type, values) => {
    const constant = read(tensor) as { type: string; data: ArrayLike<number> };
    expect(constant.type).toBe(type);
    expect(Array.from(constant.data)).toEqual(values);
  });

  test("a scalar, and a tensor without elements", () => {
    expect(read(onnx.raw("", Float32Array.of(4), { dims: [] }))).toEqual({
      type: "float32",
      shape: [],
      data: Float32Array.of(4),
    });
    expect(read({ dataType: onnx.INT64, dims: [0n] })).toEqual({
      type: "int64",
      shape: [0],
      data: new Float64Array(0),
    });
  });

  test("integers beyond 2^53, which mean the end, stay large", () => {
    const constant = read({
      dataType: onnx.INT64,
      dims: [2n],
      int64Data: onnx.varints([2n ** 63n - 1n, -(2n ** 63n)]),
    });
    expect(constant).toMatchObject({ data: Float64Array.of(2 ** 63, -(2 ** 63)) });
  });

  test.each([
    [onnx.STRING, "string"],
    [5, "int16"],
    [99, "type 99"],
  ])("type %i is named, not read", (dataType, name) => {
    expect(read({ dataType, dims: [1n] })).toBe(name);
  });
});

describe("memory", () => {
  const values = Float32Array.of(1, 2, 3, 4);

  test.each([0, 1, 2, 3])("numbers at an address of 4n + %i are a view if they can be", (offset) => {
    const bytes = bytesOf(onnx.raw("", values));
    const file = new Uint8Array(bytes.length + 8);
    // Where raw_data lies in the message: at its end.
    const start = (8 + offset - ((bytes.length - values.byteLength) % 4)) % 4;
    file.set(bytes, start);
    const constant = constantOf(decodeTensor(file.subarray(start, start + bytes.length)), none);
    if (typeof constant === "string") throw new Error(constant);
    expect(constant.data).toEqual(values);
    expect(constant.data.buffer === file.buffer).toBe(offset === 0);
  });

  test.each([0, 1, 2, 3])("long ones at 4n + %i are moved within the file, if they may be", (offset) => {
    const long = Float32Array.from({ length: 40 }, (_, i) => i / 7);
    const model = onnx.file({
      initialisers: [onnx.raw("w".repeat(offset + 1), long), onnx.raw("short", long.subarray(0, 3))],
      nodes: [onnx.node("Relu", ["x"])],
    });
    const kept = readOnnx(model.slice()).toGraph().constants;
    const file = readOnnx(model, { owned: true });
    for (const constants of [file.toGraph().constants, file.toGraph().constants]) {
      expect(constants).toEqual(kept);
      expect(constants.get("w".repeat(offset + 1))?.data.buffer).toBe(model.buffer);
    }
  });

  test("bytes are always a view", () => {
    const bytes = bytesOf(onnx.raw("", Uint8Array.of(5, 6, 7), { type: onnx.UINT8 }));
    const constant = constantOf(decodeTensor(bytes), none);
    if (typeof constant === "string") throw new Error(constant);
    expect(constant.data.buffer).toBe(bytes.buffer);
  });
});

describe("lies", () => {
  const data = Float32Array.of(1, 2, 3, 4);
  test.each<readonly [string, onnx.TensorInit, RegExp]>([
    [
      "too little data",
      onnx.raw("w", data, { dims: [5] }),
      /"w" has the shape \[5\], which takes 20 bytes, and 16 bytes of data/,
    ],
    ["too much data", onnx.raw("w", data, { dims: [3] }), /takes 12 bytes/],
    ["a negative size", onnx.raw("w", data, { dims: [-4] }), /shape \[-4\]/],
    ["10 GB", onnx.raw("w", data, { dims: [1000, 1000, 2500] }), /2500000000 elements/],
    ["a product beyond 2^64", onnx.raw("w", data, { dims: [2 ** 31, 2 ** 31, 2 ** 31] }), /elements/],
    [
      "too few varints",
      { name: "w", dataType: onnx.INT64, dims: [3n], int64Data: onnx.varints([1, 2]) },
      /3 elements, and 2 elements of data/,
    ],
    [
      "half a varint",
      { name: "w", dataType: onnx.INT64, dims: [1n], int64Data: Uint8Array.of(1, 0x80) },
      /elements of data/,
    ],
    [
      "a varint without end",
      { name: "w", dataType: onnx.INT64, dims: [1n], int64Data: new Uint8Array(12).fill(0xff) },
      /more than 64 bits/,
    ],
    [
      "data of another type",
      { name: "w", dataType: onnx.FLOAT, dims: [4n], int64Data: onnx.varints([1, 2, 3, 4]) },
      /0 bytes of data/,
    ],
    ["a segment", { name: "w", dataType: onnx.FLOAT, dims: [0n], segment: { begin: 0n, end: 4n } }, /segment/],
  ])("%s", (_, tensor, message) => {
    expect(() => read(tensor)).toThrow(
      expect.objectContaining({ code: "model-invalid", message: expect.stringMatching(message) }),
    );
  });
});

describe("weights in bytes that are not to be moved", () => {
  /** The tensor read twice from bytes that begin at each address of four. */
  const readAnywhere = (
    data: Float32Array,
  ): readonly { readonly file: ArrayBuffer; readonly first: Constant["data"]; readonly second: Constant["data"] }[] => {
    const bytes = bytesOf(onnx.raw("", data));
    return [0, 1, 2, 3].map((start) => {
      const file = new ArrayBuffer(start + bytes.length);
      const place = new Uint8Array(file, start);
      place.set(bytes);
      const constant = constantOf(decodeTensor(place), none);
      if (typeof constant === "string") throw new Error(constant);
      return { file, first: constant.data, second: constant.data };
    });
  };

  test.each([8, 16_383, 16_384, 40_000])("%i numbers, at any address", (length) => {
    const data = Float32Array.from({ length }, (_, i) => i / 7 - 3);
    const found = readAnywhere(data);
    for (const { first, second } of found) {
      expect(first).toEqual(data);
      expect(second).toEqual(data);
    }
    // One of the four is at an address that numbers can be read from.
    expect(found.filter(({ file, first }) => first.buffer === file)).toHaveLength(1);
    // No copy of large ones is kept.
    expect(found.filter(({ first, second }) => first === second)).toHaveLength(length < 16_384 ? 4 : 1);
  });
});

describe("external data", () => {
  const file = new Uint8Array(Float32Array.of(9, 1, 2, 3).buffer);
  const external = (entries: Readonly<Record<string, string>>, count = 3): onnx.TensorInit => ({
    name: "w",
    dataType: onnx.FLOAT,
    dims: [BigInt(count)],
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });
  const files = new Map([["weights/a.bin", file]]);

  test("a range of a file, without a copy", () => {
    const constant = read(external({ location: "weights/a.bin", offset: "4", length: "12" }), files);
    expect(constant).toMatchObject({ data: Float32Array.of(1, 2, 3) });
    expect((constant as { data: Float32Array }).data.buffer).toBe(file.buffer);
  });

  test("the whole file", () => {
    expect(read(external({ location: "weights/a.bin" }, 4), files)).toMatchObject({
      data: Float32Array.of(9, 1, 2, 3),
    });
  });

  test.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
    ["a file that was not given", { location: "b.bin" }, /"b.bin", which was not given/],
    ["no location", { offset: "4" }, /without a location/],
    [
      "an offset behind the end",
      { location: "weights/a.bin", offset: "17" },
      /at 17 of "weights\/a.bin", which has 16/,
    ],
    ["a length beyond the end", { location: "weights/a.bin", offset: "8", length: "12" }, /12 bytes at 8/],
    ["an offset that is no number", { location: "weights/a.bin", offset: "-4" }, /offset "-4"/],
    ["a range of another length than the shape", { location: "weights/a.bin", length: "8" }, /takes 12 bytes/],
    ["a path out of the folder", { location: "weights/../../a.bin" }, /below the model's folder/],
    ["an absolute path", { location: "/etc/passwd" }, /below the model's folder/],
    ["an address", { location: "https://example.org/a.bin" }, /below the model's folder/],
    ["a path of Windows", { location: "..\\a.bin" }, /below the model's folder/],
  ])("%s", (_, entries, message) => {
    expect(() => read(external(entries), files)).toThrow(
      expect.objectContaining({ code: "model-invalid", message: expect.stringMatching(message) }),
    );
  });
});

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { decodeModel } from "./decode.ts";
import { importOnnx } from "./import.ts";
import * as onnx from "./testing/file.ts";

const invalid = (message: RegExp): unknown =>
  expect.objectContaining({ code: "model-invalid", message: expect.stringMatching(message) });

const small = onnx.file({
  initialisers: [onnx.raw("w", Float32Array.of(1, 2))],
  nodes: [onnx.node("Add", ["x", "w"]), onnx.node("Clip", ["y"], { a: onnx.ints(1, -2, 300) }, { outputs: ["z"] })],
});

/** A message with one field. */
const field = (
  number: number,
  write: (writer: BinaryWriter) => BinaryWriter,
  type = WireType.LengthDelimited,
): Uint8Array => write(new BinaryWriter().tag(number, type)).finish();

test("a file that ends anywhere but at its end is refused, or is another file", () => {
  for (let length = 0; length < small.length; length++) {
    // Lengths come first, so that only the top level may end between two fields.
    try {
      importOnnx(small.subarray(0, length));
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^model-/) });
    }
  }
  expect(() => importOnnx(small.subarray(0, small.length - 1))).toThrow(invalid(/not an ONNX file, or a damaged one/));
});

test("what is no ONNX file at all", () => {
  expect(() => decodeModel(new Uint8Array(0))).toThrow(invalid(/the file is empty/));
  expect(() => decodeModel(new TextEncoder().encode("<!DOCTYPE html><html></html>"))).toThrow(invalid(/damaged/));
  expect(() => decodeModel(new Uint8Array(100).fill(0xff))).toThrow(invalid(/damaged/));
});

test("a message that reaches beyond the one around it", () => {
  const graph = field(7, (writer) => writer.uint32(4).raw(field(1, (inner) => inner.uint32(9))));
  const padded = new Uint8Array([...graph, ...new Uint8Array(20)]);
  expect(() => decodeModel(padded)).toThrow(invalid(/GraphProto.node of 9 bytes reaches beyond/));
});

test("fields of another wire type than the schema's", () => {
  expect(() => decodeModel(field(7, (writer) => writer.uint32(1), WireType.Varint))).toThrow(
    invalid(/ModelProto.graph has wire type 0; expected 2/),
  );
  const text = field(1, (writer) => writer.string("8"));
  expect(() => decodeModel(text)).toThrow(invalid(/ModelProto.ir_version has wire type 2; expected 0/));
});

test("lists of numbers, packed and not", () => {
  const model = (ints: Uint8Array): Uint8Array => {
    const wrapped = [5, 1, 7].reduce((bytes, number) => field(number, (writer) => writer.bytes(bytes)), ints);
    return wrapped;
  };
  const read = (bytes: Uint8Array): readonly bigint[] | undefined =>
    decodeModel(model(bytes)).graph?.node[0]?.attribute[0]?.ints;
  expect(read(field(8, (writer) => writer.bytes(onnx.varints([1, -2]))))).toEqual([1n, -2n]);
  const single = field(8, (writer) => writer.int64(-2), WireType.Varint);
  expect(read(new Uint8Array([...single, ...single]))).toEqual([-2n, -2n]);
  expect(() => read(field(8, (writer) => writer.bytes(Uint8Array.of(1, 0x80))))).toThrow(
    invalid(/AttributeProto.ints ends within a number/),
  );
  expect(() => read(field(7, (writer) => writer.bytes(new Uint8Array(6))))).toThrow(
    invalid(/AttributeProto.floats ends within a number/),
  );
});

test("fields that are not known are passed over", () => {
  const known = onnx.file({ nodes: [onnx.node("Relu", ["x"])] });
  const unknown = field(4000, (writer) => writer.string("later"));
  expect(importOnnx(new Uint8Array([...unknown, ...known])).nodes).toHaveLength(1);
});

test("a small file that would unfold to much memory", () => {
  // Ten million empty nodes, of two bytes each.
  const node = field(1, (writer) => writer.uint32(0));
  const nodes = new Uint8Array(2 * 10_000_000);
  for (let i = 0; i < nodes.length; i += 2) nodes.set(node, i);
  const bomb = field(7, (writer) => writer.bytes(nodes));
  const before = process.memoryUsage().rss;
  expect(() => decodeModel(bomb)).toThrow(invalid(/8 times the file's size/));
  expect(process.memoryUsage().rss - before).toBeLessThan(8 * bomb.length);
});

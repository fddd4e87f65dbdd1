import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { malformed } from "./malformed.ts";
import { type ModelProto, ModelProtoSchema, type TensorProto, TensorProtoSchema } from "./proto/onnx_pb.ts";
import { checkWire } from "./wire.ts";

/** The messages of an ONNX file. Numbers of tensors are views into `bytes`, which must not change any more. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return decode(ModelProtoSchema, bytes);
}

/** The message of a file that holds a single tensor, as those beside ONNX's test cases do. */
export function decodeTensor(bytes: Uint8Array): TensorProto {
  return decode(TensorProtoSchema, bytes);
}

function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  if (bytes.byteLength === 0) throw malformed("the file is empty");
  checkWire(schema, bytes);
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw malformed(`not an ONNX file, or a damaged one: ${String(error)}`, error);
  }
}

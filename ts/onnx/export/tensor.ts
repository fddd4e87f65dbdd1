/** Constants as ONNX's tensors. */
import { create } from "@bufbuild/protobuf";
import type { Constant, NumberType } from "../../model/constant.ts";
import { type TensorProto, TensorProtoSchema } from "../proto/onnx_pb.ts";

/** TensorProto.DataType of each type. */
const CODES: Readonly<Record<NumberType, number>> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 };

/** The number of a type in files. */
export function elementCode(type: NumberType): number {
  return CODES[type];
}

/** A constant as a file has it. Its numbers are views of the constant's where those lie in memory as the file wants them. */
export function tensorProto(name: string, constant: Constant): TensorProto {
  const { shape, type } = constant;
  const dims = shape.map(BigInt);
  return create(TensorProtoSchema, { name, dims, dataType: elementCode(type), rawData: rawData(constant) });
}

function rawData({ type, data }: Constant): Uint8Array<ArrayBuffer> {
  const values = type === "int64" ? BigInt64Array.from(data, int64) : data;
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
}

/** What stands for "to the end" is larger than any int64. */
function int64(value: number): bigint {
  return BigInt.asIntN(64, value >= 2 ** 63 ? 2n ** 63n - 1n : value < -(2 ** 63) ? -(2n ** 63n) : BigInt(value));
}

/** ONNX's types of elements, which files name by number. */
import type { NumberType } from "../model/constant.ts";

/** What a type of elements is called, and as what a graph holds it; those without `type` it cannot. */
export interface ElementType {
  readonly name: string;
  readonly type?: NumberType;
}

/** By their number in TensorProto.DataType. Floats of other precisions are held as float32. */
const ELEMENT_TYPES: readonly ElementType[] = [
  { name: "undefined" },
  { name: "float32", type: "float32" },
  { name: "uint8", type: "uint8" },
  { name: "int8", type: "int8" },
  { name: "uint16" },
  { name: "int16" },
  { name: "int32", type: "int32" },
  { name: "int64", type: "int64" },
  { name: "string" },
  { name: "bool", type: "bool" },
  { name: "float16", type: "float32" },
  { name: "float64", type: "float32" },
  { name: "uint32" },
  { name: "uint64" },
  { name: "complex64" },
  { name: "complex128" },
  { name: "bfloat16", type: "float32" },
];

/** The type that a file names by `code`. */
export function elementType(code: number): ElementType {
  return ELEMENT_TYPES[code] ?? { name: `type ${code}` };
}

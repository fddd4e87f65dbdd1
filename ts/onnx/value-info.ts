/** What a file declares of a value. */
import type { Dim, ValueInfo } from "../model/graph.ts";
import { malformed, quote } from "./malformed.ts";
import type { ValueInfoProto } from "./proto/onnx_pb.ts";
import { elementType } from "./types.ts";

/** Type and shape of a value, or what it is if a graph cannot hold it: "type string", "a sequence". */
export function infoOf(value: ValueInfoProto): ValueInfo | string {
  const kind = value.type?.value;
  if (kind?.case !== "tensorType") return (kind?.case ?? "no type").replace("Type", "s");
  const { name, type } = elementType(kind.value.elemType);
  return type === undefined ? `type ${name}` : { type, shape: shapeOf(value) };
}

/** Its shape, as far as the file tells. */
export function shapeOf(value: ValueInfoProto): readonly Dim[] | undefined {
  const kind = value.type?.value;
  return kind?.case === "tensorType"
    ? kind.value.shape?.dim.map(({ value: dim }) => dimOf(value.name, dim))
    : undefined;
}

type DimValue =
  | { readonly case: "dimValue"; readonly value: bigint }
  | { readonly case: "dimParam"; readonly value: string }
  | { readonly case: undefined; readonly value?: undefined };

function dimOf(name: string, dim: DimValue): Dim {
  // Some exporters write -1 or an empty symbol where they do not know.
  if (dim.case === "dimParam") return dim.value === "" ? undefined : dim.value;
  if (dim.case === undefined || dim.value === -1n) return undefined;
  const size = Number(dim.value);
  if (size < 0 || size > 2 ** 31) throw malformed(`value ${quote(name)} has an axis of ${size}`);
  return size;
}

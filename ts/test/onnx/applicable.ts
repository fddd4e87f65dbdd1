/** Which of ONNX's cases are about what lenslet does: operators that it has, on numbers that it has. */
import { decodeModel } from "../../onnx/decode.ts";
import { domainOf } from "../../onnx/node.ts";
import { operators } from "../../onnx/operators/index.ts";
import type { NodeProto, ValueInfoProto } from "../../onnx/proto/onnx_pb.ts";
import { elementType } from "../../onnx/types.ts";

/** Why a case is not applicable; undefined where it is. */
export function inapplicable(model: Uint8Array): string | undefined {
  const { graph } = decodeModel(model);
  const [nodes, inputs, outputs] = [graph?.node ?? [], graph?.input ?? [], graph?.output ?? []];
  return (
    first(nodes, unlistedOperator) ??
    first([...inputs, ...outputs], otherType) ??
    first(nodes, training) ??
    first(inputs.filter(isFloat32), withoutElements) ??
    first(outputs, withoutElements)
  );
}

function first<T>(items: readonly T[], reasonOf: (item: T) => string | undefined): string | undefined {
  return items.map(reasonOf).find((reason) => reason !== undefined);
}

function unlistedOperator({ domain, opType }: NodeProto): string | undefined {
  const listed = domainOf(domain) === "" && operators.has(opType);
  return listed ? undefined : `operator ${opType} is not listed`;
}

/** Types that are float32 in the core without loss for the small integers of these cases. */
const HELD = new Set(["float32", "int64", "int32", "bool"]);

function otherType({ type }: ValueInfoProto): string | undefined {
  const kind = type?.value;
  if (kind?.case !== "tensorType") return `${kind?.case?.replace("Type", "") ?? "untyped"} values`;
  const { name } = elementType(kind.value.elemType);
  return HELD.has(name) ? undefined : `${name} values`;
}

/** Dropout is told to drop by an input, batch normalisation to look at the batch by an attribute. */
function training({ opType, input, attribute }: NodeProto): string | undefined {
  const drops = opType === "Dropout" && (input[2] ?? "") !== "";
  const learns =
    opType === "BatchNormalization" && attribute.some(({ name, i }) => name === "training_mode" && i === 1n);
  return drops || learns ? "training" : undefined;
}

/** Tensors of lenslet have elements. Lists of integers may be empty: those that are given are no tensors of the network. */
function withoutElements({ type }: ValueInfoProto): string | undefined {
  const shape = type?.value.case === "tensorType" ? type.value.value.shape : undefined;
  const empty = shape?.dim.some(({ value }) => value.case === "dimValue" && value.value === 0n);
  return empty === true ? "tensors without elements" : undefined;
}

function isFloat32({ type }: ValueInfoProto): boolean {
  return type?.value.case === "tensorType" && elementType(type.value.value.elemType).type === "float32";
}

/** Functions that a file defines: each call is replaced by the function's nodes. */
import { create } from "@bufbuild/protobuf";
import type { ValueName } from "../model/graph.ts";
import { malformed, quote } from "./malformed.ts";
import { domainOf, type FileNode } from "./node.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type NodeProto,
  type OperatorSetIdProto,
} from "./proto/onnx_pb.ts";

/** Deepest nesting of calls: a function may not call itself. */
const MAX_DEPTH = 32;

/**
 * Most that calls may add to what the file has: characters of names, numbers of attributes, and some for each node. A few
 * functions that call each other twice would add without end.
 */
const MAX_ADDED = 2 ** 24;
const NODE_SIZE = 100;

/** Throws once too much was added. */
type Spend = (size: number) => void;

/** Numbers and bytes in an attribute. */
function sizeOf({ ints, floats, strings, s, t }: AttributeProto): number {
  const tensor = t === undefined ? [] : [t.rawData, t.floatData, t.int32Data, t.int64Data, t.doubleData];
  const bytes = [s, ...strings, ...tensor].reduce((sum, { byteLength }) => sum + byteLength, 0);
  return ints.length + floats.length + bytes;
}

/** Versions of operator sets, by domain. */
export function opsetsOf(imports: readonly OperatorSetIdProto[]): ReadonlyMap<string, number> {
  return new Map(imports.map(({ domain, version }) => [domainOf(domain), Number(version)]));
}

/** The nodes of a graph, those of the functions that they call in their place. */
export function withoutCalls(
  nodes: readonly NodeProto[],
  opsets: ReadonlyMap<string, number>,
  functions: readonly FunctionProto[],
): FileNode[] {
  const byName = new Map(functions.map((fn) => [functionKey(fn.domain, fn.name, fn.overload), fn]));
  if (byName.size < functions.length) throw malformed("two functions have the same name");
  const unfolded: FileNode[] = [];
  let added = 0;
  const spend: Spend = (size) => {
    added += size;
    if (added > MAX_ADDED) throw malformed("its functions unfold to much more than the file has");
  };
  const called = new Set<FunctionProto>();
  const visit = (node: FileNode, depth: number): void => {
    const fn = byName.get(functionKey(node.domain, node.op, node.overload));
    if (fn === undefined) {
      if (depth > 0) spend(NODE_SIZE);
      unfolded.push(node);
      return;
    }
    if (depth === MAX_DEPTH)
      throw malformed(`functions call each other more than ${MAX_DEPTH} deep: ${quote(fn.name)}`);
    // What a function has of its own, the file has once.
    if (called.has(fn)) for (const { attribute } of fn.node) for (const each of attribute) spend(sizeOf(each));
    called.add(fn);
    for (const inner of bodyOf(fn, node, spend)) visit(inner, depth + 1);
  };
  for (const [index, node] of nodes.entries()) visit(fileNode(node, index, opsets), 0);
  return unfolded;
}

function functionKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([domainOf(domain), name, overload]);
}

function fileNode(node: NodeProto, index: number, opsets: ReadonlyMap<string, number>): FileNode {
  const { input, output, attribute } = node;
  return {
    domain: domainOf(node.domain),
    op: node.opType,
    overload: node.overload,
    name: node.name === "" ? `${node.opType}_${index}` : node.name,
    inputs: input,
    outputs: output,
    attributes: attribute,
    opsets,
  };
}

/** The nodes of `fn` for one call: values have the caller's names, or new ones that tell which call they belong to. */
function* bodyOf(fn: FunctionProto, call: FileNode, spend: Spend): Generator<FileNode> {
  if (call.inputs.length > fn.input.length || call.outputs.length > fn.output.length) {
    throw malformed(`node ${quote(call.name)} has more inputs or outputs than the function ${quote(fn.name)}`);
  }
  const nameIn = (inner: string): string => {
    const made = `${call.name}/${inner}`;
    spend(made.length);
    return made;
  };
  const names = new Map<ValueName, ValueName>([["", ""]]);
  for (const [index, name] of fn.input.entries()) names.set(name, call.inputs[index] ?? "");
  const passed: { from: ValueName; to: ValueName }[] = [];
  for (const [index, name] of fn.output.entries()) {
    const outer = call.outputs[index] ?? "";
    const known = names.get(name);
    if (outer === "") continue;
    if (known === undefined) names.set(name, outer);
    else passed.push({ from: known, to: outer });
  }
  const outer = (name: ValueName): ValueName => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const made = nameIn(name);
    names.set(name, made);
    return made;
  };
  const attributes = attributesOf(fn, call);
  const opsets = opsetsOf(fn.opsetImport);
  for (const [index, proto] of fn.node.entries()) {
    const node = fileNode(proto, index, opsets);
    yield {
      ...node,
      name: nameIn(node.name),
      inputs: node.inputs.map(outer),
      outputs: node.outputs.map(outer),
      attributes: node.attributes.flatMap((attribute) => bound(attribute, attributes, spend)),
    };
  }
  // What a function hands on as it came, or gives twice.
  for (const { from, to } of passed) {
    yield {
      domain: "",
      op: "Identity",
      overload: "",
      name: to,
      inputs: [from],
      outputs: [to],
      attributes: [],
      opsets: call.opsets,
    };
  }
}

/** The attributes that a function has in one call: the caller's, and defaults. */
function attributesOf(fn: FunctionProto, call: FileNode): ReadonlyMap<string, AttributeProto> {
  return new Map([...fn.attributeProto, ...call.attributes].map((attribute) => [attribute.name, attribute]));
}

/** An attribute of a node inside a function; none, if it is one of the function's that the call leaves out. */
function bound(
  attribute: AttributeProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  spend: Spend,
): AttributeProto[] {
  if (attribute.refAttrName === "") return [attribute];
  const value = attributes.get(attribute.refAttrName);
  if (value === undefined) return [];
  spend(sizeOf(value));
  return [create(AttributeProtoSchema, { ...value, name: attribute.name })];
}

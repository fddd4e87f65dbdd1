/** Graphs for tests. */
import type { Attributes, OpType } from "../../attributes.ts";
import type { Constant } from "../../constant.ts";
import type { Dim, Graph, Node, ValueName } from "../../graph.ts";

/** A node named after its first output. */
export function node<T extends OpType>(
  op: T,
  inputs: readonly (ValueName | undefined)[],
  attributes: Attributes[T],
  ...outputs: readonly (ValueName | undefined)[]
): Node {
  return { name: `make ${outputs[0] ?? "nothing"}`, op, inputs, outputs, attributes } as Node;
}

/** A graph of float32 inputs. */
export function graphOf(
  inputs: Readonly<Record<ValueName, readonly Dim[] | undefined>>,
  constants: Readonly<Record<ValueName, Constant>>,
  nodes: readonly Node[],
  outputs: readonly ValueName[],
): Graph {
  const infos = Object.entries(inputs).map(([name, shape]) => [name, { type: "float32", shape }] as const);
  return { name: "graph", inputs: new Map(infos), constants: new Map(Object.entries(constants)), nodes, outputs };
}

/** Attributes of a window that leaves all open. */
export const openWindow = { strides: [], dilations: [], pads: [], autoPad: "NOTSET" } as const;

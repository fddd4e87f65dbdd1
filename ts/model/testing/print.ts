/** Graphs as text, for tests: a line a node, constants by their shapes. What {@link sketch} reads. */
import { isWhole } from "../constant.ts";
import type { Graph, KnownGraph, Node, ValueName } from "../graph.ts";

/** The nodes of a graph, and its outputs: `y = Conv(x, w: [8, 3, 3, 3]) pads=[1, 1, 1, 1] activation=relu`. */
export function printGraph(graph: Graph | KnownGraph): string {
  const inputs = [...graph.inputs.keys()].map((name) => `${name}: ${shapeOf(graph, name)}`);
  return [...inputs, ...graph.nodes.map((node) => printNode(graph, node)), `-> ${graph.outputs.join(", ")}`].join("\n");
}

function shapeOf(graph: Graph | KnownGraph, name: ValueName): string {
  const info = "infos" in graph ? graph.infos.get(name) : graph.inputs.get(name);
  return `[${info?.shape?.join(", ") ?? "?"}]`;
}

function printNode(graph: Graph, { op, inputs, outputs, attributes }: Node): string {
  const given = inputs.slice(0, inputs.findLastIndex((name) => name !== undefined) + 1);
  const operands = given.map((name) => {
    const constant = name === undefined ? undefined : graph.constants.get(name);
    if (constant === undefined) return name ?? "_";
    if (!isWhole(constant)) throw new Error(`the constant ${name} is not of its shape`);
    // Numbers that a sketch gives are named as it writes them.
    const { shape } = constant;
    if (/^(i?\[|[-\d])/.test(name ?? "")) return name;
    return `${name}: [${shape.join(", ")}]`;
  });
  const words = Object.entries(attributes).flatMap(([name, value]) =>
    isUsual(name, value) ? [] : [`${name}=${print(value)}`],
  );
  return [`${outputs.map((name) => name ?? "_").join(", ")} = ${op}(${operands.join(", ")})`, ...words].join(" ");
}

/** Whether an attribute says nothing that a reader needs. */
function isUsual(name: string, value: unknown): boolean {
  if (value === undefined || value === false || value === "NOTSET" || value === "constant") return true;
  if (Array.isArray(value) && value.length === 0) return true;
  if (name === "strides" || name === "dilations") return Array.isArray(value) && value.every((each) => each === 1);
  if (name === "pads" || name === "outputPadding") return Array.isArray(value) && value.every((each) => each === 0);
  if (name === "storageOrder") return value === 0;
  return (name === "group" || name === "alpha" || name === "beta") && value === 1;
}

function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(", ")}]`;
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  if (typeof value !== "object" || value === null) return String(value);
  const { type, ...rest } = value as { readonly type?: string };
  return `${type ?? ""}(${Object.values(rest).map(print).join(", ")})`;
}

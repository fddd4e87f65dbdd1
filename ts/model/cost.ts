/** What nodes cost: multiplications, parameters. */
import { elementCount, type Shape } from "../shape.ts";
import type { KnownGraph, Node, ValueName } from "./graph.ts";

/** Multiply-adds of a Conv, ConvTranspose, Gemm or MatMul; 0 for others, as is usual. */
export function macsOf(graph: KnownGraph, { op, inputs, outputs, attributes }: Node): number {
  const [x, w] = inputs;
  const out = elementCount(shapeOf(graph, outputs[0]));
  const weight = shapeOf(graph, w);
  if (op === "Conv") return out * elementCount(weight.slice(1));
  if (op === "ConvTranspose") return elementCount(shapeOf(graph, x)) * elementCount(weight.slice(1));
  if (op === "Gemm") return out * (shapeOf(graph, x)[attributes.transA ? 0 : 1] ?? 1);
  return op === "MatMul" ? out * (shapeOf(graph, x).at(-1) ?? 1) : 0;
}

/** The shape of a value; that of a scalar for none. */
export function shapeOf(graph: KnownGraph, name: ValueName | undefined): Shape {
  return name === undefined ? [] : (graph.infos.get(name)?.shape ?? []);
}

/** The floats among a node's operands that training would have found: shapes and axes are integers and do not count. */
export function parametersOf(graph: KnownGraph, { inputs }: Node): ReadonlySet<ValueName> {
  const names = inputs.filter((name) => name !== undefined && graph.constants.get(name)?.type !== "int64");
  return new Set(names.filter((name) => name !== undefined && graph.constants.has(name)) as ValueName[]);
}

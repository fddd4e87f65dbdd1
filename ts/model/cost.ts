/** What nodes cost: multiplications, parameters. */
import { elementCount, type Shape } from "../shape.ts";
import type { OpType } from "./attributes.ts";
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

/** Operators whose constants say how they work, not what they have learned. */
const SETTINGS: ReadonlySet<OpType> = new Set(["Clip", "Pad", "Resize", "Pow"]);

/** The constants of a node that training would have found: numbers in formulas and shapes are none. */
export function parametersOf(graph: KnownGraph, { op, inputs }: Node): ReadonlySet<ValueName> {
  const found = new Set<ValueName>();
  for (const name of SETTINGS.has(op) ? [] : inputs) {
    const constant = name === undefined ? undefined : graph.constants.get(name);
    if (name === undefined || constant === undefined || constant.type === "int64") continue;
    // One number in arithmetic is a part of a formula; the slope of a PRelu is not.
    if (elementCount(constant.shape) > 1 || !(op === "Add" || op === "Sub" || op === "Mul" || op === "Div"))
      found.add(name);
  }
  return found;
}

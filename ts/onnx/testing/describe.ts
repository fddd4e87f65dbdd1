/** Graphs as text, for tests that compare them. */
import type { Graph } from "../../model/graph.ts";

/** A line a node: `Slice(x, [1], [3]) {"axis":0} -> y`; constants are their numbers, absent operands `-`. */
export function describeNodes({ nodes, constants }: Graph): string[] {
  const operand = (name: string | undefined): string => {
    if (name === undefined) return "-";
    const constant = constants.get(name);
    if (constant === undefined) return name;
    const numbers = Array.from(constant.data).join(", ");
    return constant.shape.length === 0 ? numbers : `[${numbers}]`;
  };
  return nodes.map(({ op, inputs, outputs, attributes }) => {
    const given = Object.keys(attributes).length === 0 ? "" : ` ${JSON.stringify(attributes)}`;
    return `${op}(${inputs.map(operand).join(", ")})${given} -> ${outputs.map((name) => name ?? "-").join(", ")}`;
  });
}

import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";

/** Fewest and most inputs; the fewest must be present. */
export type Arity = readonly [min: number, max: number];

/** How a node of a file becomes nodes of a graph. */
export interface Operator {
  /** How many inputs it has, perhaps by version of the operator set. */
  readonly inputs: Arity | ((version: number) => Arity);
  /** Most outputs that can be had. Default 1. */
  readonly outputs?: number;
  /** Adds what the node computes. Attributes that it does not ask for are unsupported. */
  readonly add: (node: OnnxNode, graph: GraphBuilder) => void;
}

/** Operators by their names in ONNX. */
export type Operators = Readonly<Record<string, Operator>>;

/** Of an operator that had only one input before `version`, `later` since. */
export function oneBefore(version: number, later: Arity): (version: number) => Arity {
  return (now) => (now < version ? [1, 1] : later);
}

/** More inputs or outputs than any node has. */
export const ANY: number = Number.POSITIVE_INFINITY;

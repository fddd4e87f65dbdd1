import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";

/** How a node of a file becomes nodes of a graph. */
export interface Operator {
  /** Fewest and most inputs; the fewest must be present. */
  readonly inputs: readonly [min: number, max: number];
  /** Most outputs that can be had. Default 1. */
  readonly outputs?: number;
  /** Adds what the node computes. Attributes that it does not ask for are unsupported. */
  readonly add: (node: OnnxNode, graph: GraphBuilder) => void;
}

/** Operators by their names in ONNX. */
export type Operators = Readonly<Record<string, Operator>>;

/** More inputs or outputs than any node has. */
export const ANY = Number.POSITIVE_INFINITY;

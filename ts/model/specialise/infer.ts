/** Inference: types and shapes of what a node makes, from what is known of its inputs. */
import { LensletError } from "../../errors.ts";
import { elementCount, formatShape, MAX_ELEMENTS, MAX_RANK } from "../../shape.ts";
import type { Attributes, OpType } from "../attributes.ts";
import type { KnownInfo, Node } from "../graph.ts";
import { describeNode } from "../signature.ts";
import { along } from "./infer/along.ts";
import { arrange } from "./infer/arrange.ts";
import { elementwise } from "./infer/elementwise.ts";
import { layers } from "./infer/layers.ts";
import type { Rules } from "./infer/rule.ts";
import { shapes } from "./infer/shapes.ts";
import { type KnownValues, Operands } from "./operands.ts";
import { checkRows } from "./rows.ts";

const rules: Rules<OpType> = { ...layers, ...elementwise, ...along, ...arrange, ...shapes };

function apply<T extends OpType>(op: T, at: Operands, attributes: Attributes[T]): readonly KnownInfo[] {
  return rules[op](at, attributes);
}

/**
 * Types and shapes of a node's outputs, one for each that its operator can have: for a node of `outputs: ["y"]` the first
 * is meant. `values` knows the node's inputs.
 *
 * Throws `model-invalid` where operands and attributes do not fit each other, `model-unsupported` where a shape depends on
 * numbers that are known only when the network runs, `empty-output` and `too-large`.
 */
export function inferNode(node: Node, values: KnownValues): readonly KnownInfo[] {
  const at = new Operands(node, values);
  const infos = apply(node.op, at, node.attributes);
  for (const info of infos) checkInfo(describeNode(node), info);
  return checkRows(at, infos);
}

/** Throws unless a value of this type and shape can be held. */
export function checkInfo(what: string, { shape }: KnownInfo): void {
  if (shape.length > MAX_RANK) {
    const text = `${what}: the shape ${formatShape(shape)} has ${shape.length} axes; expected at most ${MAX_RANK}`;
    throw new LensletError("model-unsupported", text);
  }
  const size = elementCount(shape);
  if (size <= MAX_ELEMENTS) return;
  const text = `${what}: the shape ${formatShape(shape)} has ${size} elements; expected at most ${MAX_ELEMENTS}`;
  throw new LensletError("too-large", `${text} (2 GiB of float32, what WebAssembly can hold)`);
}

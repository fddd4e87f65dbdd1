/** Nodes that change nothing, or are computed twice. */
import { identity } from "../derived.ts";
import { elementCount } from "../../shape.ts";
import type { Constant } from "../constant.ts";
import type { KnownGraph, Node, ValueName } from "../graph.ts";
import { isOp, Rewrite } from "./rewrite.ts";

/**
 * Takes away nodes whose output is their input: Identity, Dropout (inference), and others whose operands make them so; but
 * not those for which `isKept` says so.
 */
export function removeIdentities(graph: KnownGraph, isKept: (node: Node) => boolean = () => false): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    if (isKept(node)) continue;
    const same = unchanged(rewrite, node);
    if (same !== undefined) rewrite.bypass(node, same);
  }
  return rewrite.finish();
}

/** The input that a node passes through. */
function unchanged(rewrite: Rewrite, node: Node): ValueName | undefined {
  const [x, b] = node.inputs;
  const [value, ...more] = node.outputs;
  if (x === undefined || value === undefined || more.some((name) => name !== undefined)) return undefined;
  const [from, to] = [rewrite.info(x), rewrite.info(value)];
  if (from.type !== to.type) return undefined;
  const sameShape = from.shape.join() === to.shape.join();
  const isAll = (operand: ValueName | undefined, number: number): boolean =>
    rewrite.constant(operand)?.data.every((element) => element === number) ?? false;
  switch (node.op) {
    case "Identity":
    case "Dropout":
    case "Cast":
      return x;
    case "Reshape":
    case "Flatten":
    case "Squeeze":
    case "Unsqueeze":
    case "Expand":
    case "Tile":
      return sameShape ? x : undefined;
    case "Transpose":
      return node.attributes.perm.every((axis, i) => axis === i) ? x : undefined;
    case "Pad":
      return isAll(b, 0) ? x : undefined;
    case "Slice":
      return sameShape && (node.inputs[4] === undefined || isAll(node.inputs[4], 1)) ? x : undefined;
    case "Concat":
    case "Sum":
    case "Min":
    case "Max":
    case "Mean":
      return node.inputs.length === 1 ? x : undefined;
    case "Split":
      return sameShape ? x : undefined;
    case "Clip":
      return b === undefined && node.inputs[2] === undefined ? x : undefined;
    case "Add":
      if (b !== undefined && isAll(x, 0) && rewrite.info(b).shape.join() === to.shape.join()) return b;
      return sameShape && isAll(b, 0) ? x : undefined;
    case "Mul":
      if (b !== undefined && isAll(x, 1) && rewrite.info(b).shape.join() === to.shape.join()) return b;
      return sameShape && isAll(b, 1) ? x : undefined;
    case "Sub":
      return sameShape && isAll(b, 0) ? x : undefined;
    case "Div":
    case "Pow":
      return sameShape && isAll(b, 1) ? x : undefined;
    default:
      return undefined;
  }
}

/** Makes one Transpose of two that follow one another, and none of two that undo one another. */
export function mergeTransposes(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    if (!isOp(node, "Transpose")) continue;
    const before = rewrite.madeBy("Transpose", node.inputs[0]);
    const [x] = before?.inputs ?? [];
    if (before === undefined || x === undefined) continue;
    const perm = node.attributes.perm.map((axis) => before.attributes.perm[axis] ?? 0);
    const next: Node<"Transpose"> = { ...node, inputs: [x], attributes: { perm } };
    rewrite.replace(node, next);
    const [between] = before.outputs;
    if (between !== undefined && rewrite.isPrivate(between, [])) rewrite.remove(before);
    if (perm.every((axis, i) => axis === i)) rewrite.bypass(next, x);
  }
  return rewrite.finish();
}

/** Computes once what several nodes compute from the same values. */
export function mergeCommon(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  const first = new Map<string, Node>();
  for (const node of rewrite.nodes()) {
    // What is left to chance comes out differently each time.
    if (node.op === "Dropout") continue;
    const key = keyOf(rewrite, node);
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, node);
      continue;
    }
    // Of several outputs each would have to be replaced; nodes with more than one are few.
    const [same] = earlier.outputs;
    if (same !== undefined && node.outputs.length === 1 && earlier.outputs.length === 1) {
      if (!rewrite.has(earlier)) first.set(key, node);
      else if (!rewrite.isOutput(node.outputs[0] ?? "")) rewrite.bypass(node, same);
    }
  }
  return rewrite.finish();
}

/** What a node computes, and of what. Small constants count by what they hold. */
function keyOf(rewrite: Rewrite, { op, inputs, attributes, outputs }: Node): string {
  const operands = inputs.map((value) => {
    const constant = rewrite.constant(value);
    return constant === undefined ? (value ?? null) : contentOf(constant);
  });
  return JSON.stringify([op, outputs.length, operands, Object.entries(attributes).sort()], plain);
}

function contentOf(constant: Constant): string {
  const { type, shape } = constant;
  if (elementCount(shape) > 16) return `constant ${identity(constant)}`;
  return `${type} ${shape.join()}: ${Array.from(constant.data).join()}`;
}

/** JSON makes null of what is not finite. */
function plain(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** Which values of a network are probabilities, that no layer makes anything else of. */
import type { OpType } from "../model/attributes.ts";
import type { KnownGraph, Node, ValueName } from "../model/graph.ts";
import { elementCount } from "../shape.ts";

/** Operators that only show their operand's elements in another form; of a Cast those that change no type. */
const VIEWS: ReadonlySet<OpType> = new Set<OpType>([
  ...(["Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Cast"] as const),
]);

/** Operators that make probabilities of logits. */
const ACTIVATIONS: ReadonlySet<OpType> = new Set<OpType>(["Softmax", "Sigmoid", "HardSigmoid"]);

/** Operators that choose, move, join or pool elements of their first operand. */
const OF_FIRST: ReadonlySet<OpType> = new Set<OpType>([
  ...(["Clip", "Slice", "Split", "Gather", "Expand", "Tile", "Pad", "Resize", "DepthToSpace", "SpaceToDepth"] as const),
  ...(["AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool"] as const),
  ...(["ReduceMean", "ReduceMax", "ReduceMin"] as const),
]);

/** Operators that do so with all of theirs, or join them element by element. */
const OF_ALL: ReadonlySet<OpType> = new Set<OpType>([
  ...(["Concat", "Add", "Sub", "Mul", "Div", "Sum", "Mean", "Min", "Max"] as const),
]);

/** Whether a node only shows its operand's elements in another form. In inference, where Dropout drops nothing. */
export function isView({ infos }: KnownGraph, { op, inputs: [x], outputs: [y] }: Node): boolean {
  const typeOf = (value: ValueName | undefined): unknown => (value === undefined ? value : infos.get(value)?.type);
  return VIEWS.has(op) && (op !== "Cast" || typeOf(x) === typeOf(y));
}

/**
 * The activations whose probabilities a value is made of, by nothing but operators that choose, move, join, pool or clip
 * them, or combine them with single numbers. None where anything else takes part: what is multiplied with an image, or has
 * weights, is no probability any more.
 */
export function probabilitiesWithin(graph: KnownGraph, value: ValueName): readonly Node[] {
  const { constants, nodes } = graph;
  const wanted = new Set<ValueName | undefined>([value]);
  const activations: Node[] = [];
  for (const node of nodes.toReversed()) {
    const found = node.outputs.filter((name) => wanted.delete(name));
    if (found.length === 0) continue;
    if (ACTIVATIONS.has(node.op)) {
      activations.unshift(node);
    } else if (isView(graph, node) || OF_FIRST.has(node.op)) {
      wanted.add(node.inputs[0]);
    } else if (OF_ALL.has(node.op)) {
      for (const name of node.inputs) if (!isNumber(constants, name)) wanted.add(name);
    } else return [];
  }
  // What is left comes from outside: inputs, or constants with a number for each place.
  return wanted.size === 0 ? activations : [];
}

function isNumber(constants: KnownGraph["constants"], name: ValueName | undefined): boolean {
  const constant = name === undefined ? undefined : constants.get(name);
  return constant !== undefined && elementCount(constant.shape) === 1;
}

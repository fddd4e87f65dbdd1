/** Checks of graphs that come from elsewhere: what every pass relies on. */
import { LensletError } from "../errors.ts";
import { isCount, list, show } from "../options.ts";
import { formatShape } from "../shape.ts";
import { type AttributeKind, attributeKinds, NUMBER_TYPES, type OptionalKind } from "./attribute-kinds.ts";
import { type Constant, isWhole } from "./constant.ts";
import type { Dim, Graph, Node, ValueInfo, ValueName } from "./graph.ts";
import { describeNode, inputName, signatures } from "./signature.ts";

/**
 * Throws unless a graph is whole: every value has one name and one maker, nodes come behind those whose values they need,
 * operators have the inputs, outputs and attributes that they must have, constants as many numbers as their shapes say.
 * Whether shapes fit together is seen only when the graph is specialised.
 *
 * Throws `model-invalid` with the names of the nodes, and `model-unsupported` with all operators that there are not.
 */
export function validateGraph(graph: Graph): void {
  checkOperators(graph);
  const makers = new Map<ValueName, string>();
  for (const [name, info] of graph.inputs) {
    define(makers, name, `input ${show(name)}`);
    checkInput(name, info);
  }
  for (const [name, constant] of graph.constants) {
    define(makers, name, `constant ${show(name)}`);
    checkConstant(name, constant);
  }
  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    const what = describeNode(node);
    if (typeof node.name !== "string" || node.name === "") throw invalid(`${what} has no name`);
    if (nodeNames.has(node.name)) throw invalid(`two nodes have the name ${show(node.name)}`);
    nodeNames.add(node.name);
    checkOperands(node);
    checkAttributes(node);
    for (const [index, name] of node.inputs.entries()) {
      if (name === undefined || makers.has(name)) continue;
      throw outOfOrder(graph, node, index, name);
    }
    for (const name of node.outputs) if (name !== undefined) define(makers, name, what);
  }
  if (graph.outputs.length === 0) throw invalid("the graph has no outputs");
  if (new Set(graph.outputs).size < graph.outputs.length) throw invalid("two outputs of the graph are the same value");
  for (const name of graph.outputs) {
    if (!makers.has(name)) throw invalid(`the graph's output ${show(name)} is a value that nothing makes`);
  }
}

function invalid(text: string): LensletError {
  return new LensletError("model-invalid", text);
}

function checkOperators({ nodes }: Graph): void {
  const unknown = nodes.filter(({ op }) => !Object.hasOwn(signatures, op));
  if (unknown.length === 0) return;
  const names = unknown.map(({ name, op }) => `${String(op)} (node ${show(name)})`);
  throw new LensletError(
    "model-unsupported",
    `the graph needs operators that lenslet does not have: ${names.join(", ")}`,
  );
}

function define(makers: Map<ValueName, string>, name: ValueName, what: string): void {
  if (typeof name !== "string" || name === "") throw invalid(`${what} makes a value without a name`);
  const other = makers.get(name);
  if (other !== undefined) throw invalid(`${what} makes the value ${show(name)}, which ${other} has made`);
  makers.set(name, what);
}

function checkInput(name: ValueName, { type, shape }: ValueInfo): void {
  checkType(`input ${show(name)}`, type);
  if (shape === undefined) return;
  const isDim = (dim: Dim): boolean => dim === undefined || (typeof dim === "string" ? dim !== "" : isCount(dim, 0));
  if (Array.isArray(shape) && shape.every(isDim)) return;
  throw invalid(`input ${show(name)} has the shape ${show(shape)}; expected sizes, symbols or undefined`);
}

function checkType(what: string, type: unknown): void {
  if (NUMBER_TYPES.some((known) => known === type)) return;
  throw invalid(`${what} has the type ${show(type)}; expected ${list(NUMBER_TYPES)}`);
}

const ARRAYS = {
  float32: Float32Array,
  int64: Float64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

function checkConstant(name: ValueName, constant: Constant): void {
  const what = `constant ${show(name)}`;
  const { type, shape } = constant;
  checkType(what, type);
  if (!Array.isArray(shape) || !shape.every((size) => isCount(size, 0))) {
    throw invalid(`${what} has the shape ${show(shape)}; expected sizes of 0 or more`);
  }
  const { data } = constant;
  if (!(data instanceof ARRAYS[type]))
    throw invalid(`${what} of ${type} has ${show(data)}; expected ${ARRAYS[type].name}`);
  if (isWhole({ ...constant, data } as Constant)) return;
  throw invalid(`${what} has ${data.length} numbers for the shape ${formatShape(shape)}`);
}

function checkOperands(node: Node): void {
  const what = describeNode(node);
  const { inputs, outputs } = node;
  const signature = signatures[node.op];
  const most = signature.variadic ? Number.POSITIVE_INFINITY : signature.inputs.length;
  if (inputs.length > most) throw invalid(`${what} has ${inputs.length} inputs; expected at most ${most}`);
  for (let index = 0; index < Math.max(signature.required, signature.variadic ? inputs.length : 0); index++) {
    if (inputs[index] === undefined) throw invalid(`${what}: ${inputName(node.op, index)} is missing`);
  }
  const made = signature.manyOutputs ? Number.POSITIVE_INFINITY : signature.outputs.length;
  if (outputs.length > made) throw invalid(`${what} has ${outputs.length} outputs; expected at most ${made}`);
  if (outputs[0] === undefined) throw invalid(`${what} has no output`);
}

function checkAttributes(node: Node): void {
  const kinds: Readonly<Record<string, AttributeKind | OptionalKind>> = attributeKinds[node.op];
  const values: Readonly<Record<string, unknown>> = { ...node.attributes };
  for (const [name, kind] of Object.entries(kinds)) {
    const value = values[name];
    const required = isOptional(kind) ? kind.optional : kind;
    if (isOptional(kind) && value === undefined) continue;
    if (isKind(value, required)) continue;
    throw invalid(`${describeNode(node)}: ${name} is ${show(value)}; expected ${expectation(required)}`);
  }
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(kinds, name) && values[name] !== undefined);
  if (unknown === undefined) return;
  throw invalid(
    `${describeNode(node)} has the unknown attribute ${show(unknown)}; expected ${list(Object.keys(kinds))}`,
  );
}

function isOptional(kind: AttributeKind | OptionalKind): kind is OptionalKind {
  return typeof kind === "object" && "optional" in kind;
}

function isKind(value: unknown, kind: AttributeKind): boolean {
  switch (kind) {
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "flag":
      return typeof value === "boolean";
    case "integers":
      return Array.isArray(value) && value.every(Number.isInteger);
    case "activation":
      return typeof value === "string" || (typeof value === "object" && value !== null);
    default:
      return typeof value === "string" && kind.includes(value);
  }
}

function expectation(kind: AttributeKind): string {
  switch (kind) {
    case "integer":
      return "an integer";
    case "number":
      return "a number";
    case "flag":
      return "true or false";
    case "integers":
      return "an array of integers";
    case "activation":
      return "an activation";
    default:
      return list(kind.map((word) => JSON.stringify(word)));
  }
}

/** Why a node reads a value that is not there yet: a cycle, the wrong order, or nothing makes it at all. */
function outOfOrder(graph: Graph, node: Node, index: number, name: ValueName): LensletError {
  const what = `${describeNode(node)}: ${inputName(node.op, index)} is ${show(name)}`;
  const makers = new Map(graph.nodes.flatMap((maker) => maker.outputs.map((output) => [output, maker] as const)));
  const maker = makers.get(name);
  if (maker === undefined) return invalid(`${what}, which nothing makes`);
  const cycle = pathTo(node, maker, makers);
  if (cycle === undefined)
    return invalid(`${what}, which ${describeNode(maker)} makes later; nodes must come in order`);
  const names = [...cycle, node.name].map(show);
  const shown = names.length > 12 ? [...names.slice(0, 6), "...", ...names.slice(-5)] : names;
  return invalid(`the graph is cyclic: ${shown.join(" -> ")}`);
}

/** Names of the nodes from `first` to `last`, each reading from the one before; undefined if there is no such way. */
function pathTo(
  first: Node,
  last: Node,
  makers: ReadonlyMap<ValueName | undefined, Node>,
): readonly string[] | undefined {
  // Backwards from the last: a way of any length, so without recursion.
  const readers = new Map<Node, Node | undefined>([[last, undefined]]);
  const open = [last];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node === first) {
      const names: string[] = [];
      for (let step: Node | undefined = first; step !== undefined; step = readers.get(step)) names.push(step.name);
      return names;
    }
    for (const name of node.inputs) {
      const maker = name === undefined ? undefined : makers.get(name);
      if (maker === undefined || readers.has(maker)) continue;
      readers.set(maker, node);
      open.push(maker);
    }
  }
  return undefined;
}

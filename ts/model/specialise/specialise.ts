/** Specialises a graph: once its inputs have sizes, so has every value, and what does not depend on their data is known. */
import { LensletError } from "../../errors.ts";
import { formatShape } from "../../shape.ts";
import type { Constant } from "../constant.ts";
import type { Graph, KnownGraph, KnownInfo, Node, ValueName } from "../graph.ts";
import { bindInputs } from "./bind.ts";
import { Budget } from "./budget.ts";
import { zeros } from "./evaluate/evaluator.ts";
import { evaluateNode } from "./evaluate.ts";
import { checkInfo, inferNode } from "./infer.ts";
import { resolveNode } from "./resolve.ts";

/**
 * The graph for inputs of these shapes: types and shapes of all values, nodes with resolved attributes, nodes of which the
 * results are known turned into constants, and nothing left that the outputs do not need. Constants are shared with
 * `graph`; large new ones are computed when their `data` is read, each time. Specialised again, for other shapes, what did
 * not change is the same object.
 *
 * `graph` is whole, as `validateGraph` has it, and stays as it is.
 *
 * Throws `shape-mismatch` and `invalid-argument` where `inputShapes` do not fit the inputs' declarations, `model-invalid`
 * where nodes do not fit together, `model-unsupported` where a shape depends on data, `empty-output` and `too-large` where
 * a value would have no element or too many.
 */
export function specialise(graph: Graph, inputShapes: ReadonlyMap<ValueName, readonly number[]>): KnownGraph {
  const infos = bindInputs(graph, inputShapes);
  try {
    return specialiseBound(graph, infos);
  } catch (error) {
    throw withInputs(error, graph, infos);
  }
}

function specialiseBound(graph: Graph, infos: Map<ValueName, KnownInfo>): KnownGraph {
  const constants = new Map(graph.constants);
  for (const [name, constant] of constants) infos.set(name, constantInfo(name, constant));
  const budget = Budget.of(graph.constants);
  const values = { infos, constants };
  const running: Node[] = [];
  for (const node of neededNodes(graph.nodes, graph.outputs, constants)) {
    const counted = withCount(node, graph);
    const outputs = inferNode(counted, values);
    const known = evaluateNode(node, values, outputs, budget);
    const made = counted.outputs.map((name, index) => {
      const info = outputs[index];
      if (name === undefined || info === undefined) return undefined;
      infos.set(name, info);
      // A part without elements is known, even where others are not.
      const constant = known?.[index] ?? (index > 0 && info.shape.includes(0) ? zeros(info) : undefined);
      if (constant === undefined) return name;
      constants.set(name, constant);
      return undefined;
    });
    if (known === undefined) running.push(resolveNode({ ...counted, outputs: made }, values));
  }
  return withoutDead({ ...graph, nodes: running, constants, infos });
}

/** The error with the sizes that the caller chose: another choice may be right. */
function withInputs(error: unknown, { inputs }: Graph, infos: ReadonlyMap<ValueName, KnownInfo>): unknown {
  if (!(error instanceof LensletError)) return error;
  const chosen = [...inputs].filter(([, { shape }]) => shape?.every((dim) => typeof dim === "number") !== true);
  if (chosen.length === 0) return error;
  const shapes = chosen.map(([name]) => `${JSON.stringify(name)} was ${formatShape(infos.get(name)?.shape ?? [])}`);
  const text = `${error.message}; the input ${shapes.join(", ")}`;
  return new LensletError(error.code, text, { argument: error.argument, cause: error });
}

function constantInfo(name: ValueName, constant: Constant): KnownInfo {
  const { type, shape } = constant;
  const what = `constant ${JSON.stringify(name)}`;
  checkInfo(what, constant);
  return { type, shape };
}

/** Gives a NonMaxSuppression the output that tells how many rows there are. */
function withCount(node: Node, { nodes, inputs, constants }: Graph): Node {
  if (node.op !== "NonMaxSuppression" || node.outputs.length > 1) return node;
  const [selected] = node.outputs;
  const taken = new Set([...inputs.keys(), ...constants.keys(), ...nodes.flatMap(({ outputs }) => outputs)]);
  let count = `${selected ?? node.name}:count`;
  while (taken.has(count)) count += ":";
  return { ...node, outputs: [selected, count] };
}

/** The nodes on which `outputs` depend, in order. */
export function neededNodes(
  nodes: readonly Node[],
  outputs: readonly ValueName[],
  constants: ReadonlyMap<ValueName, Constant>,
): readonly Node[] {
  const wanted = new Set<ValueName>(outputs);
  const needed: Node[] = [];
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index];
    if (!node?.outputs.some((name) => name !== undefined && wanted.has(name) && !constants.has(name))) continue;
    needed.push(node);
    for (const name of node.inputs) if (name !== undefined) wanted.add(name);
  }
  return needed.reverse();
}

/**
 * The graph without what its outputs do not need: nodes, constants, infos, and outputs of nodes other than the first, which
 * become undefined.
 */
export function withoutDead(graph: KnownGraph): KnownGraph {
  const { nodes, inputs, outputs, constants, infos } = graph;
  const needed = neededNodes(nodes, outputs, constants);
  const read = new Set<ValueName>(outputs);
  for (const node of needed) for (const name of node.inputs) if (name !== undefined) read.add(name);
  // Whoever reads rows needs to know how many there are.
  for (const name of [...read]) {
    const rows = infos.get(name)?.rows;
    if (rows !== undefined) read.add(rows);
  }
  const live = needed.map((node) => withOutputs(node, read));
  const kept = new Set<ValueName>([...read, ...inputs.keys()]);
  for (const node of live) for (const name of node.outputs) if (name !== undefined) kept.add(name);
  return {
    ...graph,
    nodes: live,
    constants: only(constants, read),
    infos: only(infos, kept),
  };
}

function withOutputs(node: Node, read: ReadonlySet<ValueName>): Node {
  const spare = node.outputs.some((name, index) => index > 0 && name !== undefined && !read.has(name));
  if (!spare) return node;
  return {
    ...node,
    outputs: node.outputs.map((name, index) =>
      index === 0 || (name !== undefined && read.has(name)) ? name : undefined,
    ),
  };
}

function only<T>(entries: ReadonlyMap<ValueName, T>, names: ReadonlySet<ValueName>): ReadonlyMap<ValueName, T> {
  const kept = new Map<ValueName, T>();
  for (const [name, value] of entries) if (names.has(name)) kept.set(name, value);
  return kept;
}

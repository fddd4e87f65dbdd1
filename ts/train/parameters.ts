/** What of a network is trained: its weights by their places in nodes, and the running statistics of its normalisations. */
import { LensletError } from "../errors.ts";
import { invalid } from "../options.ts";
import type { OpType } from "../model/attributes.ts";
import type { Constant } from "../model/constant.ts";
import type { Graph, Node, ValueName } from "../model/graph.ts";

/** A node, as a predicate of {@link Freeze} sees it. */
export interface FrozenNode {
  readonly name: string;
  readonly op: OpType;
}

/**
 * What is not trained: names of nodes (all of their weights) or of weights, or a function that is asked for each weight of
 * each node. A BatchNormalization whose running mean or variance is frozen normalises by these, and leaves them as they are.
 */
export type Freeze = readonly string[] | ((node: FrozenNode, constant: ValueName) => boolean);

/** The constants of a graph that training changes. */
export interface Trained {
  /** By gradients, in the order in which the nodes use them. */
  readonly parameters: ReadonlyMap<ValueName, Constant<"float32">>;
  /** Running means and variances of normalisations that go by their batches, in the same order. */
  readonly statistics: ReadonlyMap<ValueName, Constant<"float32">>;
  /** Nodes whose weights are all frozen by name: a Dropout among them drops nothing. */
  readonly frozen: ReadonlySet<string>;
}

/** Operands of operators that are weights, if they are constants. */
const WEIGHTS: Partial<Record<OpType, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  LayerNormalization: [1, 2],
  PRelu: [1],
};

/** Operators that give their first operand another form: a weight behind one is one. */
const VIEWS: ReadonlySet<OpType> = new Set<OpType>([
  ...(["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"] as const),
]);

/** Operators whose results tell of their operands' sizes, or of the places of elements: no weight has a gradient through them. */
const OTHERWISE: ReadonlySet<OpType> = new Set<OpType>(["Shape", "Size", "ArgMax", "ArgMin", "NonMaxSuppression"]);

/** Places of a BatchNormalization's running mean and variance. */
const STATISTICS = [3, 4];

/**
 * Finds what of a graph is trained. Weights are float32 constants of layers and normalisations; and those of more than one
 * element that an Add or Mul joins to what depends on other weights, which is how files spell biases and scales.
 *
 * Throws `invalid-argument` for names in `freeze` that the graph does not have, and if nothing is left to be trained.
 */
export function findTrained(call: string, graph: Graph, freeze: Freeze = []): Trained {
  const isFrozen = freezing(call, graph, freeze);
  const found = new Map<ValueName, boolean>();
  const statistics = new Map<ValueName, boolean>();
  const origins = originsOf(graph);
  const note = (to: Map<ValueName, boolean>, node: Node, value: ValueName | undefined): boolean => {
    const name = value === undefined ? undefined : (origins.get(value) ?? value);
    const constant = name === undefined ? undefined : graph.constants.get(name);
    if (name === undefined || constant?.type !== "float32") return false;
    to.set(name, (to.get(name) ?? false) || isFrozen(node, name));
    return true;
  };
  /** Values that depend on a weight, frozen or not. */
  const dependent = new Set<ValueName>();
  for (const node of graph.nodes) {
    const { op, inputs, outputs } = node;
    let depends = inputs.some((value) => value !== undefined && dependent.has(value));
    for (const index of WEIGHTS[op] ?? []) depends = note(found, node, inputs[index]) || depends;
    if (depends && (op === "Add" || op === "Mul")) {
      for (const value of inputs) if (isVector(graph, origins, value)) note(found, node, value);
    }
    if (op === "BatchNormalization") {
      const places = STATISTICS.map((index) => inputs[index]);
      const names = places.filter((value): value is ValueName => value !== undefined && graph.constants.has(value));
      const frozen = names.length < STATISTICS.length || names.some((name) => isFrozen(node, name));
      for (const name of names) statistics.set(name, (statistics.get(name) ?? false) || frozen);
    }
    if (depends && !OTHERWISE.has(op)) for (const value of outputs) if (value !== undefined) dependent.add(value);
  }
  const parameters = floatsOf(graph, found);
  if (parameters.size === 0) throw nothingLeft(call, found.size);
  const names = new Set(typeof freeze === "function" ? [] : freeze);
  const frozen = new Set(graph.nodes.map(({ name }) => name).filter((name) => names.has(name)));
  return { parameters, statistics: floatsOf(graph, statistics), frozen };
}

function floatsOf(
  { constants }: Graph,
  found: ReadonlyMap<ValueName, boolean>,
): ReadonlyMap<ValueName, Constant<"float32">> {
  const kept = new Map<ValueName, Constant<"float32">>();
  for (const [name, frozen] of found) {
    const constant = constants.get(name);
    if (!frozen && constant?.type === "float32") kept.set(name, constant);
  }
  return kept;
}

/** The constants behind values that only show them in another form. */
function originsOf({ nodes, constants }: Graph): ReadonlyMap<ValueName, ValueName> {
  const origins = new Map<ValueName, ValueName>();
  for (const { op, inputs, outputs } of nodes) {
    const [x] = inputs;
    const [y] = outputs;
    if (!VIEWS.has(op) || x === undefined || y === undefined) continue;
    const origin = origins.get(x) ?? (constants.has(x) ? x : undefined);
    if (origin !== undefined) origins.set(y, origin);
  }
  return origins;
}

function isVector(
  { constants }: Graph,
  origins: ReadonlyMap<ValueName, ValueName>,
  value: ValueName | undefined,
): boolean {
  const constant = value === undefined ? undefined : constants.get(origins.get(value) ?? value);
  return constant?.shape.some((size) => size > 1) ?? false;
}

/** Whether a weight of a node is frozen. */
function freezing(call: string, graph: Graph, freeze: unknown): (node: Node, constant: ValueName) => boolean {
  if (typeof freeze === "function") {
    return ({ name, op }, constant) => {
      const answer: unknown = freeze({ name, op }, constant);
      if (typeof answer === "boolean") return answer;
      throw invalid(call, "freeze", answer, "a function that returns true or false");
    };
  }
  const expected = "an array of names of nodes or weights, or a function of { name, op } and a weight's name";
  if (!Array.isArray(freeze)) throw invalid(call, "freeze", freeze, expected);
  const names = new Set<unknown>(freeze);
  const known = new Set<unknown>([...graph.constants.keys(), ...graph.nodes.map(({ name }) => name)]);
  for (const name of names) {
    if (!known.has(name))
      throw invalid(call, "freeze", name, "names of the network's nodes or weights: see model.summary()");
  }
  return ({ name }, constant) => names.has(name) || names.has(constant);
}

function nothingLeft(call: string, weights: number): LensletError {
  const text =
    weights === 0
      ? `${call}: the network has no weights that could be trained: float32 constants of layers`
      : `${call}: freeze leaves none of the network's ${weights} weights to be trained; freeze fewer`;
  return new LensletError("invalid-argument", text, { argument: weights === 0 ? "model" : "freeze" });
}

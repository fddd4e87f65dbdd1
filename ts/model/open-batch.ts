/** Networks that were saved for batches of one size, for batches of any size: files of trained networks mostly have 1. */
import { type Constant, integers } from "./constant.ts";
import type { Graph, KnownGraph, Node, ValueName } from "./graph.ts";
import { specialise } from "./specialise/specialise.ts";

/** What stands for the size of a batch. */
const BATCH = "n";

/**
 * The graph with any number of samples along the first axis of its inputs. Where it says how many there are, it no longer
 * does: a Reshape keeps its first axis, and a Concat with constants that have as many samples becomes a Pad if these are all
 * one number, as where shortcuts are widened by zeros. What other nodes make of another batch shows when it is specialised.
 */
export function openBatch(graph: Graph): Graph {
  const sizes = Array.from(graph.inputs.values(), ({ shape }) => shape?.[0]);
  const [batch] = sizes;
  if (typeof batch !== "number" || sizes.some((size) => size !== batch)) return graph;
  const inputs = new Map(
    Array.from(graph.inputs, ([name, { type, shape = [] }]) => [name, { type, shape: [BATCH, ...shape.slice(1)] }]),
  );
  const isKnown = Array.from(graph.inputs.values()).every(({ shape }) =>
    shape?.every((size) => typeof size === "number"),
  );
  if (!isKnown) return { ...graph, inputs };
  const rewriting = new Rewriting(graph, batch);
  const nodes = graph.nodes.map((node) => rewriting.node(node));
  return { ...graph, inputs, nodes, constants: rewriting.constants };
}

class Rewriting {
  readonly constants: Map<ValueName, Constant>;
  readonly #batch: number;
  /** All values, for the batch that the network was saved for. */
  readonly #known: KnownGraph;

  constructor(graph: Graph, batch: number) {
    const all = graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== undefined));
    this.#known = specialise({ ...graph, outputs: [...new Set([...graph.outputs, ...all])] }, new Map());
    this.#batch = batch;
    this.constants = new Map(graph.constants);
  }

  node(node: Node): Node {
    if (node.op === "Reshape") return this.#reshape(node);
    return node.op === "Concat" ? this.#concat(node) : node;
  }

  #reshape(node: Node<"Reshape">): Node {
    const [x, shapeName] = node.inputs;
    const shape = this.#constant(shapeName);
    const [rows] = this.#shapeOf(x);
    const isBatch = rows === this.#batch && shape?.data[0] === rows && this.#constant(x) === undefined;
    if (!isBatch || node.attributes.allowzero) return node;
    // 0 stands for the size that x has there.
    return { ...node, inputs: [x, this.#add(`${node.name}/shape`, integers([0, ...shape.data.subarray(1)]))] };
  }

  #concat(node: Node<"Concat">): Node {
    const [first, second, ...more] = node.inputs;
    const axis = node.attributes.axis < 0 ? node.attributes.axis + this.#shapeOf(first).length : node.attributes.axis;
    if (more.length > 0 || axis === 0) return node;
    const [x, filler] = this.#constant(second) === undefined ? [second, first] : [first, second];
    const constant = this.#constant(filler);
    const [value = 0] = constant?.data ?? [];
    const isFiller =
      constant?.type === "float32" &&
      constant.shape[0] === this.#batch &&
      constant.data.every((each) => each === value);
    if (!isFiller || this.#constant(x) !== undefined) return node;
    const rank = constant.shape.length;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[filler === first ? axis : rank + axis] = constant.shape[axis] ?? 0;
    const amounts = this.#add(`${node.name}/pads`, integers(pads));
    const filling = this.#add(`${node.name}/value`, { type: "float32", shape: [], data: Float32Array.of(value) });
    return { ...node, op: "Pad", inputs: [x, amounts, filling], attributes: { mode: "constant" } };
  }

  #constant(name: ValueName | undefined): Constant | undefined {
    return name === undefined ? undefined : this.#known.constants.get(name);
  }

  #shapeOf(name: ValueName | undefined): readonly number[] {
    return (name === undefined ? undefined : this.#known.infos.get(name)?.shape) ?? [];
  }

  #add(wanted: ValueName, constant: Constant): ValueName {
    let name = wanted;
    for (let number = 2; this.constants.has(name) || this.#known.infos.has(name); number++)
      name = `${wanted}_${number}`;
    this.constants.set(name, constant);
    return name;
  }
}

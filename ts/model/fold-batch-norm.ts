/** Batch normalisations as part of the convolutions before them: a graph that computes the same in inference, with fewer nodes. */
import { type Constant, floats } from "./constant.ts";
import type { Graph, Node, ValueName } from "./graph.ts";

/**
 * The graph without those normalisations whose input comes from a Conv, ConvTranspose or Gemm of constant weights, and goes
 * nowhere else: their scale and shift become part of the weights and the bias, computed in float64. Sizes may be open.
 */
export function withoutBatchNorm(graph: Graph): Graph {
  const uses = usesOf(graph);
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
  const constants = new Constants(graph);
  const replaced = new Map<Node, Node | undefined>();
  for (const norm of graph.nodes) {
    const [x] = norm.inputs;
    const layer = makers.get(x);
    if (norm.op !== "BatchNormalization" || x === undefined || layer === undefined || uses.get(x) !== 1) continue;
    // What follows a first output of several is not the whole of it, and training's outputs are none of inference.
    if (norm.outputs.slice(1).some((name) => name !== undefined) || replaced.has(layer)) continue;
    const folded = fold(constants, layer, norm);
    if (folded === undefined) continue;
    replaced.set(layer, folded);
    replaced.set(norm, undefined);
  }
  const nodes = graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : [node]));
  const used = new Set<ValueName | undefined>([...nodes.flatMap(({ inputs }) => inputs), ...graph.outputs]);
  return { ...graph, nodes, constants: new Map([...constants.all].filter(([name]) => used.has(name))) };
}

function usesOf({ nodes, outputs }: Graph): ReadonlyMap<ValueName, number> {
  const uses = new Map<ValueName, number>();
  for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs])
    if (name !== undefined) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/** A layer that does what a normalisation did to its outputs; its new weights are added to `constants`. */
function fold(constants: Constants, layer: Node, norm: Node<"BatchNormalization">): Node | undefined {
  const axis = outputAxis(layer);
  const [, scale, shift, mean, variance] = norm.inputs.map((name) => constants.floats(name));
  const [input, weightName, biasName, ...rest] = layer.inputs;
  const weight = constants.floats(weightName);
  const bias = biasName === undefined ? undefined : constants.floats(biasName);
  const channels = scale?.data.length ?? 0;
  const known = scale && shift && mean && variance && weight;
  if (axis === undefined || !known || (biasName !== undefined && bias?.data.length !== channels)) return undefined;
  if (rest.some((name) => name !== undefined) || (layer.attributes as { readonly activation?: unknown }).activation)
    return undefined;
  const group = "group" in layer.attributes ? layer.attributes.group : 1;
  const isTransposed = layer.op === "ConvTranspose";
  if ((weight.shape[axis] ?? 0) * (isTransposed ? group : 1) !== channels) return undefined;
  const factor = (channel: number): number =>
    (scale.data[channel] ?? 0) / Math.sqrt((variance.data[channel] ?? 0) + norm.attributes.epsilon);
  // Rows, outputs, and what lies within: of a ConvTranspose, [inC, outC / group, ...] with the groups along the inputs.
  const inner = weight.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const outputs = weight.shape[axis] ?? 1;
  const rows = weight.shape[0] ?? 1;
  const data = Float32Array.from(weight.data, (value, i) => {
    const output = Math.floor(i / inner) % outputs;
    const row = Math.floor(i / (inner * outputs));
    const channel = isTransposed ? Math.floor((row * group) / rows) * outputs + output : output;
    return value * factor(channel);
  });
  const shifted = Float32Array.from({ length: channels }, (_, channel) => {
    const centred = (bias?.data[channel] ?? 0) - (mean.data[channel] ?? 0);
    return centred * factor(channel) + (shift.data[channel] ?? 0);
  });
  const filter = constants.add(`${weightName ?? layer.name}.folded`, floats(data, weight.shape));
  const vector = constants.add(`${biasName ?? `${layer.name}.bias`}.folded`, floats(shifted));
  return { ...layer, inputs: [input, filter, vector], outputs: [norm.outputs[0]] } as Node;
}

/** The axis of a layer's weights along which its outputs lie; undefined if it is no such layer. */
function outputAxis(node: Node): number | undefined {
  if (node.op === "Conv") return 0;
  if (node.op === "ConvTranspose") return 1;
  if (node.op !== "Gemm") return undefined;
  const { alpha, beta, transA, transB } = node.attributes;
  if (alpha !== 1 || beta !== 1 || transA) return undefined;
  return transB ? 0 : 1;
}

/** Constants of a graph in the making. */
class Constants {
  readonly all: Map<ValueName, Constant>;
  readonly #names: Set<ValueName>;

  constructor({ constants, inputs, nodes }: Graph) {
    this.all = new Map(constants);
    const made = nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== undefined));
    this.#names = new Set([...constants.keys(), ...inputs.keys(), ...made]);
  }

  floats(name: ValueName | undefined): Constant<"float32"> | undefined {
    const constant = name === undefined ? undefined : this.all.get(name);
    return constant?.type === "float32" ? constant : undefined;
  }

  /** Adds one under a name that no value has. */
  add(wanted: ValueName, constant: Constant): ValueName {
    let name = wanted;
    for (let number = 2; this.#names.has(name); number++) name = `${wanted}_${number}`;
    this.#names.add(name);
    this.all.set(name, constant);
    return name;
  }
}

/** Networks that go on where another stops: a trained one, its head replaced by layers that are yet to learn. */
import { LensletError } from "../../errors.ts";
import { checkOptions, count, invalid, oneOf, show } from "../../options.ts";
import { formatShape, parseShape, type Shape } from "../../shape.ts";
import type { Graph, ValueName } from "../graph.ts";
import { openBatch } from "../open-batch.ts";
import { neededNodes, specialise } from "../specialise/specialise.ts";
import { checkedValue, type Layer, Network, Value } from "./network.ts";

/** Options of {@link extend}. */
export interface ExtendOptions {
  /**
   * Where the new layers begin: the name of a value, or of a node, whose first output is meant; `model.summary()` tells
   * names. What comes behind it is left out. Default: the network's first output.
   */
  readonly at?: string | undefined;
  /** What comes instead. Images come into them as `[h, w, c]`, whatever order the network has them in. Default: nothing. */
  readonly layers?: readonly Layer[] | undefined;
  /**
   * `"NHWC"`: the new network takes images `[n, h, w, c]`, as pixels lie and `data.folder` gives them, where the old one takes
   * `[n, c, h, w]`, as ONNX has them. Default: it takes what the old one takes.
   */
  readonly layout?: "NHWC" | undefined;
  /** Names the output. Default `"output"`. */
  readonly output?: string | undefined;
  /** Of the new weights: the same seed gives the same bits everywhere. Default 0. */
  readonly seed?: number | undefined;
  /** The shape of the input without the batch, in the network's order, if the network leaves it open. */
  readonly input?: Shape | undefined;
}

/**
 * A network that begins as `graph` does, up to a value, and goes on with other layers: what fine-tuning wants. Batches may
 * have any size, also where the old network was saved for one.
 *
 * Throws `invalid-argument` for a name that `graph` does not have, `shape-mismatch` where layers do not fit.
 *
 * @example
 * const trained = await engine.load("efficientnet-lite0.onnx");
 * const pets = extend(trained.graph, {
 *   at: "/_swish_1/Clip_output_0",
 *   layers: [globalAvgPool2d(), dropout({ rate: 0.2 }), dense({ units: 3 })],
 *   layout: "NHWC",
 * });
 * const model = await engine.load(pets);
 * const isTrained = (_: unknown, weight: string) => trained.graph.constants.has(weight);
 * await model.fit({ dataset, loss: "crossEntropy", epochs: 5, freeze: isTrained });
 */
export function extend(graph: Graph, options: ExtendOptions): Graph {
  const call = "extend";
  if (typeof graph !== "object" || graph === null || !("nodes" in graph))
    throw invalid(call, "graph", graph, "a network, such as model.graph");
  checkOptions(call, options, ["at", "layers", "layout", "output", "seed", "input"]);
  const { layers = [], output = "output", layout } = options;
  if (!Array.isArray(layers)) throw invalid(call, "layers", layers, "an array of layers");
  if (layout !== undefined) oneOf(call, "layout", layout, ["NHWC"]);
  const seed = count(call, "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  const at = valueAt(call, graph, options.at);
  const trunk = openBatch(upTo(withInput(call, graph, options.input), at));
  if (layers.length === 0) return layout === undefined ? trunk : withPixels(call, trunk);
  const network = Network.from(trunk, seed);
  const name = network.layerName(call, output);
  const start = new Value(network, at, sampleShape(call, trunk, at));
  const end = layers.reduce((value: Value, layer: Layer, index) => {
    if (typeof layer !== "function")
      throw invalid(call, `layers[${index}]`, layer, "a layer, such as dense({ units: 10 })");
    return checkedValue(call, `layers[${index}]`, layer(value), network);
  }, start);
  const whole = { ...network.finish(graph.name, { [name]: end }), inputs: trunk.inputs };
  return layout === undefined ? whole : withPixels(call, whole);
}

/** The value of a name, or the first output of the node of that name. */
function valueAt(call: string, graph: Graph, name: unknown): ValueName {
  if (name === undefined) {
    const [first] = graph.outputs;
    if (first !== undefined) return first;
  }
  const made = graph.nodes.find(({ outputs }) => outputs.some((output) => output === name));
  if (typeof name === "string" && (made !== undefined || graph.inputs.has(name))) return name;
  const value = graph.nodes.find((node) => node.name === name)?.outputs[0];
  if (value !== undefined) return value;
  throw invalid(call, "at", name, "the name of a value or node of the network: see String(model.summary())");
}

/** The network with the sizes of its one input. */
function withInput(call: string, graph: Graph, input: Shape | undefined): Graph {
  if (input === undefined) return graph;
  const [[name, info] = [undefined, undefined], ...more] = graph.inputs;
  if (name === undefined || more.length > 0)
    throw invalid(call, "input", input, `nothing, as the network has ${graph.inputs.size} inputs`);
  const shape = [info.shape?.[0], ...parseShape(call, "input", input)];
  return { ...graph, inputs: new Map([[name, { ...info, shape }]]) };
}

/** What of a network makes one value. */
function upTo(graph: Graph, value: ValueName): Graph {
  const nodes = neededNodes(graph.nodes, [value], graph.constants);
  const used = new Set<ValueName | undefined>([value, ...nodes.flatMap(({ inputs }) => inputs)]);
  return {
    ...graph,
    nodes,
    outputs: [value],
    inputs: new Map([...graph.inputs].filter(([name]) => used.has(name))),
    constants: new Map([...graph.constants].filter(([name]) => used.has(name))),
  };
}

/** The shape of a value without the batch, as layers see it: images `[h, w, c]`. */
function sampleShape(call: string, graph: Graph, value: ValueName): Shape {
  const shapes = new Map<ValueName, Shape>();
  for (const [name, { shape }] of graph.inputs) {
    const [batch, ...sizes] = shape ?? [undefined, undefined];
    if (!sizes.every((size) => typeof size === "number"))
      throw invalid(
        call,
        "input",
        undefined,
        `the shape of ${show(name)} without the batch, which the network leaves open`,
      );
    shapes.set(name, [typeof batch === "number" ? batch : 1, ...sizes]);
  }
  const shape = specialise(graph, shapes).infos.get(value)?.shape ?? [];
  const [, first, ...rest] = shape;
  if (first !== undefined && rest.length === 0) return [first];
  if (first !== undefined && rest.length === 2) return [...rest, first];
  const text = `${call}: at is ${show(value)} of shape ${formatShape(shape)}; expected images [n, c, h, w] or vectors [n, k]`;
  throw new LensletError("shape-mismatch", text, { argument: "at" });
}

/** The network with images `[n, h, w, c]` as its inputs, turned to what its nodes take. */
function withPixels(call: string, graph: Graph): Graph {
  const network = Network.from(graph, 0);
  const inputs = new Map(graph.inputs);
  const turned = new Map<ValueName, ValueName>();
  for (const [name, { type, shape }] of graph.inputs) {
    const [n, c, h, w, ...more] = shape ?? [];
    if (shape?.length !== 4 || more.length > 0) continue;
    inputs.set(name, { type, shape: [n, h, w, c] });
    turned.set(name, network.layerName(call, `${name}/nchw`));
  }
  if (turned.size === 0)
    throw invalid(call, "layout", "NHWC", "nothing, as no input of the network is images [n, c, h, w]");
  const first = Array.from(turned, ([name, value]) => ({
    ...{ name: value, op: "Transpose", inputs: [name], outputs: [value] },
    attributes: { perm: [0, 3, 1, 2] },
  })) as Graph["nodes"];
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === undefined ? name : (turned.get(name) ?? name))),
  })) as Graph["nodes"];
  const outputs = graph.outputs.map((name) => turned.get(name) ?? name);
  return { ...graph, inputs, outputs, nodes: [...first, ...nodes] };
}

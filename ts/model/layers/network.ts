/**
 * Networks written by hand: `sequential` and `graph` make the same graphs as a file does. Layers take and give images
 * `[n, h, w, c]`, as all of lenslet; inside, the graph speaks ONNX's `[n, c, h, w]`, and what turns one into the other
 * costs nothing once the graph is planned.
 */
import { LensletError } from "../../errors.ts";
import { checkOptions, count, invalid } from "../../options.ts";
import { formatShape, parseShape, type Shape } from "../../shape.ts";
import type { Attributes, OpType } from "../attributes.ts";
import type { Constant } from "../constant.ts";
import type { Graph, Node, ValueInfo, ValueName } from "../graph.ts";
import { Initialisers } from "./initialiser.ts";

/** What flows between the layers of one network: images `[h, w, c]`, or vectors `[k]`, for each element of the batch. */
export class Value {
  /** Sizes without the batch. */
  readonly shape: Shape;
  /** Its name in the graph. */
  readonly name: ValueName;
  readonly network: Network;

  /** Layers make values; nobody else has a network to give. */
  constructor(network: Network, name: ValueName, shape: Shape) {
    this.network = network;
    this.name = name;
    this.shape = Object.freeze([...shape]);
  }
}

/**
 * A step of a network: called with what comes in, gives what goes out. A function like `conv2d` makes one from options;
 * each call of a layer makes weights of its own.
 */
export type Layer = (x: Value) => Value;

/** An option that all layers have. */
export interface LayerOptions {
  /** Names the layer's node and its weights. Default: what it does and a number, `"conv2d_1"`. */
  readonly name?: string | undefined;
}

/** Options of {@link sequential} and {@link graph}. */
export interface NetworkOptions {
  /** Names the network. Default `"network"`. */
  readonly name?: string | undefined;
  /** Of the weights that are drawn: the same seed gives the same bits everywhere. Default 0. */
  readonly seed?: number | undefined;
}

/** Options of {@link sequential}. */
export interface SequentialOptions extends NetworkOptions {
  /** What comes in, without the batch: `[h, w, c]`, or `[k]`. */
  readonly input: Shape;
}

/** A graph that grows, layer by layer. */
export class Network {
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<ValueName, Constant>();
  readonly #inputs = new Map<ValueName, ValueInfo>();
  readonly #names = new Set<string>();
  readonly #numbers = new Map<string, number>();
  readonly initialisers: Initialisers;

  constructor(seed: number) {
    this.initialisers = new Initialisers(seed);
  }

  /** One that grows on what is there: its names are taken, its values can be gone on from. */
  static from({ nodes, constants, inputs }: Graph, seed: number): Network {
    const network = new Network(seed);
    network.#nodes.push(...nodes);
    for (const [name, constant] of constants) network.#constants.set(name, constant);
    for (const [name, info] of inputs) network.#inputs.set(name, info);
    const made = nodes.flatMap(({ name, outputs }) => [name, ...outputs]);
    for (const name of [...made, ...constants.keys(), ...inputs.keys()])
      if (name !== undefined) network.#names.add(name);
    return network;
  }

  /** An input of any batch size; images are turned to the graph's order. */
  input(call: string, name: ValueName, shape: Shape): Value {
    const sizes = parseShape(call, `input ${JSON.stringify(name)}`, shape);
    if (sizes.length !== 3 && sizes.length !== 1)
      throw invalid(call, `input ${JSON.stringify(name)}`, shape, "[h, w, c] of an image, or [k] of a vector");
    this.#claim(call, name);
    this.#inputs.set(name, { type: "float32", shape: ["n", ...sizes] });
    const value = new Value(this, name, sizes);
    return sizes.length === 1 ? value : this.add("Transpose", `${name}/nchw`, [value], { perm: [0, 3, 1, 2] }, sizes);
  }

  /** A name for a layer, of the caller's choice or made of what it does. */
  layerName(call: string, chosen: string | undefined): string {
    if (chosen !== undefined) {
      if (typeof chosen !== "string" || chosen === "")
        throw invalid(call, "name", chosen, "a text of one letter or more");
      return this.#claim(call, chosen);
    }
    for (;;) {
      const number = (this.#numbers.get(call) ?? 0) + 1;
      this.#numbers.set(call, number);
      if (!this.#names.has(`${call}_${number}`)) return this.#claim(call, `${call}_${number}`);
    }
  }

  #claim(call: string, name: string): string {
    if (this.#names.has(name)) throw invalid(call, "name", name, "a name that nothing else in the network has");
    this.#names.add(name);
    return name;
  }

  /** A weight. */
  constant(name: ValueName, constant: Constant): ValueName {
    if (this.#constants.has(name)) throw invalid("constant", "name", name, "a name that no other weight has");
    this.#constants.set(name, constant);
    return name;
  }

  /** A node of one output, which has the node's name. */
  add<T extends OpType>(
    op: T,
    name: string,
    inputs: readonly (Value | ValueName | undefined)[],
    attributes: Attributes[T],
    shape: Shape,
  ): Value {
    const names = inputs.map((input) => (typeof input === "object" ? input.name : input));
    // The union's members differ in what TypeScript cannot follow through a type parameter: op and attributes belong together.
    this.#nodes.push({ name, op, inputs: names, outputs: [name], attributes } as unknown as Node);
    return new Value(this, name, shape);
  }

  /** The graph of what `outputs` need. */
  finish(name: string, outputs: Readonly<Record<string, Value>>): Graph {
    for (const [output, value] of Object.entries(outputs)) {
      const image = value.shape.length === 3;
      if (image) this.add("Transpose", output, [value], { perm: [0, 2, 3, 1] }, value.shape);
      else this.add("Identity", output, [value], {}, value.shape);
    }
    return {
      name,
      inputs: this.#inputs,
      outputs: Object.keys(outputs),
      constants: this.#constants,
      nodes: this.#nodes,
    };
  }
}

/**
 * A network of layers one behind the other; its input is called `"input"`, its output `"output"`.
 *
 * @example
 * const digits = sequential(
 *   [conv2d({ filters: 8, size: 3, padding: "same", activation: "relu" }), maxPool2d({ size: 2 }), flatten(), dense({ units: 10 })],
 *   { input: [28, 28, 1] },
 * );
 * const model = await engine.load(digits);
 */
export function sequential(layers: readonly Layer[], options: SequentialOptions): Graph {
  const call = "sequential";
  if (!Array.isArray(layers) || layers.length === 0) throw invalid(call, "layers", layers, "an array of layers");
  checkOptions(call, options, ["input", "name", "seed"]);
  const { input, ...rest } = options;
  const run = (first: Value): Value =>
    layers.reduce((value: Value, layer: Layer, index) => {
      if (typeof layer !== "function")
        throw invalid(call, `layers[${index}]`, layer, "a layer, such as conv2d({ filters: 8, size: 3 })");
      return checkedValue(call, `layers[${index}]`, layer(value), value.network);
    }, first);
  return build(call, { input }, ({ input: first }) => ({ output: run(first as Value) }), rest);
}

/**
 * A network of any form: `wire` gets the inputs by name, calls layers on them, and returns the outputs by name.
 *
 * @example
 * const block = graph({ image: [56, 56, 64] }, ({ image }) => {
 *   const y = conv2d({ filters: 64, size: 3, padding: "same" })(image);
 *   return { features: relu()(add(image, y)) };
 * });
 */
export function graph<I extends Readonly<Record<string, Shape>>>(
  inputs: I,
  wire: (inputs: { readonly [K in keyof I]: Value }) => Readonly<Record<string, Value>>,
  options: NetworkOptions = {},
): Graph {
  checkOptions("graph", options, ["name", "seed"]);
  if (typeof wire !== "function") throw invalid("graph", "wire", wire, "a function from inputs to outputs");
  return build(
    "graph",
    inputs,
    wire as (inputs: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>,
    options,
  );
}

function build(
  call: string,
  inputs: Readonly<Record<string, Shape>>,
  wire: (inputs: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>,
  { name = "network", seed = 0 }: NetworkOptions,
): Graph {
  const network = new Network(count(call, "seed", seed, 0, 2 ** 32 - 1));
  const given = Object.entries(inputs).map(([key, shape]) => [key, network.input(call, key, shape)] as const);
  if (given.length === 0) throw invalid(call, "inputs", inputs, "at least one input");
  const outputs = wire(Object.fromEntries(given));
  if (typeof outputs !== "object" || outputs === null || Object.keys(outputs).length === 0)
    throw invalid(call, "wire's result", outputs, "an object of outputs by name");
  for (const [key, value] of Object.entries(outputs)) {
    checkedValue(call, `output ${JSON.stringify(key)}`, value, network);
    network.layerName(call, key);
  }
  return network.finish(name, outputs);
}

/** A value of this network. */
export function checkedValue(call: string, argument: string, value: unknown, network?: Network): Value {
  if (!(value instanceof Value)) throw invalid(call, argument, value, "what a layer returned");
  if (network === undefined || value.network === network) return value;
  const text = `${call}: ${argument} is a value of another network; expected one that comes from this network's inputs`;
  throw new LensletError("invalid-argument", text, { argument });
}

/** Images `[h, w, c]` that come into a layer. */
export function imageValue(call: string, value: Value): readonly [h: number, w: number, c: number] {
  const [h, w, c] = checkedValue(call, "x", value).shape;
  if (h !== undefined && w !== undefined && c !== undefined) return [h, w, c];
  throw mismatch(call, value, "images [h, w, c]");
}

/** Vectors `[k]` that come into a layer. */
export function vectorValue(call: string, value: Value): number {
  const [k, ...rest] = checkedValue(call, "x", value).shape;
  if (k !== undefined && rest.length === 0) return k;
  throw mismatch(call, value, "vectors [k]; flatten() makes them of images");
}

function mismatch(call: string, { shape }: Value, expected: string): LensletError {
  return new LensletError(
    "shape-mismatch",
    `${call}: x has shape ${formatShape(shape)} without the batch; expected ${expected}`,
    {
      argument: "x",
    },
  );
}

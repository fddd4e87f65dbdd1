/** Windows over volumes as windows over images, of which the core has kernels. */
import type { Attributes, ConvAttributes, ConvTransposeAttributes, OpType, PoolAttributes } from "../attributes.ts";
import { type Constant, floats, integers } from "../constant.ts";
import type { KnownGraph, KnownInfo, Node, ValueName } from "../graph.ts";

type Window = Node<"Conv"> | Node<"ConvTranspose"> | Node<"MaxPool"> | Node<"AveragePool"> | Node<"LpPool">;

/**
 * Replaces convolutions and pools over three axes by ones over two.
 *
 * - A pool is a pool over rows and columns, then one over the depth.
 * - A convolution is one of images that have as channels those of all the slices that its kernel covers.
 * - A transposed convolution makes the slices of all taps of its kernel's depth, and a second one puts them in their places.
 *
 * Indices of maxima count elements of the volume: such pools stay as they are.
 */
export function flattenVolumes(graph: KnownGraph): KnownGraph {
  if (!graph.nodes.some((node) => isVolume(graph, node))) return graph;
  const flat = new Flat(graph);
  for (const node of graph.nodes) {
    if (!isVolume(graph, node)) flat.keep(node);
    else if (node.op === "Conv") convolution(flat, node);
    else if (node.op === "ConvTranspose") transposed(flat, node);
    else pool(flat, node);
  }
  return flat.finish();
}

function isVolume(graph: KnownGraph, node: Node): node is Node & Window {
  const windows: readonly OpType[] = ["Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"];
  if (!windows.includes(node.op) || (node.op === "MaxPool" && node.outputs[1] !== undefined)) return false;
  return graph.infos.get(node.inputs[0] ?? "")?.shape.length === 5;
}

/** The graph that is made: nodes are added for one of the old graph at a time, and named after it. */
class Flat {
  readonly #graph: KnownGraph;
  readonly #nodes: Node[] = [];
  readonly #infos: Map<ValueName, KnownInfo>;
  readonly #constants: Map<ValueName, Constant>;

  constructor(graph: KnownGraph) {
    this.#graph = graph;
    this.#infos = new Map(graph.infos);
    this.#constants = new Map(graph.constants);
  }

  keep(node: Node): void {
    this.#nodes.push(node);
  }

  shape(value: ValueName | undefined): readonly number[] {
    return this.#infos.get(value ?? "")?.shape ?? [];
  }

  /** A value of `shape` that an operator makes; the last of a node's is `named` as the node's own. */
  add<T extends OpType>(
    hint: string,
    op: T,
    inputs: readonly (ValueName | undefined)[],
    attributes: Attributes[T],
    shape: readonly number[],
    named?: ValueName,
  ): ValueName {
    const value = named ?? this.#fresh(hint);
    this.#infos.set(value, { type: "float32", shape });
    this.#nodes.push({ name: named === undefined ? value : hint, op, inputs, outputs: [value], attributes } as Node);
    return value;
  }

  constant(hint: string, constant: Constant): ValueName {
    const value = this.#fresh(hint);
    this.#infos.set(value, { type: constant.type, shape: constant.shape });
    this.#constants.set(value, constant);
    return value;
  }

  /** The same elements in another shape: of a constant another constant, which shares its numbers. */
  reshape(hint: string, value: ValueName, shape: readonly number[], named?: ValueName): ValueName {
    const constant = this.#constants.get(value);
    if (constant?.type === "float32") return this.constant(hint, { ...constant, shape });
    const sizes = this.constant(`${hint}/sizes`, integers(shape));
    return this.add(hint, "Reshape", [value, sizes], { allowzero: false }, shape, named);
  }

  transpose(hint: string, value: ValueName, perm: readonly number[]): ValueName {
    const shape = this.shape(value);
    const turned = perm.map((axis) => shape[axis] ?? 1);
    return this.add(hint, "Transpose", [value], { perm }, turned);
  }

  finish(): KnownGraph {
    return { ...this.#graph, nodes: this.#nodes, infos: this.#infos, constants: this.#constants };
  }

  #fresh(hint: string): ValueName {
    let value = hint;
    for (let i = 2; this.#infos.has(value); i++) value = `${hint}.${i}`;
    return value;
  }
}

/** The sizes of a volume and of what is made of it. */
interface Volume {
  readonly x: ValueName;
  readonly n: number;
  readonly c: number;
  readonly input: Size;
  /** The value that is made. */
  readonly y: ValueName;
  readonly outC: number;
  readonly output: Size;
}

interface Size {
  readonly d: number;
  readonly h: number;
  readonly w: number;
}

function volumeOf(flat: Flat, { inputs, outputs }: Window): Volume {
  const [x = "", y = ""] = [inputs[0], outputs[0]];
  const [n = 1, c = 1, d = 1, h = 1, w = 1] = flat.shape(x);
  const [, outC = 1, outD = 1, outH = 1, outW = 1] = flat.shape(y);
  return { x, n, c, input: { d, h, w }, y, outC, output: { d: outD, h: outH, w: outW } };
}

interface WindowPart {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: "NOTSET";
}

/** A window's attributes for rows and columns alone. */
function plane({ strides, dilations, pads }: Omit<WindowPart, "autoPad">): WindowPart {
  const [, top = 0, left = 0, , bottom = 0, right = 0] = pads;
  const both = (sizes: readonly number[]): readonly number[] => sizes.slice(1);
  return { strides: both(strides), dilations: both(dilations), pads: [top, left, bottom, right], autoPad: "NOTSET" };
}

/** A window's attributes for the depth alone, which is taken for the rows of an image. */
function depth({ strides, dilations, pads }: Omit<WindowPart, "autoPad">): WindowPart {
  const [stride = 1, dilation = 1, front = 0, back = 0] = [strides[0], dilations[0], pads[0], pads[3]];
  return { strides: [stride, 1], dilations: [dilation, 1], pads: [front, 0, back, 0], autoPad: "NOTSET" };
}

function pool(flat: Flat, node: Node<"MaxPool"> | Node<"AveragePool"> | Node<"LpPool">): void {
  const { name, op, attributes } = node;
  const { x, y, n, c, input, output } = volumeOf(flat, node);
  const [kD = 1, kH = 1, kW = 1] = attributes.kernelShape;
  const over = (part: WindowPart, kernelShape: readonly number[]): PoolAttributes => ({
    ...attributes,
    ...part,
    kernelShape,
  });
  const rest = attributes as Attributes[typeof op];
  const planes = flat.reshape(`${name}/planes`, x, [n, c * input.d, input.h, input.w]);
  const size = output.h * output.w;
  const narrow = flat.add(`${name}/plane`, op, [planes], { ...rest, ...over(plane(attributes), [kH, kW]) }, [
    n,
    c * input.d,
    output.h,
    output.w,
  ]);
  const columns = flat.reshape(`${name}/columns`, narrow, [n, c, input.d, size]);
  const pooled = flat.add(`${name}/depth`, op, [columns], { ...rest, ...over(depth(attributes), [kD, 1]) }, [
    n,
    c,
    output.d,
    size,
  ]);
  flat.reshape(name, pooled, [n, c, output.d, output.h, output.w], y);
}

function convolution(flat: Flat, node: Node<"Conv">): void {
  const { name, attributes } = node;
  const [, w = "", bias] = node.inputs;
  const { x, y, n, c, outC, input, output } = volumeOf(flat, node);
  const [, inC = 1, kD = 1, kH = 1, kW = 1] = flat.shape(w);
  const [front = 0, back = 0] = [attributes.pads[0], attributes.pads[3]];
  const [stride = 1, dilation = 1] = [attributes.strides[0], attributes.dilations[0]];

  let padded = x;
  if (front + back > 0) {
    const amounts = flat.constant(`${name}/pads`, integers([0, 0, front, 0, 0, 0, 0, back, 0, 0]));
    const shape = [n, c, front + input.d + back, input.h, input.w];
    padded = flat.add(`${name}/padded`, "Pad", [x, amounts], { mode: "constant" }, shape);
  }
  // Slices by tap, behind each other: [n, c, tap, place, pixel].
  const pixels = input.h * input.w;
  const [axis, step] = [
    flat.constant(`${name}/axis`, integers([2])),
    flat.constant(`${name}/step`, integers([stride])),
  ];
  const taps = Array.from({ length: kD }, (_, tap) => {
    const first = tap * dilation;
    const from = flat.constant(`${name}/from`, integers([first]));
    const to = flat.constant(`${name}/to`, integers([first + (output.d - 1) * stride + 1]));
    const slices = flat.add(`${name}/tap`, "Slice", [padded, from, to, axis, step], {}, [
      n,
      c,
      output.d,
      input.h,
      input.w,
    ]);
    return flat.reshape(`${name}/slices`, slices, [n, c, 1, output.d, pixels]);
  });
  const stacked = flat.add(`${name}/stacked`, "Concat", taps, { axis: 2 }, [n, c, kD, output.d, pixels]);
  const turned = flat.transpose(`${name}/turned`, stacked, [0, 3, 1, 2, 4]);
  const images = flat.reshape(`${name}/images`, turned, [n * output.d, c * kD, input.h, input.w]);
  const filter = flat.reshape(`${name}/filter`, w, [outC, inC * kD, kH, kW]);
  const conv: ConvAttributes = { ...attributes, ...plane(attributes) };
  const made = flat.add(`${name}/made`, "Conv", [images, filter, bias], conv, [n * output.d, outC, output.h, output.w]);
  const columns = flat.reshape(`${name}/columns`, made, [n, output.d, outC, output.h * output.w]);
  const ordered = flat.transpose(`${name}/ordered`, columns, [0, 2, 1, 3]);
  flat.reshape(name, ordered, [n, outC, output.d, output.h, output.w], y);
}

function transposed(flat: Flat, node: Node<"ConvTranspose">): void {
  const { name, attributes } = node;
  const [, w = "", bias] = node.inputs;
  const { x, y, n, c, outC, input, output } = volumeOf(flat, node);
  const [, groupC = 1, kD = 1, kH = 1, kW = 1] = flat.shape(w);
  const pixels = output.h * output.w;
  const [extra = 0, ...extras] = attributes.outputPadding;

  const turned = flat.transpose(`${name}/turned`, x, [0, 2, 1, 3, 4]);
  const images = flat.reshape(`${name}/images`, turned, [n * input.d, c, input.h, input.w]);
  const filter = flat.reshape(`${name}/filter`, w, [c, groupC * kD, kH, kW]);
  const whole: ConvTransposeAttributes = {
    ...attributes,
    ...plane(attributes),
    outputPadding: extras,
    outputShape: [],
  };
  const taps = flat.add(`${name}/taps`, "ConvTranspose", [images, filter], whole, [
    n * input.d,
    outC * kD,
    output.h,
    output.w,
  ]);
  const columns = flat.reshape(`${name}/columns`, taps, [n, input.d, outC * kD, pixels]);
  const ordered = flat.transpose(`${name}/ordered`, columns, [0, 2, 1, 3]);
  const byTap = flat.reshape(`${name}/byTap`, ordered, [n * outC, kD, input.d, pixels]);

  // Tap k of the kernel is added k places on: a kernel that is 1 there, and 0 elsewhere.
  const places = floats(new Float32Array(kD * kD), [kD, 1, kD, 1]);
  for (let tap = 0; tap < kD; tap++) places.data[tap * (kD + 1)] = 1;
  const spread: ConvTransposeAttributes = {
    ...depth(attributes),
    group: 1,
    outputPadding: [extra, 0],
    outputShape: [],
  };
  const kernel = flat.constant(`${name}/places`, places);
  const sums = flat.add(`${name}/sums`, "ConvTranspose", [byTap, kernel], spread, [n * outC, 1, output.d, pixels]);
  const shape = [n, outC, output.d, output.h, output.w];
  if (bias === undefined) {
    flat.reshape(name, sums, shape, y);
    return;
  }
  const volume = flat.reshape(`${name}/volume`, sums, shape);
  const offsets = flat.reshape(`${name}/bias`, bias, [outC, 1, 1, 1]);
  flat.add(name, "Add", [volume, offsets], {}, shape, y);
}

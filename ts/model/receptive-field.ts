/** How much of its input each value of a network sees. */
import { extent, type Shape } from "../shape.ts";
import { shapeOf } from "./cost.ts";
import type { KnownGraph, Node, ValueName } from "./graph.ts";

/** Along one axis of images: how many input elements one element sees, and how far apart neighbours' are. */
interface Reach {
  readonly size: number;
  readonly step: number;
}

/** Along rows and columns. */
interface View {
  readonly axes: readonly [h: Reach, w: Reach];
  /** Whether one axis holds elements of many places, as after Flatten: a product along it sees them all. */
  readonly isMerged: boolean;
}

const POINT: Reach = { size: 1, step: 1 };
const ALL: Reach = { size: Number.POSITIVE_INFINITY, step: 1 };
const EVERYTHING: View = { axes: [ALL, ALL], isMerged: false };

/** Rows and columns of a graph's inputs that one element of each node's first output depends on. */
export function receptiveFields(graph: KnownGraph): ReadonlyMap<Node, readonly [h: number, w: number]> {
  const views = new Map<ValueName, View>();
  for (const name of graph.inputs.keys()) views.set(name, { axes: [POINT, POINT], isMerged: false });
  const fields = new Map<Node, readonly [number, number]>();
  for (const node of graph.nodes) {
    const seen = node.inputs.flatMap((name) => (name === undefined ? [] : (views.get(name) ?? [])));
    const view = viewOf(graph, node, union(seen));
    for (const name of node.outputs) if (name !== undefined) views.set(name, view);
    fields.set(node, [view.axes[0].size, view.axes[1].size]);
  }
  return fields;
}

/** What a node sees that sees all of `views`. */
function union(views: readonly View[]): View {
  const widest = (axis: 0 | 1): Reach => ({
    size: Math.max(1, ...views.map(({ axes }) => axes[axis].size)),
    step: Math.max(0, ...views.map(({ axes }) => axes[axis].step)) || 1,
  });
  return { axes: [widest(0), widest(1)], isMerged: views.some(({ isMerged }) => isMerged) };
}

function viewOf(graph: KnownGraph, node: Node, input: View): View {
  const [x, w] = node.inputs;
  const shape = shapeOf(graph, x);
  switch (node.op) {
    case "Conv":
      return slid(input, shapeOf(graph, w).slice(2), node.attributes);
    case "MaxPool":
    case "AveragePool":
    case "LpPool":
      return slid(input, node.attributes.kernelShape, node.attributes);
    case "ConvTranspose":
      return spread(input, shapeOf(graph, w).slice(2), node.attributes);
    case "Resize":
      return resized(input, shape, shapeOf(graph, node.outputs[0]), node.attributes.mode === "nearest" ? 0 : 1);
    case "GlobalMaxPool":
    case "GlobalAveragePool":
    case "GlobalLpPool":
    case "InstanceNormalization":
    case "GroupNormalization":
      return EVERYTHING;
    case "Gemm":
      return input.isMerged ? EVERYTHING : input;
    case "MatMul":
      return input.isMerged || !graph.constants.has(w ?? "") ? EVERYTHING : input;
    case "Reshape":
    case "Flatten": {
      const merges = shapeOf(graph, node.outputs[0]).length <= 2 && shape.slice(2).some((size) => size !== 1);
      return merges ? { ...input, isMerged: true } : input;
    }
    default:
      return isReductionOfPlaces(graph, node) ? EVERYTHING : input;
  }
}

/** Whether a node reduces axes behind the channels of images. */
function isReductionOfPlaces(graph: KnownGraph, { op, inputs: [x, axes] }: Node): boolean {
  const shape = shapeOf(graph, x);
  if (!op.startsWith("Reduce") || shape.length !== 4) return false;
  const given = axes === undefined ? undefined : graph.constants.get(axes)?.data;
  return given === undefined || given.some((axis: number) => (axis + 4) % 4 > 1);
}

interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** Numbers of rows and columns; a network of signals has columns alone. */
function both(values: readonly number[], absent: number): readonly [number, number] {
  const [a = absent, b] = values;
  return b === undefined ? [absent, a] : [a, b];
}

function slid({ axes, isMerged }: View, kernel: readonly number[], { strides, dilations }: Window): View {
  const [sizes, steps, gaps] = [both(kernel, 1), both(strides, 1), both(dilations, 1)];
  const along = (i: 0 | 1): Reach => ({
    size: axes[i].size + (extent(sizes[i], gaps[i]) - 1) * axes[i].step,
    step: axes[i].step * steps[i],
  });
  return { axes: [along(0), along(1)], isMerged };
}

/** Of a transposed convolution, `ceil(kernel / stride)` input elements reach one output element. */
function spread({ axes, isMerged }: View, kernel: readonly number[], { strides, dilations }: Window): View {
  const [sizes, steps, gaps] = [both(kernel, 1), both(strides, 1), both(dilations, 1)];
  const along = (i: 0 | 1): Reach => ({
    size: axes[i].size + (Math.ceil(extent(sizes[i], gaps[i]) / steps[i]) - 1) * axes[i].step,
    step: axes[i].step / steps[i],
  });
  return { axes: [along(0), along(1)], isMerged };
}

function resized({ axes, isMerged }: View, from: Shape, to: Shape, neighbours: number): View {
  const [before, after] = [both(from.slice(2), 1), both(to.slice(2), 1)];
  const along = (i: 0 | 1): Reach => ({
    size: axes[i].size + (before[i] === after[i] ? 0 : neighbours * axes[i].step),
    step: (axes[i].step * before[i]) / after[i],
  });
  return { axes: [along(0), along(1)], isMerged };
}

/** Where a network ends, as a loss sees it: what it takes, and along which axis classes lie. */
import type { KnownGraph, Node, ValueName } from "../model/graph.ts";
import { plainOrder } from "../model/layout.ts";
import { isOp } from "../model/passes/rewrite.ts";
import { elementCount, formatShape, type Shape } from "../shape.ts";
import { activationWithin, type Loss } from "./loss.ts";

/** The end of a network. */
export interface Head {
  /** What the loss is computed of: the output, or what goes into the softmax or sigmoid that the loss has within it. */
  readonly value: ValueName;
  /** The axis of {@link value} that each axis of the output is. */
  readonly axes: readonly number[];
  /** The axis of the output along which classes lie. */
  readonly classAxis: number;
  /** The softmax or sigmoid that {@link value} goes into. */
  readonly activation: Node | undefined;
  /** The nodes behind that, the network's last one first. */
  readonly views: readonly Node[];
}

/** Operators that only show their operand's elements in another form. */
const VIEWS: ReadonlySet<string> = new Set(["Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

/**
 * The end of a graph whose output is `output`. Classes lie along the axis of the softmax that ends it; without one along
 * axis 1, as in ONNX and PyTorch, of what Transposes may then have given another order.
 */
export function headOf(graph: KnownGraph, output: ValueName, loss: Loss | undefined): Head {
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
  const shapeOf = (value: ValueName | undefined): Shape =>
    (value === undefined ? undefined : graph.infos.get(value)?.shape) ?? [];
  const rank = shapeOf(output).length;
  const plain = plainOrder(rank);
  const views: Node[] = [];
  let axes: readonly number[] | undefined = plain;
  let node = makers.get(output);
  for (; node !== undefined && VIEWS.has(node.op); node = makers.get(node.inputs[0])) {
    const isSame = formatShape(shapeOf(node.inputs[0])) === formatShape(shapeOf(node.outputs[0]));
    if (isOp(node, "Transpose")) {
      const { perm } = node.attributes;
      // Other axes in another order are no longer those of the output.
      if (axes === undefined) break;
      axes = axes.map((axis) => perm[axis] ?? axis);
    } else if (!isSame) {
      if (axes?.some((axis, i) => axis !== i)) break;
      axes = undefined;
    }
    views.push(node);
  }
  const [value] = node?.inputs ?? [];
  const within = loss === undefined ? undefined : activationWithin(loss);
  const usual = axes?.indexOf(Math.min(1, rank - 1)) ?? Math.min(1, rank - 1);
  if (node !== undefined && value !== undefined) {
    if (within === "sigmoid" && isOp(node, "Sigmoid"))
      return { value, axes: axes ?? plain, classAxis: usual, activation: node, views };
    if (within === "softmax" && (isOp(node, "Softmax") || isOp(node, "LogSoftmax")) && axes !== undefined) {
      const { axis, flatten } = node.attributes;
      // Whatever cannot be seen as classes along one axis is no head of a classifier.
      if (!flatten || axis === rank - 1) return { value, axes, classAxis: axes.indexOf(axis), activation: node, views };
    }
  }
  return { value: output, axes: plain, classAxis: usual, activation: undefined, views: [] };
}

/** Where numbers of each class lie among outputs: sample by sample, or of images pixel by pixel. */
export interface Classes {
  /** How many there are. */
  readonly count: number;
  /** Samples, or pixels of all samples. */
  readonly rows: number;
  /** The place of the first class of a row. */
  readonly first: (row: number) => number;
  /** From one class of a row to the next. */
  readonly stride: number;
}

/** Classes of outputs `[n, ...]` along an axis. */
export function classesAlong(shape: Shape, axis: number): Classes {
  const isThere = axis > 0 && axis < shape.length;
  const count = isThere ? (shape[axis] ?? 1) : 1;
  const stride = isThere ? elementCount(shape.slice(axis + 1)) : 1;
  return {
    count,
    rows: elementCount(shape) / count,
    first: (row) => Math.floor(row / stride) * count * stride + (row % stride),
    stride,
  };
}

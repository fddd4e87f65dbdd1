/** Where a network ends, as a loss sees it: what it takes, and along which axis classes lie. */
import { LensletError } from "../errors.ts";
import type { KnownGraph, Node, ValueName } from "../model/graph.ts";
import type { Move } from "../model/layout.ts";
import { isOp } from "../model/passes/rewrite.ts";
import { describeNode } from "../model/signature.ts";
import { show } from "../options.ts";
import { elementCount, type Shape } from "../shape.ts";
import { activationWithin, type Loss } from "./loss.ts";
import { isView, probabilitiesWithin } from "./probabilities.ts";

/** The end of a network. */
export interface Head {
  /** What the loss is computed of: the output, or what goes into the softmax or sigmoid that the loss has within it. */
  readonly value: ValueName;
  /** What brings elements of {@link value} to where those of the output lie, one move after another. */
  readonly moves: readonly Move[];
  /** The axis of the output along which classes lie. */
  readonly classAxis: number;
  /** The softmax or sigmoid that {@link value} goes into. */
  readonly activation: Node | undefined;
  /** The nodes behind that, in their order: they show its result in another form. */
  readonly views: readonly Node[];
}

/**
 * The end of a graph whose output is `output`. Classes lie along the axis of the softmax that ends it, wherever views
 * behind that bring it; without one along axis 1, as in ONNX and PyTorch, of what such views are of.
 *
 * Throws `model-unsupported` where the output is made of probabilities but the loss takes logits which the graph does not
 * have in the output's form.
 */
export function headOf(call: string, graph: KnownGraph, output: ValueName, loss: Loss | undefined): Head {
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
  const shapeOf = (value: ValueName | undefined): Shape =>
    (value === undefined ? undefined : graph.infos.get(value)?.shape) ?? [];
  const views: Node[] = [];
  let node = makers.get(output);
  for (; node !== undefined && isView(graph, node); node = makers.get(node.inputs[0])) views.unshift(node);
  const viewed = shapeOf(views[0]?.inputs[0] ?? output);
  const end = { maker: node, views, shapeOf, output };
  const usual = (): number => axisBehind(end, viewed, Math.min(1, viewed.length - 1)).axis;
  const within = loss === undefined ? undefined : activationWithin(loss);
  const [value] = node?.inputs ?? [];
  if (loss !== undefined && node !== undefined && value !== undefined) {
    const taken = { value, moves: movesOf(views, shapeOf), activation: node, views };
    if (within === "sigmoid" && isOp(node, "Sigmoid")) return { ...taken, classAxis: usual() };
    if (within === "softmax" && (isOp(node, "Softmax") || isOp(node, "LogSoftmax"))) {
      const { axis, flatten } = node.attributes;
      // Over several axes together it is one of these as one.
      const rows = flatten ? [viewed.slice(0, axis), viewed.slice(axis)].map(elementCount) : viewed;
      const classes = axisBehind(end, rows, flatten ? 1 : axis);
      if (classes.mixedBy !== undefined)
        throw mixed(call, loss, output, { activation: node, mixedBy: classes.mixedBy });
      return { ...taken, classAxis: classes.axis };
    }
  }
  if (loss !== undefined && within !== undefined) {
    const [activation, ...others] = probabilitiesWithin(graph, output);
    if (activation !== undefined) throw probabilities(call, loss, output, [activation, ...others]);
  }
  return { value: output, moves: [], classAxis: usual(), activation: undefined, views: [] };
}

/** What moves elements among views. */
function movesOf(views: readonly Node[], shapeOf: (value: ValueName | undefined) => Shape): readonly Move[] {
  return views.flatMap((node) =>
    isOp(node, "Transpose") ? { shape: shapeOf(node.inputs[0]), perm: node.attributes.perm } : [],
  );
}

/** What an axis is followed through. */
interface End {
  /** What makes the value that the views are of. */
  readonly maker: Node | undefined;
  readonly views: readonly Node[];
  readonly shapeOf: (value: ValueName | undefined) => Shape;
  readonly output: ValueName;
}

/**
 * The axis of the output that is an axis of `shape`, in which the maker's value is seen first; once it is no axis any more,
 * by `mixedBy`, axis 1 of what that made.
 */
function axisBehind(
  { maker, views, shapeOf, output }: End,
  shape: Shape,
  axis: number,
): { readonly axis: number; readonly mixedBy: Node | undefined } {
  let [from, at]: [Shape, number] = [shape, axis];
  let mixedBy: Node | undefined;
  let last = maker;
  /** Of what comes between Transposes, which moves nothing, only the last shape tells. */
  const reshape = (to: Shape): void => {
    const found = sameAxis(from, at, to);
    if (found === undefined) mixedBy ??= last;
    [from, at] = [to, found ?? Math.min(1, to.length - 1)];
  };
  for (const node of views) {
    if (isOp(node, "Transpose")) {
      reshape(shapeOf(node.inputs[0]));
      [from, at] = [shapeOf(node.outputs[0]), node.attributes.perm.indexOf(at)];
    }
    last = node;
  }
  reshape(shapeOf(output));
  return { axis: at, mixedBy };
}

/** The axis of `to`, another shape for the same elements in the same order, that is the axis of `from`. */
function sameAxis(from: Shape, axis: number, to: Shape): number | undefined {
  const inner = elementCount(from.slice(axis + 1));
  const isSame = (_: unknown, i: number): boolean => to[i] === from[axis] && elementCount(to.slice(i + 1)) === inner;
  if (isSame(undefined, axis)) return axis;
  const found = to.findLastIndex(isSame);
  return found < 0 ? undefined : found;
}

function mixed(
  call: string,
  { kind }: Loss,
  output: ValueName,
  { activation, mixedBy }: { readonly activation: Node; readonly mixedBy: Node },
): LensletError {
  const before = show(activation.outputs[0]);
  const remedy =
    mixedBy === activation
      ? "export the model with an output [n, classes]"
      : `train the network up to ${before}: extend(model.graph, { at: ${before} })`;
  const text = `${call}: the output ${show(output)} has the classes of ${describeNode(activation)} along no axis of their own, because of ${describeNode(mixedBy)}, but the loss is ${show(kind)}; ${remedy}`;
  return new LensletError("model-unsupported", text, { argument: "output" });
}

function probabilities(
  call: string,
  { kind }: Loss,
  output: ValueName,
  activations: readonly [Node, ...Node[]],
): LensletError {
  const [own, fitting, other] =
    kind === "crossEntropy"
      ? (["softmax", "Sigmoid", "binaryCrossEntropy"] as const)
      : (["sigmoid", "Softmax", "crossEntropy"] as const);
  const choice = activations.every(({ op }) => op === fitting) ? `choose the loss ${show(other)}, or ` : "";
  const [{ inputs }, ...more] = activations;
  const rest =
    more.length === 0
      ? `train the network up to what goes into that node: extend(model.graph, { at: ${show(inputs[0])} })`
      : "train a network that makes its output of what goes into those nodes";
  const names = activations.map(describeNode).join(", ");
  const text = `${call}: the output ${show(output)} is made of the probabilities of ${names}, but the loss ${show(kind)} takes logits, to which it applies a ${own} of its own; ${choice}${rest}`;
  return new LensletError("model-unsupported", text, { argument: "output" });
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

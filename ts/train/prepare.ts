/** From a network to the graph that is trained or evaluated: what changes is an input of it, and it gives one output. */
import { LensletError } from "../errors.ts";
import { formatShape, type Shape } from "../shape.ts";
import type { Graph, KnownGraph, Node, ValueInfo, ValueName } from "../model/graph.ts";
import { optimise, optimiseTraining } from "../model/passes/optimise.ts";
import { isOp, Rewrite } from "../model/passes/rewrite.ts";
import { specialise } from "../model/specialise/specialise.ts";
import { activationWords } from "../ops/activation.ts";
import { isToldByOutput } from "./backward/elementwise.ts";
import { activationWithin, type Loss } from "./loss.ts";
import type { Trained } from "./parameters.ts";

/** What a graph is prepared for. */
export interface Preparation {
  readonly batchSize: number;
  /** Shapes of samples, without the batch, of inputs whose sizes the graph leaves open. */
  readonly samples: ReadonlyMap<ValueName, Shape>;
  readonly output: ValueName;
  readonly loss: Loss;
  /** Whether it is to be trained: batches are normalised by their own statistics, and Dropout drops. */
  readonly learning: boolean;
}

/** A graph that a loss can be computed of. */
export interface Prepared {
  /** Of the network's own inputs, then what is trained; of one output. */
  readonly graph: KnownGraph;
  /** The axis of the output along which classes lie. */
  readonly classAxis: number;
}

/**
 * The graph with what is trained among its inputs, specialised and rewritten. Other constants are folded as for inference.
 * A softmax that ends the network is left out if the loss is cross-entropy, a sigmoid if it is the binary one: these take
 * what goes into them.
 *
 * Throws what `specialise` throws.
 */
export function prepare(call: string, graph: Graph, trained: Trained, preparation: Preparation): Prepared {
  const { output, learning, loss } = preparation;
  const varying = new Map([...trained.parameters, ...trained.statistics]);
  const inputs = new Map<ValueName, ValueInfo>(batched(call, graph, preparation));
  for (const [name, { type, shape }] of varying) inputs.set(name, { type, shape });
  const constants = new Map([...graph.constants].filter(([name]) => !varying.has(name)));
  const known = specialise({ ...graph, inputs, outputs: [output], constants }, new Map());
  const dependent = dependents(known, varying.keys());
  const optimised = learning
    ? optimiseTraining(known, {
        isKept: ({ op, name }) => op === "Dropout" && !trained.frozen.has(name),
        // Elsewhere nobody asks for a derivative.
        mayFuse: (node, activation) =>
          !node.outputs.some((name) => name !== undefined && dependent.has(name)) ||
          isToldByOutput(activationWords(node.name, activation)),
      })
    : optimise(known);
  const { graph: rest, softmaxAxis } = withoutLast(optimised, activationWithin(loss));
  const rank = known.infos.get(output)?.shape.length ?? 0;
  return { graph: rest, classAxis: softmaxAxis ?? usualClassAxis(rest, rank) };
}

/** The graph's inputs with as many samples as a batch has. */
function batched(
  call: string,
  { inputs }: Graph,
  { batchSize, samples }: Preparation,
): ReadonlyMap<ValueName, ValueInfo> {
  const sized = new Map<ValueName, ValueInfo>();
  for (const [name, { type, shape }] of inputs) {
    const sizes = samples.get(name) ?? shape?.slice(1);
    if (shape?.length === 0 || !sizes?.every((size) => typeof size === "number")) {
      const text = `${call}: the input ${JSON.stringify(name)} has sizes that the network leaves open; give the shape of a sample`;
      throw new LensletError("shape-mismatch", text, { argument: name });
    }
    sized.set(name, { type, shape: [batchSize, ...sizes] });
  }
  return sized;
}

/** Values that depend on some others. */
function dependents({ nodes }: KnownGraph, from: Iterable<ValueName>): ReadonlySet<ValueName> {
  const dependent = new Set<ValueName>(from);
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some((name) => name !== undefined && dependent.has(name))) continue;
    for (const name of outputs) if (name !== undefined) dependent.add(name);
  }
  return dependent;
}

/** Operators that only show their operand's elements in another form: behind them, a softmax is still the last that is computed. */
const VIEWS: ReadonlySet<string> = new Set(["Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

/** The graph without the activation that a loss takes upon itself, and the axis of the output that a softmax went along. */
function withoutLast(
  graph: KnownGraph,
  kind: "softmax" | "sigmoid" | undefined,
): { readonly graph: KnownGraph; readonly softmaxAxis: number | undefined } {
  const rewrite = new Rewrite(graph);
  const views: Node[] = [];
  let last = rewrite.producer(graph.outputs[0]);
  while (last !== undefined && VIEWS.has(last.op)) {
    const [value] = last.inputs;
    if (value === undefined || !rewrite.isPrivate(value, [last])) break;
    views.push(last);
    last = rewrite.producer(value);
  }
  const isLast =
    kind === "softmax"
      ? isOp(last, "Softmax") || isOp(last, "LogSoftmax")
      : kind === "sigmoid" && isOp(last, "Sigmoid");
  const [x] = last?.inputs ?? [];
  if (last === undefined || !isLast || x === undefined) return { graph, softmaxAxis: undefined };
  const axis = isOp(last, "Softmax") || isOp(last, "LogSoftmax") ? axisBehind(last, views, rewrite) : undefined;
  // Whatever cannot be seen as classes along one axis is no head of a classifier.
  if (kind === "softmax" && axis === undefined) return { graph, softmaxAxis: undefined };
  if (views.length === 0) {
    const nodes = graph.nodes.filter((node) => node !== last);
    return { graph: { ...graph, nodes, outputs: [x] }, softmaxAxis: axis };
  }
  rewrite.bypass(last, x);
  return { graph: rewrite.finish(), softmaxAxis: axis };
}

/** Where the axis of a softmax is once its result went through `views`, the last of them first. */
function axisBehind(
  { attributes, inputs: [x] }: Node<"Softmax"> | Node<"LogSoftmax">,
  views: readonly Node[],
  rewrite: Rewrite,
): number | undefined {
  const { shape } = rewrite.info(x);
  if (attributes.flatten && attributes.axis !== shape.length - 1) return undefined;
  let { axis } = attributes;
  for (const view of views.toReversed()) {
    if (isOp(view, "Transpose")) axis = view.attributes.perm.indexOf(axis);
    else if (formatShape(rewrite.info(view.inputs[0]).shape) !== formatShape(rewrite.info(view.outputs[0]).shape))
      return undefined;
  }
  return axis;
}

/** Without a softmax: axis 1, as in ONNX and PyTorch, unless a Transpose puts the channels of images last. */
function usualClassAxis({ nodes, outputs: [output] }: KnownGraph, rank: number): number {
  const last = nodes.find((node) => output !== undefined && node.outputs.includes(output));
  return last?.op === "Transpose" ? last.attributes.perm.indexOf(1) : Math.min(1, rank - 1);
}

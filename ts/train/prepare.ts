/** From a network to the graph that is trained or evaluated: what changes is an input of it, and it gives one output. */
import { LensletError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import type { Graph, KnownGraph, ValueInfo, ValueName } from "../model/graph.ts";
import { optimise, optimiseTraining } from "../model/passes/optimise.ts";
import { Rewrite } from "../model/passes/rewrite.ts";
import { specialise } from "../model/specialise/specialise.ts";
import { activationWords } from "../ops/activation.ts";
import { isToldByOutput } from "./backward/elementwise.ts";
import { type Head, headOf } from "./head.ts";
import type { Loss } from "./loss.ts";
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
 * Throws what `specialise` and `headOf` throw.
 */
export function prepare(call: string, graph: Graph, trained: Trained, preparation: Preparation): Prepared {
  const { output, learning, loss } = preparation;
  const varying = new Map([...trained.parameters, ...trained.statistics]);
  const inputs = new Map<ValueName, ValueInfo>(batched(call, graph, preparation));
  for (const [name, { type, shape }] of varying) inputs.set(name, { type, shape });
  const constants = new Map([...graph.constants].filter(([name]) => !varying.has(name)));
  const known = specialise({ ...graph, inputs, outputs: [output], constants }, new Map());
  const head = headOf(call, known, output, loss);
  // Before passes make it a part of the layer before it.
  const rest = withoutLast(known, head);
  const dependent = dependents(rest, varying.keys());
  const optimised = learning
    ? optimiseTraining(rest, {
        isKept: ({ op, name }) => op === "Dropout" && !trained.frozen.has(name),
        // Elsewhere nobody asks for a derivative.
        mayFuse: (node, activation) =>
          !node.outputs.some((name) => name !== undefined && dependent.has(name)) ||
          isToldByOutput(activationWords(node.name, activation)),
      })
    : optimise(rest);
  return { graph: optimised, classAxis: head.classAxis };
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

/**
 * The graph without the activation that a loss takes upon itself. The views behind it stay, but for Dropouts: what they drop
 * are probabilities, which the loss does not see.
 */
function withoutLast(graph: KnownGraph, { value, activation, views }: Head): KnownGraph {
  if (activation === undefined) return graph;
  if (views.length === 0) {
    return { ...graph, nodes: graph.nodes.filter((node) => node !== activation), outputs: [value] };
  }
  const rewrite = new Rewrite(graph);
  rewrite.bypass(activation, value);
  for (const { outputs } of views) {
    const dropout = rewrite.madeBy("Dropout", outputs[0]);
    const [x] = dropout?.inputs ?? [];
    if (dropout !== undefined && x !== undefined) rewrite.bypass(dropout, x);
  }
  return rewrite.finish();
}

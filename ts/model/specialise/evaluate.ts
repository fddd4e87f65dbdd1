/** Evaluation: numbers of what a node makes, where all that it reads is known before the network runs. */
import { elementCount } from "../../shape.ts";
import type { Attributes, OpType } from "../attributes.ts";
import { type Constant, integers, numberBytes } from "../constant.ts";
import type { KnownInfo, Node } from "../graph.ts";
import type { Budget } from "./budget.ts";
import { along } from "./evaluate/along.ts";
import { arrange } from "./evaluate/arrange.ts";
import { elementwise } from "./evaluate/elementwise.ts";
import { constantOf, type Evaluators, zeros } from "./evaluate/evaluator.ts";
import { product } from "./evaluate/product.ts";
import { shapes } from "./evaluate/shapes.ts";
import { unary } from "./evaluate/unary.ts";
import { shapePart } from "./infer/shapes.ts";
import { readingCost, recipe, view } from "./lazy.ts";
import { type KnownValues, Operands } from "./operands.ts";

/** Convolutions, pools and the like are left to the core: it is faster, and no shape depends on them. */
const families = { ...elementwise, ...unary, ...along, ...arrange, ...product, ...shapes };
const evaluators: Evaluators<Evaluated> = families;

type Evaluated = keyof typeof families;

/** Operators of which the first output is the first input in another shape, and all else that they read is a shape. */
const views: ReadonlySet<OpType> = new Set([
  "Identity",
  "Dropout",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
] satisfies OpType[]);

function apply<T extends Evaluated>(
  op: T,
  at: Operands,
  attributes: Attributes[T],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  return evaluators[op](at, attributes, outputs);
}

function isEvaluated(op: OpType): op is Evaluated {
  return op in evaluators;
}

interface Evaluation {
  readonly inputs: readonly (Constant | undefined)[];
  readonly outputs: readonly Constant[];
}

/** The last evaluation of each node: a network specialised again, for another size, keeps its constants' identities. */
const evaluations = new WeakMap<Node, Evaluation>();

/**
 * The numbers of all outputs of a node, where they are known before the network runs: constants, and what follows from
 * shapes. `infos` are the outputs' types and shapes. Undefined where they are not known, and where `budget` does not
 * suffice.
 *
 * Large results are computed when they are read, each time: see {@link recipe}.
 */
export function evaluateNode(
  node: Node,
  values: KnownValues,
  infos: readonly KnownInfo[],
  budget: Budget,
): readonly Constant[] | undefined {
  // What has no elements is known whatever it is computed from.
  const empty = infos.every(({ shape }) => shape.includes(0));
  const noBoxes = node.op === "NonMaxSuppression" && infos[0]?.shape[0] === 0;
  if (empty || noBoxes) return infos.map(zeros);
  const at = new Operands(node, values);
  if (node.op === "Shape") return [integers(shapePart(at.shape(0), node.attributes))];
  if (node.op === "Size") return [constantOf({ type: "int64", shape: [] }, Float64Array.of(elementCount(at.shape(0))))];
  const inputs: (Constant | undefined)[] = [];
  for (let index = 0; index < at.count; index++) {
    const constant = at.constant(index);
    if (constant === undefined && at.has(index)) return undefined;
    inputs.push(constant);
  }
  const last = evaluations.get(node);
  if (last?.inputs.every((constant, index) => constant === inputs[index]) === true) return last.outputs;
  const outputs = evaluate(node, at, inputs, infos, budget);
  if (outputs !== undefined) evaluations.set(node, { inputs, outputs });
  return outputs;
}

function evaluate(
  node: Node,
  at: Operands,
  inputs: readonly (Constant | undefined)[],
  infos: readonly KnownInfo[],
  budget: Budget,
): readonly Constant[] | undefined {
  const [first] = infos;
  const [source] = inputs;
  if (first === undefined) return undefined;
  if (source !== undefined && views.has(node.op)) {
    // The mask of a Dropout: at inference, everything stays.
    return infos.map((info, index) => (index === 0 ? view(source, info.shape) : allOnes(info)));
  }
  if (source !== undefined && node.op === "Cast" && source.type === node.attributes.to) return [source];
  const { op, attributes } = node;
  if (!isEvaluated(op)) return undefined;
  const bytes = infos.reduce((sum, { type, shape }) => sum + elementCount(shape) * numberBytes(type), 0);
  const work = inputs.reduce((sum, input) => sum + readingCost(input), 0) + ownWork(at, infos);
  if (!budget.take(bytes, work)) return undefined;
  const run = (): readonly Constant[] => apply(op, at, attributes, infos);
  return infos.length === 1 ? [recipe(first, inputs, work, run)] : run();
}

/** Elements touched, or for products the multiplications. */
function ownWork(at: Operands, infos: readonly KnownInfo[]): number {
  const { op } = at.node;
  const written = infos.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (op === "MatMul" || op === "Gemm") {
    const shape = at.shape(0);
    const inner = op === "Gemm" && at.node.attributes.transA ? shape[0] : shape.at(-1);
    return written * (inner ?? 1);
  }
  let read = 0;
  for (let index = 0; index < at.count; index++) if (at.has(index)) read += elementCount(at.shape(index));
  return written + read;
}

function allOnes(info: KnownInfo): Constant {
  const constant = zeros(info);
  constant.data.fill(1);
  return constant;
}

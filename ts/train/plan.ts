/** A training step, or an evaluation, as one program of the core. */
import type { TensorId } from "../command.ts";
import { LensletError } from "../errors.ts";
import { elementCount, formatShape, type Shape } from "../shape.ts";
import type { Constant } from "../model/constant.ts";
import type { Graph, Node, ValueName } from "../model/graph.ts";
import { type Lowered, type LoweredOutput, lower } from "../model/lower/lower.ts";
import {
  type Buffer,
  type LoweredStep,
  type Target,
  type Temporary,
  temporary,
  type Variable,
} from "../model/lower/lowering.ts";
import { moveBetween, plainOrder } from "../model/layout.ts";
import { type Program, planSteps } from "../model/program.ts";
import { describeNode } from "../model/signature.ts";
import { differentiate } from "./backward/differentiate.ts";
import { type Loss, lossCall } from "./loss.ts";
import { type Optimizer, optimiserWords, optimiserSlots } from "./optimiser.ts";
import type { Trained } from "./parameters.ts";
import { prepare } from "./prepare.ts";
import { cutsOf, type Passes, recompute } from "./recompute.ts";

/** What is trained, and what belongs to it, as tensors of the engine. */
export interface Variables {
  /** Parameters and statistics by the names of their constants. */
  readonly byName: ReadonlyMap<ValueName, Variable>;
  /** What the optimiser remembers of each parameter, in the core's order. */
  readonly slots: ReadonlyMap<Variable, readonly Variable[]>;
}

/** What a network is trained for, and how. */
export interface Task {
  readonly call: string;
  readonly graph: Graph;
  readonly trained: Trained;
  readonly variables: Variables;
  readonly samples: ReadonlyMap<ValueName, Shape>;
  readonly output: ValueName;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** 0: gradients stay as long as they are. */
  readonly clipNorm: number;
  readonly seed: number;
  readonly recompute: boolean;
}

/** One of the tensors that a run is given. */
export interface RunInput {
  readonly name: string;
  readonly shape: Shape;
}

/** A program for batches of one size. */
export interface BatchPlan {
  readonly program: Program;
  /** The network's inputs, the targets, and for a training step the clock: its number from 1, and the learning rate. */
  readonly inputs: readonly RunInput[];
  /** What is trained, in the order of the norms: a training step's. */
  readonly parameters: readonly Variable[];
}

/** Makes the variables of a network and an optimiser. */
export function variablesOf({ parameters, statistics }: Trained, optimizer: Optimizer): Variables {
  const variable = (name: string, { shape }: Constant): Variable => ({
    kind: "variable",
    name,
    shape,
    length: elementCount(shape),
  });
  const byName = new Map<ValueName, Variable>();
  const slots = new Map<Variable, readonly Variable[]>();
  for (const [name, constant] of parameters) {
    const parameter = variable(name, constant);
    byName.set(name, parameter);
    slots.set(
      parameter,
      optimiserSlots(optimizer).map((slot) => variable(`${name}/${slot}`, constant)),
    );
  }
  for (const [name, constant] of statistics) byName.set(name, variable(name, constant));
  return { byName, slots };
}

/** Steps in the making. */
class Steps {
  readonly steps: LoweredStep[] = [];

  push(
    node: Node,
    op: LoweredStep["op"],
    inputs: readonly Buffer[],
    outputs: readonly Target[],
    words: readonly number[],
  ): void {
    this.steps.push({ op, inputs, outputs, words, node, commutes: false, moves: false });
  }
}

/** A node that stands for what the network itself does not have: its loss, steps of the optimiser. */
function nodeOf(name: string): Node {
  return { name, op: "Identity", inputs: [], outputs: [name], attributes: {} };
}

/** Plans a training step: forward, loss, backward, clipping, the optimiser's step, the statistics. */
export function planStep(task: Task, batchSize: number, idOf: (variable: Variable) => TensorId): BatchPlan {
  const { call, graph, seed, variables } = task;
  const targets = { kind: "input", index: graph.inputs.size } as const;
  const clock = { kind: "input", index: graph.inputs.size + 1 } as const;
  const halves = [seed % 2 ** 31, Math.floor(seed / 2 ** 31) % 2 ** 31] as const;
  const { forward, head, inputs } = planForward(task, batchSize, { clock, seed: halves }, targets);
  const parameters = [...variables.slots.keys()];
  const { steps: backward, gradients } = differentiate(call, forward, head.seed, parameters);
  if (gradients.size === 0) throw untrained(task);
  const norms = temporary(1 + gradients.size);
  const update = planUpdate(task, forward, gradients, { loss: head.loss, clock, norms });
  const outputs = [made("loss", head.loss, []), made("norms", norms, [norms.length]), head.output];
  const planned = (back: readonly LoweredStep[]): Program =>
    planSteps({ steps: [...forward, ...head.steps, ...back, ...update], outputs }, idOf);
  const kept = new Set([...head.steps, ...update].flatMap(({ inputs: read }) => read));
  return {
    program: task.recompute ? smallest({ forward, backward, kept }, planned) : planned(backward),
    inputs: [...inputs, { name: "clock", shape: [2] }],
    parameters: [...gradients.keys()],
  };
}

/** What follows the backward pass: the gradients' norms, the optimiser's steps, and statistics that move. */
function planUpdate(
  { call, clipNorm, optimizer, variables }: Task,
  forward: readonly LoweredStep[],
  gradients: ReadonlyMap<Variable, Buffer>,
  { loss, clock, norms }: { readonly loss: Buffer; readonly clock: Buffer; readonly norms: Temporary },
): readonly LoweredStep[] {
  const update = new Steps();
  // What gradients are multiplied with to be clipped: NaN, by which nothing changes, where loss or norm is not finite.
  const scale = temporary(1);
  update.push(nodeOf("gradient norm"), "gradientNorm", [loss, ...gradients.values()], [norms, scale], [clipNorm]);
  const words = optimiserWords(optimizer);
  for (const [parameter, gradient] of gradients) {
    const changed = [parameter, ...(variables.slots.get(parameter) ?? [])];
    update.push(nodeOf(parameter.name), "optimiserStep", [gradient, clock, scale], changed, words);
  }
  for (const { op, node, outputs, words: sizes } of forward) {
    const [y, statistics] = outputs;
    if (op !== "batchNormTraining" || y === undefined || statistics === undefined) continue;
    const [channels = 1] = sizes;
    const running = [3, 4].flatMap((index) => variables.byName.get(node.inputs[index] ?? "") ?? []);
    const replaced = shareOfBatch(call, node);
    update.push(node, "movingStatistics", [statistics, scale], running, [channels, replaced, y.length / channels]);
  }
  return update.steps;
}

/** How much of its running statistics a normalisation has a batch's own replace. */
function shareOfBatch(call: string, node: Node): number {
  if (node.op !== "BatchNormalization") throw new Error(`${node.op} has no running statistics`);
  const { momentum } = node.attributes;
  if (momentum >= 0 && momentum <= 1) return 1 - momentum;
  const text = `${call}: ${describeNode(node)} has a momentum of ${momentum}; running statistics follow batches by one from 0 to 1: freeze its mean and variance, so that it normalises by these`;
  throw new LensletError("model-unsupported", text, { argument: "model" });
}

/** Parts of a forward pass that are tried: about the root of the number of layers takes the least memory. */
const PARTS = [2, 3, 4, 5, 6, 8, 10, 13, 16, 20];

/** The plan that needs the least memory, of those that compute parts of the forward pass again. */
function smallest(passes: Passes, planned: (backward: readonly LoweredStep[]) => Program): Program {
  let best = planned(passes.backward);
  for (const count of PARTS) {
    const plan = planned(recompute(passes, cutsOf(passes.forward, count)));
    if (plan.arena < best.arena) best = plan;
  }
  return best;
}

/** Plans an evaluation: the loss and the outputs, by the running statistics, nothing dropped. */
export function planEvaluation(task: Task, batchSize: number, idOf: (variable: Variable) => TensorId): BatchPlan {
  const targets = { kind: "input", index: task.graph.inputs.size } as const;
  const { forward, head, inputs } = planForward(task, batchSize, undefined, targets);
  const outputs = [made("loss", head.loss, []), head.output];
  return { program: planSteps({ steps: [...forward, ...head.steps], outputs }, idOf), inputs, parameters: [] };
}

/** The end of a forward pass. */
interface Head {
  /** The loss itself. */
  readonly steps: readonly LoweredStep[];
  readonly loss: Temporary;
  readonly seed: Parameters<typeof differentiate>[2];
  /** What the network gives. */
  readonly output: LoweredOutput;
}

interface Forward {
  /** What gradients go back through. */
  readonly forward: readonly LoweredStep[];
  readonly head: Head;
  readonly inputs: readonly RunInput[];
}

function planForward(
  task: Task,
  batchSize: number,
  learning: { readonly clock: Buffer; readonly seed: readonly [number, number] } | undefined,
  targets: Buffer,
): Forward {
  const { call, graph, trained, loss, output, samples, variables } = task;
  const preparation = { batchSize, samples, output, loss, learning: learning !== undefined };
  const { graph: known, classAxis } = prepare(call, graph, trained, preparation);
  const lowered: Lowered = lower(known, {
    variables: variables.byName,
    ...(learning === undefined ? {} : { learning }),
  });
  const [result] = lowered.outputs;
  if (result?.type !== "float32") throw noNumbers(task);
  const { shape } = result;
  const forward = new Steps();
  forward.steps.push(...lowered.steps);
  let of = result.buffer;
  const classes = shape[classAxis] ?? 1;
  const isClasses = loss.kind === "crossEntropy";
  if (isClasses && classAxis !== shape.length - 1) {
    // The loss wants the classes of each sample, or pixel, side by side.
    const plain = plainOrder(shape.length);
    const { shape: sizes, perm } = moveBetween(shape, plain, [
      ...plain.filter((axis) => axis !== classAxis),
      classAxis,
    ]);
    of = temporary(result.buffer.length);
    forward.push(nodeOf(output), "transpose", [result.buffer], [of], [sizes.length, ...sizes, ...perm]);
  }
  const gradient = temporary(of.length);
  const value = temporary(1);
  const last = new Steps();
  const { op, words } = lossCall(loss, classes);
  last.push(nodeOf("loss"), op, [of, targets], [value, gradient], words);
  const own = [...graph.inputs.keys()].map((name) => ({ name, shape: known.infos.get(name)?.shape ?? [] }));
  const wanted = isClasses ? shape.filter((_, axis) => axis !== classAxis) : shape;
  return {
    forward: forward.steps,
    head: { steps: last.steps, loss: value, seed: { of, gradient }, output: { ...result, name: output } },
    inputs: [...own, { name: "targets", shape: wanted }],
  };
}

function made(name: string, buffer: LoweredOutput["buffer"], shape: Shape): LoweredOutput {
  return { type: "float32", name, shape, buffer };
}

function noNumbers({ call, output }: Task): LensletError {
  const text = `${call}: the output ${JSON.stringify(output)} is no float32 value, so that it has no gradient; choose another`;
  return new LensletError("model-unsupported", text, { argument: "output" });
}

function untrained({ call, output, variables }: Task): LensletError {
  const names = Array.from(
    variables.slots.keys(),
    ({ name, shape }) => `${JSON.stringify(name)} ${formatShape(shape)}`,
  );
  const text = `${call}: the output ${JSON.stringify(output)} depends on none of the weights that are to be trained: ${names.join(", ")}`;
  return new LensletError("invalid-argument", text, { argument: "output" });
}

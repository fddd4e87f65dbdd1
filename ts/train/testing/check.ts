/** Gradients of whole networks against central finite differences in float64. */
import type { Engine } from "../../engine.ts";
import type { Graph, ValueName } from "../../model/graph.ts";
import { lower } from "../../model/lower/lower.ts";
import type { Buffer, LoweredStep, Variable } from "../../model/lower/lowering.ts";
import { plainOrder } from "../../model/layout.ts";
import { elementCount, type Shape } from "../../shape.ts";
import { at } from "../../test/oracle/nd.ts";
import { Random } from "../../test/oracle/random.ts";
import { type Loss, meanSquaredError } from "../loss.ts";
import { sgd } from "../optimiser.ts";
import { findTrained, type Freeze } from "../parameters.ts";
import { prepare } from "../prepare.ts";
import { type Batch, Trainer } from "../trainer.ts";
import { interpret } from "./oracle/interpret.ts";
import type { Numbers } from "./oracle/numbers.ts";

/** What is checked. */
export interface CheckOptions {
  readonly loss?: Loss;
  readonly batchSize?: number;
  readonly freeze?: Freeze;
  readonly recompute?: boolean;
  /** From 0 to below `classes`, whole: targets of cross-entropy. */
  readonly classes?: number | undefined;
  /** Range of inputs. */
  readonly range?: readonly [number, number];
  /** Relative to the largest element of each gradient. */
  readonly tolerance?: number;
}

/** A network's loss in float64, as a function of what is trained. */
export type LossFunction = (values: ReadonlyMap<ValueName, ArrayLike<number>>) => number;

const SEED = 5;

/**
 * Throws unless a step of plain gradient descent at a rate of 1 takes every weight along its gradient, as central finite
 * differences have it.
 */
export async function checkGradients(
  engine: Engine,
  graph: Graph,
  options: CheckOptions = {},
): Promise<readonly string[]> {
  const { loss = meanSquaredError(), batchSize = 2, freeze = [], recompute = false, tolerance = 2e-5 } = options;
  const trainer = Trainer.create(engine, graph, {
    ...{ loss, freeze, recompute, seed: SEED },
    optimizer: sgd({ learningRate: 1 }),
  });
  try {
    const { batch, lossOf } = oracle(graph, { ...options, batchSize });
    const before = await trainer.read();
    const { loss: value } = await trainer.step(batch, 1);
    const after = await trainer.read();
    const values = new Map(
      Array.from([...before.parameters, ...before.statistics], ([name, { data }]) => [name, data]),
    );
    expectNear("the loss", value, lossOf(values), 1e-5);
    for (const { name } of trainer.parameters) {
      const [from, to] = [before.parameters.get(name)?.data, after.parameters.get(name)?.data];
      if (from === undefined || to === undefined) throw new Error(`${name} is not read`);
      const gradient = from.map((old, i) => old - at(to, i));
      const expected = differences(lossOf, values, name);
      const most = expected.reduce((largest, each) => Math.max(largest, Math.abs(each)), 1e-3);
      gradient.forEach((got, i) => {
        if (Math.abs(got - at(expected, i)) <= tolerance * most + 1e-7) return;
        throw new Error(`the gradient of ${name}[${i}] is ${got}; expected ${at(expected, i)}`);
      });
    }
    return trainer.parameters.map(({ name }) => name);
  } finally {
    trainer.dispose();
  }
}

function expectNear(what: string, got: number, expected: number, tolerance: number): void {
  if (Math.abs(got - expected) <= tolerance * Math.max(1, Math.abs(expected))) return;
  throw new Error(`${what} is ${got}; expected ${expected}`);
}

/** The gradient of one weight by central differences. */
function differences(
  lossOf: LossFunction,
  values: ReadonlyMap<ValueName, ArrayLike<number>>,
  name: ValueName,
): Float64Array {
  const step = 1e-5;
  const own = Float64Array.from(values.get(name) ?? []);
  return own.map((value, i) => {
    const [more, less] = [1, -1].map((sign) => lossOf(new Map(values).set(name, own.with(i, value + sign * step))));
    return ((more ?? Number.NaN) - (less ?? Number.NaN)) / (2 * step);
  });
}

/** A random batch for a network, and the loss of it as a training step has it, in float64. */
export function oracle(
  graph: Graph,
  options: CheckOptions & { readonly batchSize: number },
): { batch: Batch; lossOf: LossFunction } {
  const { loss = meanSquaredError(), batchSize, freeze = [], classes, range = [-1, 1] } = options;
  const random = new Random(7);
  const trained = findTrained("check", graph, freeze);
  const [output = ""] = graph.outputs;
  const preparation = { ...{ batchSize, output, loss }, samples: new Map(), learning: true };
  const { graph: known, classAxis } = prepare("check", graph, trained, preparation);
  const variables = new Map<ValueName, Variable>();
  for (const [name, { shape }] of [...trained.parameters, ...trained.statistics])
    variables.set(name, { kind: "variable", name, shape, length: elementCount(shape) });
  const clock = { kind: "input", index: graph.inputs.size + 1 } as const;
  const lowered = lower(known, { variables, learning: { clock, seed: [SEED, 0] } });
  const inputs = new Map<ValueName, Float32Array<ArrayBuffer>>();
  for (const name of graph.inputs.keys()) {
    inputs.set(name, random.nd(known.infos.get(name)?.shape ?? [], ...range).data);
  }
  const [result] = lowered.outputs;
  if (result === undefined) throw new Error("no output");
  const count = elementCount(result.shape);
  const targets =
    classes === undefined
      ? random.nd([count], 0, 1).data
      : Float32Array.from({ length: count / classes }, () => random.int(0, classes - 1));
  const lossOf: LossFunction = (values) => {
    const held = new Map<Buffer, Numbers>();
    const numbers = (buffer: Buffer): Numbers | undefined => {
      if (buffer.kind === "none") return undefined;
      if (buffer.kind === "weight") return Float64Array.from(buffer.constant.data);
      if (buffer.kind === "variable") return Float64Array.from(values.get(buffer.name) ?? []);
      if (buffer.kind === "input")
        return buffer.index === clock.index
          ? Float64Array.of(1, 1)
          : Float64Array.from([...inputs.values()][buffer.index] ?? []);
      return held.get(buffer);
    };
    for (const { op, inputs: from, outputs, words } of lowered.steps as readonly LoweredStep[]) {
      const made = interpret(op, from.map(numbers), words);
      for (const [i, buffer] of outputs.entries()) held.set(buffer, made[i] ?? new Float64Array());
    }
    return lossValue(loss, held.get(result.buffer) ?? new Float64Array(), targets, result.shape, classAxis);
  };
  return { batch: { inputs, targets, size: batchSize }, lossOf };
}

function lossValue(loss: Loss, outputs: Numbers, targets: Float32Array, shape: Shape, classAxis: number): number {
  const mean = (each: (x: number, t: number) => number): number =>
    outputs.reduce((sum, x, i) => sum + each(x, at(targets, i)), 0) / outputs.length;
  switch (loss.kind) {
    case "meanSquaredError":
      return mean((x, t) => (x - t) ** 2);
    case "binaryCrossEntropy":
      return mean((x, t) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0) - x * t);
    case "huber":
      return mean((x, t) => {
        const e = Math.abs(x - t);
        return e <= loss.delta ? (e * e) / 2 : loss.delta * (e - loss.delta / 2);
      });
    case "crossEntropy":
      return crossEntropy(loss.labelSmoothing, outputs, targets, shape, classAxis);
  }
}

function crossEntropy(smoothing: number, outputs: Numbers, targets: Float32Array, shape: Shape, axis: number): number {
  const classes = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  let sum = 0;
  targets.forEach((label, row) => {
    const first = Math.floor(row / inner) * classes * inner + (row % inner);
    const logits = plainOrder(classes).map((i) => at(outputs, first + i * inner));
    const total = Math.log(logits.reduce((all, each) => all + Math.exp(each), 0));
    const share = smoothing / classes;
    logits.forEach((logit, i) => {
      sum -= (share + (i === label ? 1 - smoothing : 0)) * (logit - total);
    });
  });
  return sum / targets.length;
}

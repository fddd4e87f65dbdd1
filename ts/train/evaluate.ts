/** Predictions for many samples, and how good they are: by the model's own plan for inference. */
import { abortable, abortError } from "../abort.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import { type Move, transposed } from "../model/layout.ts";
import { elementCount, type Shape } from "../shape.ts";
import type { NdArray } from "../tensor.ts";
import { Batches, type SampleBatch } from "./data/batches.ts";
import type { AnyDataset } from "./data/dataset.ts";
import { inOrder } from "./data/order.ts";
import { type Scores, Tally } from "./history.ts";
import type { TrainingHost } from "./host.ts";
import { lossValue } from "./loss-value.ts";
import type { Metric, Predictions } from "./metric.ts";
import type { EvaluatePlan } from "./options.ts";
import { checkLabels, checkTargets, type Fit, fitInputs, inputsByName, type Wanted } from "./samples.ts";

/** Loss and metrics of a batch. */
export function scoresOf(
  predictions: Predictions,
  metrics: readonly Metric[],
  loss: number = lossValue(predictions),
): Scores {
  const values = metrics.map((metric): [string, number] => [metric.name, metric.measure(predictions)]);
  return { loss, metrics: Object.fromEntries(values) };
}

/** Loss and metrics over all samples. */
export async function evaluate(host: TrainingHost, dataset: AnyDataset, plan: EvaluatePlan): Promise<Scores> {
  const call = "evaluate";
  const { loss, metrics, signal } = plan;
  const { batchSize, fit } = fitted(call, host, dataset, plan);
  checkTargets(call, fit, loss, dataset);
  const { head, outputShape } = fit;
  const movesOf = movesByRows((rows) =>
    head.moves.length === 0 ? fit : fitInputs(call, host.graph, plan, dataset, rows),
  );
  const tally = new Tally();
  const pass = { fit, value: head.value, batchSize, signal };
  for await (const { batch, rows, values } of computed(call, host, dataset, pass)) {
    const { size, targets } = batch;
    checkLabels(call, fit, loss, targets, batch.indices);
    let moved = values;
    for (const { shape, perm } of movesOf(rows)) moved = transposed(moved, shape, perm);
    const outputs = firstOf(moved, rows, size);
    const predictions = { outputs, shape: [size, ...outputShape], classAxis: head.classAxis, targets, size, loss };
    tally.add(size, scoresOf(predictions, metrics));
  }
  return tally.scores();
}

/** The moves of heads by the number of samples at once, each asked for when it is needed first: a whole batch and the last. */
function movesByRows(fitOf: (rows: number) => Fit): (rows: number) => readonly Move[] {
  const known = new Map<number, readonly Move[]>();
  return (rows) => {
    const moves = known.get(rows) ?? fitOf(rows).head.moves;
    known.set(rows, moves);
    return moves;
  };
}

/** What the network gives for all samples, one after another. */
export async function predict(
  host: TrainingHost,
  dataset: AnyDataset,
  plan: Pick<EvaluatePlan, "batchSize" | "output" | "signal">,
): Promise<Prediction> {
  const call = "predict";
  const { batchSize, fit } = fitted(call, host, dataset, plan);
  const width = fit.outputShape.reduce((product, size) => product * size, 1);
  const data = new Float32Array(dataset.size * width);
  let at = 0;
  const { output, signal } = plan;
  const pass = { fit, value: output, batchSize, signal };
  for await (const { batch, rows, values } of computed(call, host, dataset, pass)) {
    const given = firstOf(values, rows, batch.size);
    data.set(given, at);
    at += given.length;
  }
  return { data, shape: [dataset.size, ...fit.outputShape] };
}

/** What a network gives for some samples. */
export interface Prediction extends NdArray {
  /** Row-major. */
  readonly data: Float32Array<ArrayBuffer>;
  /** `[n, ...]` */
  readonly shape: Shape;
}

/** A network that was made for batches of one size sees no others. */
function fitted(
  call: string,
  { graph }: TrainingHost,
  dataset: AnyDataset,
  { output, loss, batchSize }: Wanted & { readonly batchSize: number },
): { readonly fit: Fit; readonly batchSize: number } {
  const fixed = fixedBatch(graph);
  return { fit: fitInputs(call, graph, { output, loss }, dataset, fixed), batchSize: fixed ?? batchSize };
}

/** The number of samples that a network was made for, if it says one. */
function fixedBatch({ inputs }: Graph): number | undefined {
  const sizes = Array.from(inputs.values(), ({ shape }) => shape?.[0]);
  return sizes.find((size) => typeof size === "number");
}

interface Pass {
  readonly fit: Fit;
  /** What is to be computed. */
  readonly value: ValueName;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
}

/** A batch, and a value of the network for it. */
interface Computed {
  readonly batch: SampleBatch;
  /** How many samples were computed: more than the batch has where the network takes no fewer. */
  readonly rows: number;
  /** Of all of them. */
  readonly values: Float32Array;
}

/** Batches in their order, each with a value that the network has for it; the next one is made while one is computed. */
async function* computed(
  call: string,
  host: TrainingHost,
  dataset: AnyDataset,
  { fit, value, batchSize, signal }: Pass,
): AsyncGenerator<Computed> {
  const batches = new Batches(dataset, { order: inOrder(dataset.size), batchSize, epoch: 0 }, call);
  const isFixed = fixedBatch(host.graph) !== undefined;
  for (;;) {
    if (signal?.aborted === true) throw abortError(signal, call);
    const next = batches.next();
    const batch = await (signal === undefined ? next : abortable(next, signal, undefined, call));
    if (batch === undefined) return;
    const rows = isFixed ? batchSize : batch.size;
    const inputs = Array.from(inputsByName(fit, batch.inputs), ([name, values]): [ValueName, NdArray] => {
      const shape = [rows, ...(fit.inputs.get(name) ?? [])];
      return [name, { data: padded(values, elementCount(shape)), shape }];
    });
    const running = host.compute(call, Object.fromEntries(inputs), value, signal);
    batches.prepare();
    yield { batch, rows, values: await running };
  }
}

/** What belongs to the first `size` of `rows` samples. */
function firstOf(values: Float32Array, rows: number, size: number): Float32Array {
  return values.subarray(0, (values.length / rows) * size);
}

function padded(values: Float32Array, length: number): Float32Array {
  if (values.length === length) return values;
  const longer = new Float32Array(length);
  longer.set(values);
  return longer;
}

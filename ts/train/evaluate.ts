/** Predictions for many samples, and how good they are: by the model's own plan for inference. */
import { abortable, abortError } from "../abort.ts";
import { LensletError } from "../errors.ts";
import type { Graph, Node, ValueName } from "../model/graph.ts";
import { show } from "../options.ts";
import { formatShape, type Shape } from "../shape.ts";
import type { NdArray } from "../tensor.ts";
import { Batches, type SampleBatch } from "./data/batches.ts";
import type { Dataset } from "./data/dataset.ts";
import { inOrder } from "./data/order.ts";
import { type Scores, Tally } from "./history.ts";
import type { TrainingHost } from "./host.ts";
import { activationWithin, type Loss } from "./loss.ts";
import { lossValue } from "./loss-value.ts";
import type { Metric, Predictions } from "./metric.ts";
import type { EvaluatePlan } from "./options.ts";
import { checkLabels, checkTargets, fitInputs, type Fit } from "./samples.ts";

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
export async function evaluate(host: TrainingHost, dataset: Dataset, plan: EvaluatePlan): Promise<Scores> {
  const call = "evaluate";
  const { loss, metrics, signal } = plan;
  const { batchSize, fit } = fitted(call, host, dataset, plan);
  checkTargets(call, fit, loss, dataset);
  if (loss.kind === "crossEntropy" && fit.outputShape.length > 1) {
    const text = `${call}: the output ${show(plan.output)} has shape ${formatShape(fit.outputShape)} for a sample; expected [classes] for "crossEntropy". fit({ validation }) measures classes of every pixel`;
    throw new LensletError("model-unsupported", text, { argument: "output" });
  }
  const output = scoreValue(host.graph, plan.output, loss);
  const tally = new Tally();
  for await (const { batch, outputs } of predictions(call, host, dataset, { ...fit, output, batchSize, signal })) {
    checkLabels(call, fit, loss, batch.targets, batch.indices);
    const { size, targets } = batch;
    tally.add(size, scoresOf({ outputs, targets, size, loss }, metrics));
  }
  return tally.scores();
}

/** What the network gives for all samples, one after another. */
export async function predict(
  host: TrainingHost,
  dataset: Dataset,
  plan: Pick<EvaluatePlan, "batchSize" | "output" | "signal">,
): Promise<Prediction> {
  const call = "predict";
  const { batchSize, fit } = fitted(call, host, dataset, plan);
  const width = fit.outputShape.reduce((product, size) => product * size, 1);
  const data = new Float32Array(dataset.size * width);
  let at = 0;
  const { output, signal } = plan;
  for await (const { outputs } of predictions(call, host, dataset, { ...fit, output, batchSize, signal })) {
    data.set(outputs, at);
    at += outputs.length;
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
  dataset: Dataset,
  { output, batchSize }: Pick<EvaluatePlan, "output" | "batchSize">,
): { readonly fit: Fit; readonly batchSize: number } {
  const [info] = graph.inputs.values();
  const fixed = info?.shape?.[0];
  const fit = fitInputs(call, graph, output, dataset.inputShape, typeof fixed === "number" ? fixed : 2);
  return { fit, batchSize: typeof fixed === "number" ? fixed : batchSize };
}

interface Pass extends Fit {
  readonly output: ValueName;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
}

/** Batches in their order, each with what the network gives for it; the next one is made while one is computed. */
async function* predictions(
  call: string,
  host: TrainingHost,
  dataset: Dataset,
  { batchSize, signal, output, inputShape }: Pass,
): AsyncGenerator<{ readonly batch: SampleBatch; readonly outputs: Float32Array }> {
  const batches = new Batches(dataset, { order: inOrder(dataset.size), batchSize, epoch: 0 }, call);
  const [info] = host.graph.inputs.values();
  const isFixed = typeof info?.shape?.[0] === "number";
  const length = inputShape.reduce((product, size) => product * size, 1);
  for (;;) {
    if (signal?.aborted === true) throw abortError(signal, call);
    const next = batches.next();
    const batch = await (signal === undefined ? next : abortable(next, signal, undefined, call));
    if (batch === undefined) return;
    const rows = isFixed ? batchSize : batch.size;
    const data = rows === batch.size ? batch.inputs : padded(batch.inputs, rows * length);
    const computed = host.compute(call, { data, shape: [rows, ...inputShape] }, output, signal);
    batches.prepare();
    const outputs = await computed;
    yield { batch, outputs: rows === batch.size ? outputs : outputs.subarray(0, (outputs.length / rows) * batch.size) };
  }
}

function padded(values: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length);
  longer.set(values);
  return longer;
}

/** The value that a loss looks at: what goes into the softmax or sigmoid that makes the output, if the loss has that within. */
function scoreValue({ nodes }: Graph, output: ValueName, loss: Loss): ValueName {
  const within = activationWithin(loss);
  const makerOf = (value: ValueName): Node | undefined => nodes.find(({ outputs }) => outputs.includes(value));
  let node = makerOf(output);
  while (node?.op === "Identity" && node.inputs[0] !== undefined) node = makerOf(node.inputs[0]);
  const isWithin = within === "softmax" ? node?.op === "Softmax" || node?.op === "LogSoftmax" : node?.op === "Sigmoid";
  return within !== undefined && isWithin ? (node?.inputs[0] ?? output) : output;
}

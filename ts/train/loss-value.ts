/** Losses of predictions that have been computed: what the core's operators give, without their gradient. */
import { classesAlong } from "./head.ts";
import type { BinaryCrossEntropy, Huber, MeanSquaredError } from "./loss.ts";
import type { Predictions } from "./metric.ts";

/** The mean loss: of samples, or their pixels, for cross-entropy, of elements for the others. */
export function lossValue(predictions: Predictions): number {
  const { outputs, targets, loss } = predictions;
  if (loss.kind === "crossEntropy") return meanCrossEntropy(predictions, loss.labelSmoothing);
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) sum += elementLoss(loss, outputs[i] ?? 0, targets[i] ?? 0);
  return sum / outputs.length;
}

function elementLoss(loss: BinaryCrossEntropy | MeanSquaredError | Huber, x: number, t: number): number {
  switch (loss.kind) {
    case "binaryCrossEntropy":
      return Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)));
    case "meanSquaredError":
      return (x - t) ** 2;
    case "huber": {
      const error = Math.abs(x - t);
      return error <= loss.delta ? error ** 2 / 2 : loss.delta * (error - loss.delta / 2);
    }
  }
}

function meanCrossEntropy({ outputs, targets, shape, classAxis }: Predictions, smoothing: number): number {
  const { count, rows, first, stride } = classesAlong(shape, classAxis);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const start = first(row);
    const logit = (label: number): number => outputs[start + label * stride] ?? Number.NaN;
    let max = -Infinity;
    for (let label = 0; label < count; label++) max = Math.max(max, logit(label));
    let exponentials = 0;
    let all = 0;
    for (let label = 0; label < count; label++) {
      exponentials += Math.exp(logit(label) - max);
      all += logit(label) - max;
    }
    const own = logit(targets[row] ?? Number.NaN) - max;
    sum += Math.log(exponentials) - (1 - smoothing) * own;
    // Only then: a logit of another class may be infinite.
    if (smoothing > 0) sum -= (smoothing / count) * all;
  }
  return sum / rows;
}

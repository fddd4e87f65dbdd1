/** Losses of predictions that have been computed: what the core's operators give, without their gradient. */
import type { BinaryCrossEntropy, Huber, MeanSquaredError } from "./loss.ts";
import type { Predictions } from "./metric.ts";

/** The mean loss: of samples for cross-entropy, of elements for the others. */
export function lossValue(predictions: Predictions): number {
  const { outputs, targets, size, loss } = predictions;
  if (loss.kind === "crossEntropy") return meanCrossEntropy(predictions, outputs.length / size, loss.labelSmoothing);
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

function meanCrossEntropy({ outputs, targets, size }: Predictions, classes: number, smoothing: number): number {
  let sum = 0;
  for (let row = 0; row < size; row++) {
    const logits = outputs.subarray(row * classes, (row + 1) * classes);
    const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    let exponentials = 0;
    let all = 0;
    for (const logit of logits) {
      exponentials += Math.exp(logit - max);
      all += logit - max;
    }
    const own = (logits[targets[row] ?? 0] ?? Number.NaN) - max;
    sum += Math.log(exponentials) - (1 - smoothing) * own;
    // Only then: a logit of another class may be infinite.
    if (smoothing > 0) sum -= (smoothing / classes) * all;
  }
  return sum / size;
}

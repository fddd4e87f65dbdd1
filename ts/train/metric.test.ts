import { expect, test } from "vitest";
import { binaryCrossEntropy, crossEntropy, type Loss, meanSquaredError as squared } from "./loss.ts";
import {
  accuracy,
  binaryAccuracy,
  type Metric,
  meanAbsoluteError,
  meanSquaredError,
  parseMetrics,
  topK,
} from "./metric.ts";

function measure(
  metric: Metric,
  outputs: number[],
  targets: number[],
  size: number,
  loss: Loss = crossEntropy(),
): number {
  return metric.measure({
    outputs: Float32Array.from(outputs),
    shape: [size, outputs.length / size],
    classAxis: 1,
    targets: Float32Array.from(targets),
    ...{ size, loss },
  });
}

const rows = [
  [0.1, 0.7, 0.2],
  [5, -1, 4],
  [0, 0, 0],
];

test("accuracy compares the place of the largest, of labels and of one-hot targets", () => {
  expect(measure(accuracy(), rows.flat(), [1, 0, 0], 3)).toBe(1);
  expect(measure(accuracy(), rows.flat(), [1, 2, 1], 3)).toBe(1 / 3);
  expect(measure(accuracy(), rows.flat(), [0, 1, 0, 0, 0, 1, 1, 0, 0], 3)).toBe(2 / 3);
});

test("what is not a number is not right", () => {
  expect(measure(accuracy(), [Number.NaN, 1, Number.NaN, Number.NaN], [1, 0], 2)).toBe(0);
});

test("top k counts the k largest, and a tie in the order of classes", () => {
  expect(measure(topK({ k: 2 }), rows.flat(), [2, 2, 1], 3)).toBe(1);
  expect(measure(topK({ k: 2 }), rows.flat(), [0, 1, 2], 3)).toBe(0);
  expect(measure(topK({ k: 3 }), rows.flat(), [0, 1, 2], 3)).toBe(1);
  expect(topK().name).toBe("top5");
});

test("binary accuracy looks at logits where the loss does, and at probabilities elsewhere", () => {
  const outputs = [0.4, 0.6, -3, 2];
  expect(measure(binaryAccuracy(), outputs, [1, 1, 0, 1], 2, binaryCrossEntropy())).toBe(1);
  expect(measure(binaryAccuracy(), outputs, [1, 1, 0, 1], 2, squared())).toBe(0.75);
  // logit(0.9) = 2.197
  expect(measure(binaryAccuracy({ threshold: 0.9 }), [2.1, 2.3], [1, 1], 2, binaryCrossEntropy())).toBe(0.5);
});

test("errors of numbers", () => {
  expect(measure(meanAbsoluteError(), [1, 2, 3, 4], [1, 0, 3, 8], 2)).toBe(1.5);
  expect(measure(meanSquaredError(), [1, 2, 3, 4], [1, 0, 3, 8], 2)).toBe(5);
});

test("names, and metrics of one's own", () => {
  const own: Metric = { name: "mine", measure: ({ size }) => size };
  expect(parseMetrics("fit", ["accuracy", topK(), own]).map(({ name }) => name)).toEqual(["accuracy", "top5", "mine"]);
  expect(parseMetrics("fit", [])).toEqual([]);
});

test("what is wrong is named", () => {
  expect(() => parseMetrics("fit", "accuracy")).toThrow('fit: metrics is "accuracy"; expected an array of "accuracy"');
  expect(() => parseMetrics("fit", ["f1"])).toThrow('fit: metrics[0] is "f1"');
  expect(() => parseMetrics("fit", [{ name: "loss", measure: () => 0 }])).toThrow("fit: metrics[0] is { name: ");
  expect(() => parseMetrics("fit", ["accuracy", accuracy()])).toThrow(
    'expected no two metrics of one name, "accuracy"',
  );
  expect(() => topK({ k: 0 })).toThrow("topK: k is 0; expected a positive integer");
  expect(() => binaryAccuracy({ threshold: 1 })).toThrow(
    "binaryAccuracy: threshold is 1; expected a number between 0 and 1",
  );
});

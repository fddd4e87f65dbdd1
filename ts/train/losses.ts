/** The namespace `losses`: losses with options of their own. */
export {
  type BinaryCrossEntropy,
  binaryCrossEntropy,
  type CrossEntropy,
  crossEntropy,
  type CrossEntropyOptions,
  type Huber,
  huber,
  type HuberOptions,
  type MeanSquaredError,
  meanSquaredError,
} from "./loss.ts";

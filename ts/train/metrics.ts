/** The namespace `metrics`: metrics with options of their own. */
export {
  accuracy,
  binaryAccuracy,
  type BinaryAccuracyOptions,
  meanAbsoluteError,
  meanSquaredError,
  topK,
  type TopKMetricOptions,
} from "./metric.ts";

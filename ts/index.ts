/**
 * Convolutional networks at native speed, anywhere JavaScript runs.
 *
 * @packageDocumentation
 */
export type { Accuracy, Build, CoreMemory, Runtime } from "./command.ts";
export type { WasmSource } from "./core/load.ts";
export { createEngine, type EngineOptions } from "./create.ts";
export { Engine, type EngineInfo, type EngineMemory } from "./engine.ts";
export { type ErrorCode, LensletError } from "./errors.ts";
export * as filters from "./filters.ts";
export * as image from "./image.ts";
export type { LoadOptions, ModelSource } from "./load.ts";
export type { Constant, NumberType } from "./model/constant.ts";
export type { Dim, Graph, Node, ValueInfo } from "./model/graph.ts";
export {
  activation,
  add,
  avgPool2d,
  type AvgPoolLayerOptions,
  batchNorm,
  type BatchNormLayerOptions,
  concat,
  conv2d,
  type Conv2dLayerOptions,
  dense,
  type DenseLayerOptions,
  dropout,
  type DropoutLayerOptions,
  extend,
  type ExtendOptions,
  type FilterWeights,
  flatten,
  gelu,
  globalAvgPool2d,
  globalMaxPool2d,
  graph,
  type Initialiser,
  type Layer,
  type LayerOptions,
  leakyRelu,
  maxPool2d,
  mul,
  type NetworkOptions,
  type PoolLayerOptions,
  relu,
  resize,
  type ResizeLayerOptions,
  sequential,
  type SequentialOptions,
  sigmoid,
  softmax,
  type SoftmaxLayerOptions,
  tanh,
  type Value,
} from "./model/layers/index.ts";
export type {
  InputShapes,
  Model,
  SaveOptions,
  ProfileOptions,
  ValueDescription,
} from "./model/model.ts";
export type { ModelInputs, ModelOutputs, ModelRunOptions } from "./model/runner.ts";
export type { Prediction } from "./train/evaluate.ts";
export type { EarlyStoppingOptions } from "./train/early-stopping.ts";
export type { EpochReport, History, KernelTime, Scores, StepReport } from "./train/history.ts";
export type { Loss, LossName } from "./train/loss.ts";
export * as losses from "./train/losses.ts";
export type { TrainingMemory } from "./train/memory.ts";
export type { Metric, MetricName, Predictions } from "./train/metric.ts";
export * as metrics from "./train/metrics.ts";
export {
  adam,
  type AdamOptions,
  adamW,
  type Optimizer,
  rmsprop,
  type RmsPropOptions,
  sgd,
  type SgdOptions,
} from "./train/optimiser.ts";
export type {
  EvaluateOptions,
  FitOptions,
  PredictOptions,
  SampleInputs,
  SampleOptions,
  TrainingMemoryOptions,
} from "./train/options.ts";
export type { Freeze } from "./train/parameters.ts";
export type { Schedule, TrainingLength } from "./train/schedule.ts";
export * as schedules from "./train/schedules.ts";
export type { SaveWeightsOptions } from "./train/trainable.ts";
export type { Dataset, MultiInputDataset, MultiInputSamples, Samples } from "./train/data/dataset.ts";
export * as data from "./train/data/index.ts";
export type { Profile } from "./model/profile.ts";
export type { Summary } from "./model/summary.ts";
export type { PoolWithIndices, TopKResult } from "./operators.ts";
export type {
  Activation,
  ActivationName,
  AlphaOptions,
  ClampOptions,
  GeluOptions,
  HardSigmoidOptions,
  SeluOptions,
  SoftmaxOptions,
} from "./ops/activation.ts";
export type { ConcatOptions, FlattenOptions } from "./ops/arrange.ts";
export type { Conv2dOptions, ConvTranspose2dOptions } from "./ops/conv.ts";
export type { TensorOptions } from "./ops/create.ts";
export type { DenseOptions } from "./ops/dense.ts";
export type { ArithmeticOperand } from "./ops/elementwise.ts";
export type { Explainable, Explanation } from "./ops/explain.ts";
export type {
  BatchNormOptions,
  GroupNormOptions,
  InstanceNormOptions,
  LayerNormOptions,
  LocalResponseNormOptions,
} from "./ops/norm.ts";
export type { PadOptions } from "./ops/pad.ts";
export type { AdaptivePoolOptions, AvgPoolOptions, PoolOptions } from "./ops/pool.ts";
export type { ArgOptions, ReduceOptions, TopKAxisOptions } from "./ops/reduce.ts";
export type { ResizeMethod, ResizeOptions } from "./ops/resize.ts";
export type { GatherOptions, SliceOptions } from "./ops/select.ts";
export type { Layout, LayoutOption, Padding, Pair, Sides } from "./options.ts";
export type { WorkerLike } from "./platform/platform.ts";
export { type Preprocess, preprocess, type PreprocessOptions, type Region } from "./preprocess.ts";
export {
  type Box,
  nonMaxSuppression,
  overlap,
  type Ranked,
  type SuppressionOptions,
  topK,
  type TopKOptions,
} from "./scores.ts";
export type { FileSource, Progress } from "./source.ts";
export { type Coverage, coverage, featureMapSize, type Shape, type WindowOptions, type WindowSpec } from "./shape.ts";
export {
  type DataOptions,
  type DType,
  type NdArray,
  type Numbers,
  type Operand,
  Tensor,
  type TensorData,
  type VectorOperand,
} from "./tensor.ts";

/** Layers, and the networks that they make. */
export { activation, gelu, leakyRelu, relu, sigmoid, softmax, type SoftmaxLayerOptions, tanh } from "./activation.ts";
export { conv2d, type Conv2dLayerOptions, type FilterWeights } from "./convolution.ts";
export { dense, type DenseLayerOptions, flatten } from "./dense.ts";
export { extend, type ExtendOptions } from "./extend.ts";
export type { Initialiser } from "./initialiser.ts";
export { add, concat, mul } from "./merge.ts";
export {
  graph,
  type Layer,
  type LayerOptions,
  type NetworkOptions,
  sequential,
  type SequentialOptions,
  type Value,
} from "./network.ts";
export { batchNorm, type BatchNormLayerOptions, dropout, type DropoutLayerOptions } from "./norm.ts";
export {
  avgPool2d,
  type AvgPoolLayerOptions,
  globalAvgPool2d,
  globalMaxPool2d,
  maxPool2d,
  type PoolLayerOptions,
  resize,
  type ResizeLayerOptions,
} from "./pool.ts";

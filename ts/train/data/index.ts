/** The namespace `data`: what networks learn from. */
export {
  arrays,
  type ArraysOptions,
  type NamedArrays,
  type NamedArraysOptions,
  type SampleArray,
  type ScalingOptions,
  type TargetArray,
} from "./arrays.ts";
export { augment, type AugmentOptions } from "./augment.ts";
export type { Dataset, MultiInputDataset, MultiInputSamples, Samples } from "./dataset.ts";
export { folder } from "./folder.ts";
export { idx, type IdxOptions } from "./idx.ts";
export { type LabelledPicture, type PictureOptions, pictures, type PicturesOptions } from "./pictures.ts";
export { type Split, split, type SplitOptions, subset } from "./subset.ts";

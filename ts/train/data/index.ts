/** The namespace `data`: what networks learn from. */
export { arrays, type ArraysOptions, type SampleArray, type ScalingOptions, type TargetArray } from "./arrays.ts";
export { augment, type AugmentOptions } from "./augment.ts";
export type { Dataset, Samples } from "./dataset.ts";
export { folder } from "./folder.ts";
export { idx, type IdxOptions } from "./idx.ts";
export { type LabelledPicture, type PictureOptions, pictures, type PicturesOptions } from "./pictures.ts";
export { split, type SplitOptions, subset } from "./subset.ts";

/** What training reads samples from. */
import type { Shape } from "../../shape.ts";

/** Some samples, one after another. Whoever asked for them owns the arrays, and may transfer them. */
export interface Samples {
  /** `[n, ...inputShape]`, row-major. */
  readonly inputs: Float32Array<ArrayBuffer>;
  /** `[n, ...targetShape]`, row-major. */
  readonly targets: Float32Array<ArrayBuffer>;
}

/**
 * Samples by their number: an array in memory, files on a disk, or whatever else gives the same sample for the same number
 * and epoch. `data.arrays`, `data.idx` and `data.folder` make such, `data.augment` and `data.subset` make them of others;
 * one's own needs no more than is here.
 */
export interface Dataset {
  /** How many samples there are. */
  readonly size: number;
  /** Shape of one input: `[28, 28, 1]`. */
  readonly inputShape: Shape;
  /** Shape of one target: `[]` where it is the number of a class. */
  readonly targetShape: Shape;
  /** Where targets are numbers of classes: what the classes are called, or their numbers as text. */
  readonly classes?: readonly string[] | undefined;
  /**
   * The samples at `indices`, each from 0 to `size` - 1, in that order; a number may come twice.
   *
   * @param epoch - Counts from 0. Augmented samples differ from epoch to epoch; others need not look at it.
   */
  batch(indices: Int32Array, epoch: number): Samples | Promise<Samples>;
}

/** Some samples of a network with several inputs. */
export interface MultiInputSamples {
  /** `[n, ...inputShapes[name]]` by the names of the inputs, row-major. */
  readonly inputs: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
  /** `[n, ...targetShape]`, row-major. */
  readonly targets: Float32Array<ArrayBuffer>;
}

/** A {@link Dataset} for a network with several inputs: each sample has one of each. `data.arrays` makes one of named arrays. */
export interface MultiInputDataset extends Pick<Dataset, "size" | "targetShape" | "classes"> {
  /** Shapes of the inputs of one sample, by the names that the network has for them: `{ left: [28, 28, 1], right: [28, 28, 1] }`. */
  readonly inputShapes: Readonly<Record<string, Shape>>;
  /** As of {@link Dataset}. */
  batch(indices: Int32Array, epoch: number): MultiInputSamples | Promise<MultiInputSamples>;
}

/** Either kind. */
export type AnyDataset = Dataset | MultiInputDataset;

/** Whether `value` is a dataset of either kind: has its sizes and a way to read samples. */
export function isAnyDataset(value: unknown): value is AnyDataset {
  return isDataset(value) || (isReadable(value) && "inputShapes" in value);
}

/** Whether `value` is a dataset of one input. */
export function isDataset(value: unknown): value is Dataset {
  return isReadable(value) && "inputShape" in value;
}

function isReadable(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    "size" in value &&
    "batch" in value &&
    typeof value.batch === "function"
  );
}

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

/** Whether `value` is one: has its sizes and a way to read samples. */
export function isDataset(value: unknown): value is Dataset {
  return (
    typeof value === "object" &&
    value !== null &&
    "size" in value &&
    "inputShape" in value &&
    "batch" in value &&
    typeof value.batch === "function"
  );
}

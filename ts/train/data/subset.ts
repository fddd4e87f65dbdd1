/** Parts of datasets. */
import { checkOptions, invalid, isCount, numeric } from "../../options.ts";
import { type AnyDataset, type Dataset, isAnyDataset, type MultiInputDataset } from "./dataset.ts";
import { shuffledOrder } from "./order.ts";

/** Options of {@link split}. */
export interface SplitOptions {
  /** Draws which samples go where; `false` keeps their order, so that the last ones are held out. Default 0. */
  readonly shuffle?: number | false | undefined;
}

/** What {@link split} makes. */
export interface Split<D> {
  readonly training: D;
  readonly validation: D;
}

/** The samples of a dataset from `start` to before `end` (default: its size), or those at `indices`. */
export function subset(dataset: Dataset, start: number | Int32Array, end?: number): Dataset;
export function subset(dataset: MultiInputDataset, start: number | Int32Array, end?: number): MultiInputDataset;
export function subset(dataset: AnyDataset, start: number | Int32Array, end?: number): AnyDataset;
export function subset(dataset: AnyDataset, start: number | Int32Array, end?: number): AnyDataset {
  const call = "data.subset";
  checkDataset(call, dataset);
  const { size } = dataset;
  if (start instanceof Int32Array) {
    const beyond = start.find((index) => index < 0 || index >= size);
    if (beyond !== undefined) throw invalid(call, "indices", beyond, `numbers from 0 to ${size - 1}`);
    return chosen(dataset, start);
  }
  if (!isCount(start, 0, size)) throw invalid(call, "start", start, `an integer from 0 to ${size}`);
  if (end !== undefined && !isCount(end, start, size))
    throw invalid(call, "end", end, `an integer from ${start} to ${size}`);
  return chosen(
    dataset,
    Int32Array.from({ length: (end ?? size) - start }, (_, i) => start + i),
  );
}

/**
 * A dataset in two: one to train on, and one of `part` of the samples to validate by, drawn by chance. Both may be as
 * small as nothing: 0.1 of 5 samples holds out none.
 */
export function split(dataset: Dataset, part: number, options?: SplitOptions): Split<Dataset>;
export function split(dataset: MultiInputDataset, part: number, options?: SplitOptions): Split<MultiInputDataset>;
export function split(dataset: AnyDataset, part: number, options?: SplitOptions): Split<AnyDataset>;
export function split(dataset: AnyDataset, part: number, options: SplitOptions = {}): Split<AnyDataset> {
  const call = "data.split";
  checkDataset(call, dataset);
  checkOptions(call, options, ["shuffle"]);
  const { shuffle = 0 } = options;
  if (!(numeric(call, "part", part) > 0 && part < 1)) throw invalid(call, "part", part, "a number between 0 and 1");
  if (shuffle !== false) numeric(call, "shuffle", shuffle, "a number, the seed, or false", true);
  const kept = dataset.size - Math.floor(dataset.size * part);
  if (shuffle === false) return { training: subset(dataset, 0, kept), validation: subset(dataset, kept) };
  const order = shuffledOrder(dataset.size, shuffle, 0);
  // In the order of the dataset: neighbours on a disk are read together.
  return {
    training: chosen(dataset, order.slice(0, kept).sort()),
    validation: chosen(dataset, order.slice(kept).sort()),
  };
}

function chosen(dataset: AnyDataset, indices: Int32Array): AnyDataset {
  const size = indices.length;
  const numbers = (wanted: Int32Array): Int32Array => wanted.map((i) => indices[i] ?? 0);
  if ("inputShape" in dataset) {
    const { inputShape, targetShape, classes } = dataset;
    return { size, inputShape, targetShape, classes, batch: (of, epoch) => dataset.batch(numbers(of), epoch) };
  }
  const { inputShapes, targetShape, classes } = dataset;
  return { size, inputShapes, targetShape, classes, batch: (of, epoch) => dataset.batch(numbers(of), epoch) };
}

/** Throws unless `dataset` is one. */
export function checkDataset(call: string, dataset: unknown): asserts dataset is AnyDataset {
  if (!isAnyDataset(dataset))
    throw invalid(call, "dataset", dataset, "a dataset, as data.arrays and data.idx make them");
}

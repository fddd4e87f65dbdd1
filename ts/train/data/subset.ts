/** Parts of datasets. */
import { checkOptions, invalid, isCount, numeric } from "../../options.ts";
import { type Dataset, isDataset, type Samples } from "./dataset.ts";
import { shuffledOrder } from "./order.ts";

/** Options of {@link split}. */
export interface SplitOptions {
  /** Draws which samples go where; `false` keeps their order, so that the last ones are held out. Default 0. */
  readonly shuffle?: number | false | undefined;
}

/** The samples of a dataset from `start` to before `end` (default: its size), or those at `indices`. */
export function subset(dataset: Dataset, start: number | Int32Array, end?: number): Dataset {
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
export function split(
  dataset: Dataset,
  part: number,
  options: SplitOptions = {},
): { readonly training: Dataset; readonly validation: Dataset } {
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

function chosen(dataset: Dataset, indices: Int32Array): Dataset {
  return {
    size: indices.length,
    inputShape: dataset.inputShape,
    targetShape: dataset.targetShape,
    classes: dataset.classes,
    batch: (wanted, epoch): Samples | Promise<Samples> =>
      dataset.batch(
        wanted.map((i) => indices[i] ?? 0),
        epoch,
      ),
  };
}

/** Throws unless `dataset` is one. */
export function checkDataset(call: string, dataset: unknown): asserts dataset is Dataset {
  if (!isDataset(dataset)) throw invalid(call, "dataset", dataset, "a dataset, as data.arrays and data.idx make them");
}

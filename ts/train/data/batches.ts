/** One pass over a dataset, batch by batch, each made while the one before it is trained on. */
import { LensletError } from "../../errors.ts";
import { show } from "../../options.ts";
import { elementCount, formatShape } from "../../shape.ts";
import type { AnyDataset, MultiInputSamples, Samples } from "./dataset.ts";

/** Samples that are trained on together. */
export interface SampleBatch {
  /** As the dataset gives them: of its only input, or by name. */
  readonly inputs: Samples["inputs"] | MultiInputSamples["inputs"];
  readonly targets: Samples["targets"];
  /** How many. */
  readonly size: number;
  /** Their numbers in the dataset. */
  readonly indices: Int32Array;
}

/** Options of {@link Batches}. */
export interface BatchesOptions {
  /** Numbers of samples in the order of this pass: `shuffledOrder` or `inOrder` of the dataset's size. */
  readonly order: Int32Array;
  /** Samples of a batch; the last one has what is left. */
  readonly batchSize: number;
  /** Counts from 0; what augmentation depends on. */
  readonly epoch: number;
  /** How many batches were seen before, where a pass is resumed. Default 0. */
  readonly start?: number | undefined;
}

/**
 * Gives batches one after another. Its reader calls {@link prepare} once a step is on its way: while the worker computes,
 * this thread makes the next batch, or the disk reads it.
 *
 * @example
 * const batches = new Batches(dataset, { order, batchSize: 64, epoch });
 * for (let batch = await batches.next(); batch !== undefined; batch = await batches.next()) {
 *   const step = trainer.step(batch);
 *   batches.prepare();
 *   await step;
 * }
 */
export class Batches {
  /** Batches of a whole pass, those before `start` included. */
  readonly count: number;
  readonly #dataset: AnyDataset;
  readonly #options: BatchesOptions;
  readonly #call: string;
  #position: number;
  #prepared: Promise<SampleBatch> | undefined;

  constructor(dataset: AnyDataset, options: BatchesOptions, call = "fit") {
    const { order, batchSize, start = 0 } = options;
    this.count = Math.ceil(order.length / batchSize);
    this.#dataset = dataset;
    this.#options = options;
    this.#call = call;
    this.#position = start;
  }

  /** How many batches were given, those before `start` included. */
  get position(): number {
    return this.#position;
  }

  /** The next batch, or undefined at the end. Rejects with what the dataset threw; the batch can then be asked for again. */
  async next(): Promise<SampleBatch | undefined> {
    if (this.#position >= this.count) return undefined;
    const batch = this.#prepared ?? this.#make(this.#position);
    this.#prepared = undefined;
    const made = await batch;
    this.#position++;
    return made;
  }

  /** Begins to make what {@link next} will give. What goes wrong is told there. */
  prepare(): void {
    if (this.#prepared !== undefined || this.#position >= this.count) return;
    this.#prepared = this.#make(this.#position);
    this.#prepared.catch(() => undefined);
  }

  async #make(position: number): Promise<SampleBatch> {
    const { order, batchSize, epoch } = this.#options;
    const indices = order.slice(position * batchSize, (position + 1) * batchSize);
    const dataset = this.#dataset;
    const { inputs, targets } = await dataset.batch(indices, epoch);
    const size = indices.length;
    if ("inputShape" in dataset) this.#check("inputs", inputs, size, dataset.inputShape);
    else {
      const named: Readonly<Record<string, unknown>> = typeof inputs === "object" ? { ...inputs } : {};
      for (const [name, shape] of Object.entries(dataset.inputShapes))
        this.#check(`inputs.${name}`, named[name], size, shape);
    }
    this.#check("targets", targets, size, dataset.targetShape);
    return { inputs, targets, size, indices };
  }

  /** Datasets may be a caller's own. */
  #check(name: string, values: unknown, size: number, shape: readonly number[]): void {
    const length = size * elementCount(shape);
    if (values instanceof Float32Array && values.length === length) return;
    const text = `${this.#call}: the dataset's batch(indices) gave as ${name} ${show(values)}; expected a Float32Array of ${length} elements, ${size} samples of shape ${formatShape(shape)}`;
    throw new LensletError("shape-mismatch", text, { argument: name });
  }
}

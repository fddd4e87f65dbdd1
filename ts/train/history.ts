/** What training tells: of every step, of every epoch, and in the end. */

/** How good a model was over some samples. */
export interface Scores {
  /** The mean of the loss. */
  readonly loss: number;
  /** Means of the metrics, by their names. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What one kernel took. */
export interface KernelTime {
  /** The node that it works for; of what belongs to none `"loss"`, `"gradient norm"`, or the weights that the optimiser changes. */
  readonly name: string;
  /** The core's operator: `"conv2d"` on the way forward, `"conv2dGrad"` for the gradients of input, filter and bias together. */
  readonly kernel: string;
  readonly milliseconds: number;
}

/** One step: a batch, and what the optimiser made of it. */
export interface StepReport extends Scores {
  /** Steps done, this one included, over all epochs: the first is 1. */
  readonly step: number;
  /** The epoch that it belongs to: the first is 1. */
  readonly epoch: number;
  /** Its number in its epoch: the first is 1. */
  readonly batch: number;
  /** Batches of an epoch. */
  readonly batches: number;
  /** Samples in the batch. */
  readonly size: number;
  /** What the step was multiplied with: the optimiser's rate times the schedule's factor. */
  readonly learningRate: number;
  /** The root of the sum of all squared gradients, before any clipping. */
  readonly gradientNorm: number;
  /** Means over the epoch so far: calmer than those of one batch. */
  readonly running: Scores;
  /** With `profile`: its kernels, in the order in which they ran. */
  readonly kernels?: readonly KernelTime[] | undefined;
  /** On the last step of an epoch: what there is to say of the epoch. */
  readonly epochEnd?: EpochReport | undefined;
}

/** One epoch. */
export interface EpochReport extends Scores {
  /** The first is 1. */
  readonly epoch: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** On the samples that were held out, after the epoch; `loss` and `metrics` themselves were taken while the weights changed. */
  readonly validation?: Scores | undefined;
  /** How long the epoch took, validation included; of an epoch that was resumed, its last part. */
  readonly milliseconds: number;
}

/** What `fit` resolves with. */
export interface History {
  /** Every epoch; of a training that was resumed also those before. */
  readonly epochs: readonly EpochReport[];
  /** Steps done in all. */
  readonly steps: number;
  /** Whether early stopping ended it. */
  readonly stoppedEarly: boolean;
  /** With early stopping: the epoch that was best, the first being 1. Its weights are the model's, unless `restoreBest` is false. */
  readonly best?: number | undefined;
}

/** Sums of scores over the batches of an epoch. */
export class Tally {
  /** Samples so far. */
  size = 0;
  #loss = 0;
  readonly #metrics = new Map<string, number>();

  /** Goes on from where another stood. */
  constructor(from?: TallyValue) {
    if (from === undefined) return;
    this.size = from.size;
    this.#loss = from.loss;
    for (const [name, sum] of Object.entries(from.metrics)) this.#metrics.set(name, sum);
  }

  /** Counts a batch of `size` samples. */
  add(size: number, { loss, metrics }: Scores): void {
    this.size += size;
    this.#loss += loss * size;
    for (const [name, value] of Object.entries(metrics))
      this.#metrics.set(name, (this.#metrics.get(name) ?? 0) + value * size);
  }

  /** Means over all samples. */
  scores(): Scores {
    const means = [...this.#metrics].map(([name, sum]): [string, number] => [name, sum / this.size]);
    return { loss: this.#loss / this.size, metrics: Object.fromEntries(means) };
  }

  /** The sums, as plain data. */
  value(): TallyValue {
    return { size: this.size, loss: this.#loss, metrics: Object.fromEntries(this.#metrics) };
  }
}

/** The sums of a {@link Tally}. */
export interface TallyValue {
  readonly size: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

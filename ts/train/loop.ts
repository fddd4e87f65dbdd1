/** The loop of training: steps, epochs, validation. Where it stands is known after every step. */
import { abortable, abortError } from "../abort.ts";
import type { LensletError } from "../errors.ts";
import { Batches, type SampleBatch } from "./data/batches.ts";
import type { AnyDataset } from "./data/dataset.ts";
import { inOrder, shuffledOrder } from "./data/order.ts";
import { divergence } from "./divergence.ts";
import { judge } from "./early-stopping.ts";
import { scoresOf } from "./evaluate.ts";
import { type EpochReport, type History, type Scores, type StepReport, Tally } from "./history.ts";
import type { TrainingHost } from "./host.ts";
import type { FitPlan } from "./options.ts";
import type { Terminal } from "../platform/platform.ts";
import { ProgressBar } from "./progress.ts";
import { checkLabels, type Fit, inputsByName } from "./samples.ts";
import { factorAt, type TrainingLength } from "./schedule.ts";
import type { Checkpoint, Position, Setup } from "./state.ts";
import type { Batch, StepResult, Trainer, TrainingState } from "./trainer.ts";
import { Turns } from "./turns.ts";

/** A training that is to be run. */
export interface Training {
  /** `"fit"` or `"train"`, for messages. */
  readonly call: string;
  readonly host: TrainingHost;
  readonly plan: FitPlan;
  readonly setup: Setup;
  readonly trainer: Trainer;
  readonly fit: Fit;
  readonly dataset: AnyDataset;
  readonly validation: AnyDataset | undefined;
  /** Where its progress is drawn, if that is wanted. */
  readonly terminal: Terminal | undefined;
  /** Where to go on. */
  readonly from: Checkpoint | undefined;
}

const START: Position = { epoch: 0, batch: 0, tally: new Tally().value(), epochs: [] };

/** One training, from its first step to its end. */
export class Loop {
  readonly #training: Training;
  readonly #length: TrainingLength;
  /** Steps and copies of the state never overlap. */
  readonly #turns = new Turns();
  readonly #bar: ProgressBar | undefined;
  #position: Position;
  #tally: Tally;
  /** The state after the best epoch, if it is to be restored. */
  #best: TrainingState | undefined;
  /** Gradients of the last step. */
  #norms: Float32Array | undefined;

  /** Throws `shape-mismatch` if it is to go on from where another network's training stood. */
  constructor(training: Training) {
    const { from, plan, setup, terminal, trainer } = training;
    const stepsPerEpoch = Math.ceil(setup.samples / setup.batchSize);
    this.#training = training;
    this.#length = { steps: plan.epochs * stepsPerEpoch, epochs: plan.epochs, stepsPerEpoch };
    this.#position = from?.position ?? START;
    this.#tally = new Tally(this.#position.tally);
    this.#bar = terminal === undefined ? undefined : new ProgressBar(terminal, plan.epochs);
    if (from === undefined) return;
    trainer.write(from.state);
    if (plan.earlyStopping?.restoreBest === true) this.#best = from.best ?? (this.#isBest() ? from.state : undefined);
  }

  /** Where it stands, between two steps. */
  checkpoint(): Promise<Checkpoint> {
    const { setup, trainer } = this.#training;
    return this.#turns.take(async () => {
      const position = { ...this.#position, tally: this.#tally.value() };
      const state = await trainer.read();
      return { setup, position, state, best: this.#isBest() ? undefined : this.#best };
    });
  }

  /** Frees what it holds in the engine, behind what is under way. */
  dispose(): Promise<void> {
    return this.#turns.take(async () => this.#training.trainer.dispose());
  }

  /** Runs it, a step whenever it is asked to go on. Whatever ends it, it ends behind a whole step. */
  async *run(): AsyncGenerator<StepReport, History> {
    const { plan, trainer } = this.#training;
    try {
      while (!this.#isOver()) yield* this.#epoch();
      const { epochs } = this.#position;
      const { best, stop } = this.#verdict();
      const history = { epochs, steps: trainer.steps, stoppedEarly: stop && epochs.length < plan.epochs };
      if (best === 0) return history;
      if (this.#best !== undefined && !this.#isBest()) {
        trainer.write(this.#best);
        this.#position = { ...START, epoch: best, epochs: epochs.slice(0, best) };
      }
      return { ...history, best };
    } finally {
      this.#bar?.end();
    }
  }

  #isOver(): boolean {
    return this.#position.epoch >= this.#training.plan.epochs || this.#verdict().stop;
  }

  #verdict(): ReturnType<typeof judge> {
    const { earlyStopping } = this.#training.plan;
    return earlyStopping === undefined ? { best: 0, stop: false } : judge(earlyStopping, this.#position.epochs);
  }

  /** Whether the weights are those of the best epoch. */
  #isBest(): boolean {
    const { epoch, batch } = this.#position;
    return batch === 0 && epoch > 0 && this.#verdict().best === epoch;
  }

  async *#epoch(): AsyncGenerator<StepReport> {
    const { call, dataset, plan, setup } = this.#training;
    const { onBatch, onEpoch } = plan;
    const { epoch, batch: start } = this.#position;
    const { batchSize, samples, shuffle } = setup;
    const order = shuffle === false ? inOrder(samples) : shuffledOrder(samples, shuffle, epoch);
    const batches = new Batches(dataset, { order, batchSize, epoch, start }, call);
    const begun = performance.now();
    for (let left = batches.count - start; left > 0; left--) {
      const batch = await this.#unlessAborted(batches.next());
      if (batch === undefined) break;
      const step = await this.#step(batch, batches);
      const report: StepReport = left === 1 ? { ...step, epochEnd: await this.#endEpoch(begun) } : step;
      if (left > 1) this.#bar?.step(report);
      await this.#unlessAborted(onBatch?.(report));
      if (report.epochEnd !== undefined) await this.#unlessAborted(onEpoch?.(report.epochEnd));
      yield report;
    }
    // The training went on behind an epoch's last step.
    if (this.#position.epoch > epoch) return;
    const report = await this.#endEpoch(begun);
    await this.#unlessAborted(onEpoch?.(report));
  }

  #learningRate(step: number): number {
    const { call, plan } = this.#training;
    return plan.optimizer.learningRate * factorAt(call, plan.schedule, step, this.#length);
  }

  async #step(batch: SampleBatch, batches: Batches): Promise<StepReport> {
    const { call, fit, host, plan, trainer } = this.#training;
    const { loss } = plan;
    checkLabels(call, fit, loss, batch.targets, batch.indices);
    const learningRate = this.#learningRate(trainer.steps);
    return this.#turns.take(async () => {
      host.checkOpen(call);
      const running = trainer.step(this.#batch(batch), learningRate, plan.profile);
      batches.prepare();
      const result = await running;
      const [gradientNorm = Number.NaN] = result.norms;
      if (!Number.isFinite(result.loss) || !Number.isFinite(gradientNorm))
        throw this.#divergence(batch, learningRate, result);
      this.#norms = result.norms;
      const { size } = batch;
      const scores = this.#scores(batch, result);
      this.#tally.add(size, scores);
      const { epoch, batch: before } = this.#position;
      this.#position = { ...this.#position, batch: before + 1 };
      return {
        step: trainer.steps,
        epoch: epoch + 1,
        batch: before + 1,
        batches: batches.count,
        size,
        ...scores,
        learningRate,
        gradientNorm,
        running: this.#tally.scores(),
        ...(result.kernels === undefined ? {} : { kernels: result.kernels }),
      };
    });
  }

  #batch({ inputs, targets, size }: SampleBatch): Batch {
    return { inputs: inputsByName(this.#training.fit, inputs), targets, size };
  }

  #scores({ targets, size }: SampleBatch, { outputs, loss: value }: Pick<StepResult, "outputs" | "loss">): Scores {
    const { fit, plan } = this.#training;
    const { loss, metrics } = plan;
    const { classAxis } = fit.head;
    return scoresOf({ outputs, shape: [size, ...fit.outputShape], classAxis, targets, size, loss }, metrics, value);
  }

  #divergence(batch: SampleBatch, learningRate: number, { loss, norms }: StepResult): LensletError {
    const { call, host, plan, trainer } = this.#training;
    const { epoch, batch: before } = this.#position;
    const { parameters, steps } = trainer;
    const place = { step: steps + 1, epoch: epoch + 1, batch: before + 1 };
    const { inputs, targets } = this.#batch(batch);
    const { clipNorm } = plan;
    const gradients = { parameters, norms, before: this.#norms };
    return divergence({
      ...{ call, graph: host.graph, ...place, loss, ...gradients, learningRate, clipNorm, inputs, targets },
    });
  }

  /** Validates, gives the model its weights, and begins the next epoch. */
  async #endEpoch(begun: number): Promise<EpochReport> {
    const { host, plan, trainer } = this.#training;
    const validation = await this.#validate();
    const state = await this.#turns.take(() => trainer.read());
    const { epoch, epochs } = this.#position;
    const report = {
      epoch: epoch + 1,
      ...this.#tally.scores(),
      learningRate: this.#learningRate(trainer.steps - 1),
      ...(validation === undefined ? {} : { validation }),
      milliseconds: performance.now() - begun,
    };
    this.#position = { ...START, epoch: epoch + 1, epochs: [...epochs, report] };
    this.#tally = new Tally();
    if (plan.earlyStopping?.restoreBest === true && this.#isBest()) this.#best = state;
    host.setWeights(new Map([...state.parameters, ...state.statistics]));
    this.#bar?.epoch(report, this.#length.stepsPerEpoch);
    return report;
  }

  async #validate(): Promise<Scores | undefined> {
    const { call, fit, plan, setup, trainer, validation } = this.#training;
    if (validation === undefined) return undefined;
    const tally = new Tally();
    const order = inOrder(validation.size);
    const batches = new Batches(validation, { order, batchSize: setup.batchSize, epoch: 0 }, call);
    for (;;) {
      const batch = await this.#unlessAborted(batches.next());
      if (batch === undefined) return tally.scores();
      checkLabels(call, fit, plan.loss, batch.targets, batch.indices);
      const result = await this.#turns.take(() => {
        const running = trainer.evaluate(this.#batch(batch));
        batches.prepare();
        return running;
      });
      tally.add(batch.size, this.#scores(batch, result));
    }
  }

  /** What a promise resolves with; rejects with `aborted` as soon as the caller's signal says so. */
  async #unlessAborted<T>(value: T | PromiseLike<T>): Promise<T> {
    const { call, plan } = this.#training;
    const { signal } = plan;
    if (signal === undefined) return value;
    const result = await abortable(Promise.resolve(value), signal, undefined, call);
    if (signal.aborted) throw abortError(signal, call);
    return result;
  }
}

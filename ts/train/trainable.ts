/** The training of one model: what `model.fit` and its companions do. */
import { LensletError } from "../errors.ts";
import type { Constant } from "../model/constant.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import { openBatch } from "../model/open-batch.ts";
import { checkOptions, flag, invalid, show } from "../options.ts";
import { parseShape, type Shape } from "../shape.ts";
import type { AnyDataset } from "./data/dataset.ts";
import { split } from "./data/subset.ts";
import { evaluate, type Prediction, predict } from "./evaluate.ts";
import type { History, Scores, StepReport } from "./history.ts";
import type { TrainingHost } from "./host.ts";
import { Loop } from "./loop.ts";
import type { TrainingMemory } from "./memory.ts";
import type { Terminal } from "../platform/platform.ts";
import {
  type EvaluateOptions,
  type FitOptions,
  type FitPlan,
  type PredictOptions,
  parseBytes,
  parseEvaluateOptions,
  parseFitOptions,
  parsePredictOptions,
  type TrainingMemoryOptions,
} from "./options.ts";
import { checkTargets, fitInputs, inputsOf, samplesOf, validationOf } from "./samples.ts";
import { type Checkpoint, readCheckpoint, type Setup, withWeights, writeWeights } from "./state.ts";
import { Trainer, type TrainerOptions } from "./trainer.ts";

/** Options of `model.saveWeights`. */
export interface SaveWeightsOptions {
  /** Whether the file also says where the training stands, so that `fit({ resume })` can go on from there. Default false. */
  readonly optimizer?: boolean | undefined;
}

/** What a model hands its training over to. One training of a model runs at a time. */
export class Trainable {
  readonly #host: TrainingHost;
  readonly #terminal: Terminal | undefined;
  /** The call that trains, and what it has come to. */
  #running: { readonly call: string; loop: Loop | undefined } | undefined;
  /** Where the last training stood when it ended. */
  #last: Checkpoint | undefined;

  /** `terminal` is where progress is drawn, if there is such a place. */
  constructor(host: TrainingHost, terminal: Terminal | undefined) {
    this.#host = host;
    this.#terminal = terminal;
  }

  /** Trains until the end. */
  async fit(options: FitOptions): Promise<History> {
    const steps = this.#train("fit", options);
    for (;;) {
      const { done, value } = await steps.next();
      if (done === true) return value;
    }
  }

  /** Trains a step whenever it is asked to go on. */
  train(options: FitOptions): AsyncGenerator<StepReport, History, undefined> {
    return this.#train("train", options);
  }

  /** Loss and metrics over samples. */
  async evaluate(options: EvaluateOptions): Promise<Scores> {
    const plan = parseEvaluateOptions("evaluate", options, this.#host.graph);
    return evaluate(this.#host, await samplesOf("evaluate", options), plan);
  }

  /** What the network gives for samples. */
  async predict(x: Parameters<typeof inputsOf>[1], options: PredictOptions): Promise<Prediction> {
    const plan = parsePredictOptions("predict", options, this.#host.graph);
    return predict(this.#host, await inputsOf("predict", x), plan);
  }

  /** Bytes that training would take. */
  memory(options: TrainingMemoryOptions): TrainingMemory {
    const call = "trainingMemory";
    const host = this.#host;
    host.checkOpen(call);
    const { inputShape, ...rest } = options;
    const plan = parseFitOptions(call, rest, host.graph);
    const samples = givenShapes(call, host.graph, inputShape);
    const trainer = Trainer.create(host.engine, host.graph, { ...trainerOptions(plan, rest.freeze), samples });
    try {
      return trainer.memory(plan.batchSize);
    } finally {
      trainer.dispose();
    }
  }

  /** A file of the weights, as they are after the last whole step. */
  async saveWeights(options: SaveWeightsOptions): Promise<Uint8Array<ArrayBuffer>> {
    const call = "saveWeights";
    checkOptions(call, options, ["optimizer"]);
    const wanted = flag(call, "optimizer", options.optimizer ?? false);
    const loop = this.#running?.loop;
    const checkpoint = loop === undefined ? this.#last : await loop.checkpoint();
    if (wanted && checkpoint === undefined) {
      const text = `${call}: optimizer is true, but the model was not trained since it got its weights; train it before, or leave optimizer out`;
      throw new LensletError("invalid-argument", text, { argument: "optimizer" });
    }
    const { graph } = this.#host;
    if (loop === undefined || checkpoint === undefined) return writeWeights(graph, wanted ? checkpoint : undefined);
    const { parameters, statistics } = checkpoint.state;
    const constants = new Map<ValueName, Constant>([...graph.constants, ...parameters, ...statistics]);
    return writeWeights({ ...graph, constants }, wanted ? checkpoint : undefined);
  }

  /** Gives the model the weights of a file. */
  loadWeights(weights: Uint8Array | ArrayBuffer): void {
    const call = "loadWeights";
    this.#checkIdle(call);
    const { constants } = withWeights(call, this.#host.graph, parseBytes(call, "weights", weights));
    this.#host.setWeights(constants);
    this.#last = undefined;
  }

  #checkIdle(call: string): void {
    if (this.#running === undefined) return;
    const text = `${call}: the model is being trained by ${this.#running.call}(); wait until that settles, or end it by its signal${this.#running.call === "train" ? " or by return() of its iterator" : ""}`;
    throw new LensletError("training-busy", text);
  }

  async *#train(call: "fit" | "train", options: FitOptions): AsyncGenerator<StepReport, History, undefined> {
    const host = this.#host;
    host.checkOpen(call);
    this.#checkIdle(call);
    const running: { call: string; loop: Loop | undefined } = { call, loop: undefined };
    this.#running = running;
    let failed = true;
    try {
      const loop = await this.#prepare(call, options);
      running.loop = loop;
      const history = yield* loop.run();
      failed = false;
      return history;
    } finally {
      try {
        await this.#settle(running.loop, failed);
      } finally {
        this.#running = undefined;
        await running.loop?.dispose();
      }
    }
  }

  /** Gives the model the weights of the last whole step. If they cannot be read, what made the training fail says why. */
  async #settle(loop: Loop | undefined, failed: boolean): Promise<void> {
    if (loop === undefined) return;
    const checkpoint = await loop.checkpoint().catch((error: unknown) => {
      if (failed) return undefined;
      throw error;
    });
    if (checkpoint === undefined) return;
    const { parameters, statistics } = checkpoint.state;
    this.#host.setWeights(new Map([...parameters, ...statistics]));
    this.#last = checkpoint;
  }

  async #prepare(call: string, options: FitOptions): Promise<Loop> {
    const host = this.#host;
    if (!host.engine.info.training) {
      const text = `${call}: the model's engine has a core without gradients; load it into one of createEngine({ training: true })`;
      throw new LensletError("training-unavailable", text);
    }
    const plan = parseFitOptions(call, options, host.graph);
    const from = plan.resume === undefined ? undefined : readCheckpoint(call, plan.resume);
    const { dataset, validation } = await heldOut(call, options, plan);
    const graph = openBatch(host.graph);
    const fit = fitInputs(call, graph, plan, dataset);
    checkTargets(call, fit, plan.loss, dataset);
    if (validation !== undefined) {
      checkTargets(call, fitInputs(call, graph, plan, validation), plan.loss, validation);
    }
    const { seed, shuffle, batchSize, optimizer } = plan;
    const setup: Setup = { seed, shuffle, batchSize, samples: dataset.size, optimizer };
    if (from !== undefined) checkResumed(call, setup, from.setup);
    const samples = fit.inputs;
    const terminal = plan.progress ? this.#terminal : undefined;
    const trainer = Trainer.create(host.engine, host.graph, { ...trainerOptions(plan, options.freeze), samples });
    try {
      return new Loop({ call, host, plan, setup, trainer, fit, dataset, validation, terminal, from });
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }
}

function trainerOptions(plan: FitPlan, freeze: FitOptions["freeze"]): TrainerOptions {
  const { loss, optimizer, clipNorm, recompute, seed, output } = plan;
  return { loss, optimizer, clipNorm, freeze, recompute, seed, output };
}

/** Shapes of samples: those that are given, and what the network says of others, with 1 for each size that it leaves open. */
function givenShapes(
  call: string,
  { inputs }: Graph,
  given: TrainingMemoryOptions["inputShape"],
): ReadonlyMap<ValueName, Shape> {
  const names = [...inputs.keys()];
  const [first] = names;
  const named = Array.isArray(given) && names.length === 1 && first !== undefined ? { [first]: given } : (given ?? {});
  checkOptions(call, named, names, "inputShape");
  const byName = new Map<string, unknown>(Object.entries(named));
  return new Map(
    Array.from(inputs, ([name, { shape }]) => {
      const sample = byName.get(name) ?? shape?.slice(1).map((size) => (typeof size === "number" ? size : 1));
      if (sample !== undefined) return [name, parseShape(call, "inputShape", sample)];
      throw invalid(call, "inputShape", given, `the shape of a sample of ${show(name)}, which the network leaves open`);
    }),
  );
}

/** The samples to train on, and those that are held out to validate by. */
async function heldOut(
  call: string,
  options: FitOptions,
  { seed }: FitPlan,
): Promise<{ readonly dataset: AnyDataset; readonly validation: AnyDataset | undefined }> {
  const dataset = await samplesOf(call, options);
  const { validation } = options;
  if (validation === undefined) return { dataset, validation };
  if (typeof validation !== "number") return { dataset, validation: await validationOf(call, validation) };
  if (validation > 0 && validation < 1) {
    const parts = split(dataset, validation, { shuffle: seed });
    if (parts.validation.size > 0) return { dataset: parts.training, validation: parts.validation };
  }
  const expected = `samples, or a share between 0 and 1 that makes one of ${dataset.size} samples at least`;
  throw invalid(call, "validation", validation, expected);
}

/** Throws unless a training that goes on is the one that was begun: other batches would not be those that it would have had. */
function checkResumed(call: string, now: Setup, then: Setup): void {
  const same = ["seed", "shuffle", "batchSize", "samples"] as const;
  const differs = same.find((name) => now[name] !== then[name]);
  if (differs !== undefined) {
    const what = differs === "samples" ? "the number of samples" : differs;
    const text = `${call}: ${what} is ${show(now[differs])}, but was ${show(then[differs])} in the training that resume goes on with; expected the same`;
    throw new LensletError("invalid-argument", text, { argument: differs === "samples" ? "x" : differs });
  }
  if (now.optimizer.kind === then.optimizer.kind) return;
  const text = `${call}: optimizer is ${now.optimizer.kind}(...), but was ${then.optimizer.kind}(...) in the training that resume goes on with; expected the same`;
  throw new LensletError("invalid-argument", text, { argument: "optimizer" });
}

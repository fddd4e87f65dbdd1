import { adamW, data, type Dataset, type Engine, type Graph, type Model, schedules } from "lenslet";
import type { Point } from "../../training/chart.ts";
import { convolutional, FIRST_FILTERS, FIRST_UNITS, fullyConnected } from "../../training/networks.ts";
import type { FilterBank } from "../../training/sheets.ts";
import type { Samples } from "./samples.ts";

/** Which of the two networks. */
export type Kind = "cnn" | "flat";

/** What of a network can be looked at: weights as small pictures, as they began and as they are. */
export interface Glimpse {
  readonly before: FilterBank;
  readonly now: FilterBank;
}

const EPOCHS = 8;
const BATCH = 64;
/** Steps whose losses make one point of the curve. */
const STRETCH = 8;
/** Pictures that are looked at together when a network is tested. */
const TESTED = 250;

/** One network: its model, what it has learnt so far, and how well it does. */
export class Learner {
  readonly kind: Kind;
  readonly model: Model;
  readonly #first: Graph;
  readonly #samples: Samples;
  /** The loss, step by step, and the accuracy on the test, epoch by epoch. */
  readonly losses: Point[] = [];
  readonly accuracies: Point[] = [];

  private constructor(kind: Kind, model: Model, samples: Samples) {
    this.kind = kind;
    this.model = model;
    this.#first = model.graph;
    this.#samples = samples;
  }

  /** A network that has learnt nothing; the flat one has as many parameters as the CNN. */
  static async create(engine: Engine, kind: Kind, samples: Samples): Promise<Learner> {
    const { inputShape, classes = [] } = samples.training;
    const cnn = await engine.load(convolutional(inputShape, classes.length, 0));
    if (kind === "cnn") return new Learner(kind, cnn, samples);
    const { parameters } = cnn.summary();
    cnn.dispose();
    return new Learner(kind, await engine.load(fullyConnected(inputShape, classes.length, parameters, 0)), samples);
  }

  /** Trains it; rejects with `aborted` when the signal says so, and keeps what was learnt until then. */
  async learn(
    learningRate: number,
    signal: AbortSignal,
    told: (progress: { readonly part: number; readonly milliseconds: number }) => void,
  ): Promise<void> {
    const { training } = this.#samples;
    const steps = EPOCHS * Math.ceil(training.size / BATCH);
    let sum = 0;
    let begun = performance.now();
    await this.model.fit({
      dataset: training,
      ...{ epochs: EPOCHS, batchSize: BATCH, signal, loss: "crossEntropy", metrics: ["accuracy"] },
      optimizer: adamW({ learningRate, weightDecay: 0.1 }),
      schedule: schedules.warmUp({ epochs: 0.5 }, schedules.cosine()),
      onBatch: ({ step, loss }) => {
        sum += loss;
        if (step % STRETCH !== 0) return;
        const now = performance.now();
        this.losses.push({ x: step, y: sum / STRETCH });
        told({ part: step / steps, milliseconds: (now - begun) / STRETCH });
        [sum, begun] = [0, now];
      },
      onEpoch: async ({ epoch }) => {
        this.accuracies.push({ x: epoch, y: await this.accuracy(0) });
        begun = performance.now();
      },
    });
  }

  /** The share of the test's pictures, moved by up to so many pixels, that it names rightly. */
  async accuracy(pixels: number): Promise<number> {
    const dataset = moved(this.#samples.test, pixels);
    const { metrics } = await this.model.evaluate({
      ...{ dataset, loss: "crossEntropy", metrics: ["accuracy"], batchSize: TESTED },
    });
    return metrics["accuracy"] ?? 0;
  }

  /** What it calls the first pictures of the test, moved by up to so many pixels: numbers of classes. */
  async names(pixels: number, count: number): Promise<readonly number[]> {
    const first = data.subset(moved(this.#samples.test, pixels), 0, count);
    const { data: scores, shape } = await this.model.predict(first, { batchSize: count });
    const classes = shape.at(-1) ?? 1;
    return Array.from({ length: count }, (_, i) => {
      const own = scores.subarray(i * classes, (i + 1) * classes);
      return own.indexOf(Math.max(...own));
    });
  }

  /** Its first layer: the CNN's filters, or what some of the flat network's hidden units look for, pixel by pixel. */
  glimpse(): Glimpse {
    return { before: this.#weightsIn(this.#first), now: this.#weightsIn(this.model.graph) };
  }

  #weightsIn({ constants }: Graph): FilterBank {
    const [name, shown] =
      this.kind === "cnn" ? ([FIRST_FILTERS, asTheyAre] as const) : ([FIRST_UNITS, asPictures] as const);
    const weights = constants.get(name);
    if (weights?.type !== "float32") throw new Error(`the network has no ${name}`);
    return shown(weights, this.#samples.training.inputShape);
  }
}

function asTheyAre(weights: FilterBank): FilterBank {
  return weights;
}

/** Units of a flat network that are shown. */
const UNITS = 16;

/** Weights `[pixels, units]` of the first units, as pictures `[units, 1, h, w]`. */
function asPictures({ shape, data: weights }: FilterBank, [h = 1, w = 1]: readonly number[]): FilterBank {
  const [pixels = 0, all = 0] = shape;
  const units = Math.min(all, UNITS);
  const turned = new Float32Array(units * pixels);
  for (let unit = 0; unit < units; unit++) {
    for (let pixel = 0; pixel < pixels; pixel++) turned[unit * pixels + pixel] = weights[pixel * all + unit] ?? 0;
  }
  return { shape: [units, 1, h, w], data: turned };
}

/** Pictures moved at random, the same way every time; 0 leaves them where they are. */
export function moved(dataset: Dataset, pixels: number): Dataset {
  return pixels === 0 ? dataset : data.augment(dataset, { shift: pixels, seed: 1 });
}

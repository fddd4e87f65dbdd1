/** Training as every engine must do it: the same bits, an end whenever it is wanted, and memory that stays as it is. */
import type { Engine, FitOptions, Model } from "lenslet";
import { equal } from "../../test/conformance/case.ts";
import { Random } from "../../test/oracle/random.ts";
import { adam } from "../optimiser.ts";
import { cosine } from "../schedule.ts";
import { lineNetwork, lines } from "./tiny.ts";

const samples = lines(100);

/** Three steps an epoch of whole batches, and one of what is left. */
export const TRAINING: FitOptions = {
  ...samples,
  loss: "crossEntropy",
  batchSize: 32,
  epochs: 2,
  metrics: ["accuracy"],
  optimizer: adam({ learningRate: 0.01 }),
  schedule: cosine(),
  clipNorm: 2,
  validation: lines(40, 2),
};

/** The weights after a training, and what it told, as a text that is short. */
export async function trainedBits(engine: Engine): Promise<string> {
  using model = await engine.load(lineNetwork());
  const losses: number[] = [];
  const { epochs } = await model.fit({ ...TRAINING, onBatch: ({ loss }) => losses.push(loss) });
  const scores = epochs.map(({ loss, metrics, validation }) => ({ loss, metrics, validation }));
  return `${await digest(await model.saveWeights())} ${JSON.stringify([losses, scores])}`;
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Aborts as many trainings, each at a moment that chance chooses, and sees that each promise settles soon, and that the model
 * has the weights of a whole step. Gives how many were aborted in time.
 */
export async function abortAtRandom(engine: Engine, times: number): Promise<number> {
  const random = new Random(11);
  const whole = await weightsOfSteps(engine);
  let aborted = 0;
  for (let round = 0; round < times; round++) {
    using model = await engine.load(lineNetwork());
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const at = random.int(1, 8);
    const way = random.int(0, 3);
    let steps = 0;
    const fit = model.fit({
      ...TRAINING,
      signal: controller.signal,
      onBatch: ({ step }) => {
        steps = step;
        if (step !== at) return;
        // At once; behind the promises that are under way; behind a message; after some time.
        if (way === 0) abort();
        else if (way === 1) void Promise.resolve().then(() => Promise.resolve().then(abort));
        else setTimeout(abort, way === 2 ? 0 : random.next() * 6);
      },
    });
    if (random.chance(0.1)) abort();
    const code = await settled(fit, `round ${round}`);
    if (code === "aborted") aborted++;
    else equal(code, "", `round ${round}`);
    const bits = await digest(await model.saveWeights());
    const place = whole.indexOf(bits);
    // The step that was under way when the signal came may have been done.
    if (place < steps || place > steps + 1)
      throw new Error(`round ${round}: the weights of ${place} steps after ${steps}`);
    const [a, b] = await Promise.all([model.predict(samples.x), loadedAgain(engine, model)]);
    equal(b, a.data, `round ${round}: what the model computes`);
  }
  return aborted;
}

/** What a model of the same weights computes. */
async function loadedAgain(engine: Engine, model: Model): Promise<Float32Array> {
  using again = await engine.load(lineNetwork(5), { weights: await model.saveWeights() });
  return (await again.predict(samples.x)).data;
}

/** Digests of the weights after each step, those before the first at the start. */
async function weightsOfSteps(engine: Engine): Promise<string[]> {
  using model = await engine.load(lineNetwork());
  const digests = [await digest(await model.saveWeights())];
  for await (const _ of model.train(TRAINING)) digests.push(await digest(await model.saveWeights()));
  return digests;
}

/** The code with which a promise rejects, or nothing; throws if it does neither in ten seconds. */
async function settled(promise: Promise<unknown>, what: string): Promise<string> {
  const late = AbortSignal.timeout(10_000);
  return new Promise((resolve, reject) => {
    late.addEventListener("abort", () => reject(new Error(`${what}: has not settled`)));
    promise.then(
      () => resolve(""),
      (error: unknown) => resolve(codeOf(error)),
    );
  });
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
}

/** Trains so many steps; throws unless the core holds as much after all of them as after the first hundred, and nothing in the end. */
export async function flatMemory(engine: Engine, steps: number): Promise<void> {
  const before = engine.memory().tensors;
  const model = await engine.load(lineNetwork());
  let early: unknown;
  let last: unknown;
  const held = (): unknown => {
    const { tensors, bytes, core } = engine.memory();
    return { tensors, bytes, core: { ...core, packs: 0 } };
  };
  const { x, y } = samples;
  const epochs = Math.ceil(steps / 4);
  for await (const { step } of model.train({ x, y, loss: "crossEntropy", batchSize: 32, epochs })) {
    if (step === 100) early = held();
    last = held();
    if (step === steps) break;
  }
  equal(last, early, "memory");
  model.dispose();
  await engine.idle();
  equal(engine.memory().tensors, before, "tensors left behind");
}

/**
 * Schedules: how the learning rate changes while a model is trained. They add, multiply and divide only, so that they give
 * the same bits in every runtime: the last digit of `Math.cos` is not the same everywhere.
 */
import { checkOptions, invalid, numeric } from "../options.ts";

/** How long a training is. */
export interface TrainingLength {
  /** Steps in all. */
  readonly steps: number;
  /** Epochs in all. */
  readonly epochs: number;
  /** Steps of one epoch. */
  readonly stepsPerEpoch: number;
}

/**
 * What the optimiser's learning rate is multiplied with at a step: a function of the steps done so far (0 for the first
 * step), of the epochs done so far, and of how long the training is. `schedules` makes the usual ones.
 */
export type Schedule = (step: number, epoch: number, length: TrainingLength) => number;

/** A stretch of a training: so many steps, or so many epochs, of which a part may be meant, as in 0.5. */
export type Span =
  | { readonly steps: number; readonly epochs?: undefined }
  | { readonly epochs: number; readonly steps?: undefined };

/** Options of {@link step}. */
export interface StepOptions {
  /** What the rate is multiplied with every time, above 0. Default 0.1. */
  readonly factor?: number | undefined;
}

/** Options of {@link cosine}. */
export interface CosineOptions {
  /** Steps until the end is reached. Default, unless `epochs` is given: all of the training. */
  readonly steps?: number | undefined;
  /** Epochs until the end is reached. */
  readonly epochs?: number | undefined;
  /** What the factor ends with, from 0 to 1. Default 0. */
  readonly end?: number | undefined;
}

/** The learning rate as it is. */
export function constant(): Schedule {
  return () => 1;
}

/**
 * Multiplies the rate with `factor` every so many steps or epochs.
 *
 * @example
 * schedules.step({ epochs: 30, factor: 0.1 })
 */
export function step(options: Span & StepOptions): Schedule {
  const call = "step";
  checkOptions(call, options, ["steps", "epochs", "factor"]);
  const expected = "a positive number";
  const factor = numeric(call, "factor", options.factor ?? 0.1, expected, true);
  if (factor <= 0) throw invalid(call, "factor", factor, expected);
  const span = spanOf(call, options);
  return (at, _, length) => {
    let product = 1;
    for (let times = Math.floor(at / span(length)); times > 0; times--) product *= factor;
    return product;
  };
}

/** Half a cosine from 1 down to `end`, and `end` from there on (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983). */
export function cosine(options: CosineOptions = {}): Schedule {
  const call = "cosine";
  checkOptions(call, options, ["steps", "epochs", "end"]);
  const { steps, epochs, end: given = 0 } = options;
  const expected = "a number from 0 to 1";
  const end = numeric(call, "end", given, expected);
  if (end < 0 || end > 1) throw invalid(call, "end", end, expected);
  const whole = steps === undefined && epochs === undefined;
  const span = whole ? (length: TrainingLength): number => length.steps : spanOf(call, options);
  return (at, _, length) => end + ((1 - end) * (1 + cosineOfTurns(Math.min(1, at / span(length))))) / 2;
}

/**
 * Lets the factor grow in even steps from almost nothing to 1, over so many steps or epochs; then `then` takes over, as if
 * the training began there.
 *
 * @example
 * schedules.warmUp({ steps: 500 }, schedules.cosine())
 */
export function warmUp(span: Span, then: Schedule = constant()): Schedule {
  const call = "warmUp";
  checkOptions(call, span, ["steps", "epochs"], "span");
  const warm = spanOf(call, span);
  if (typeof then !== "function") throw invalid(call, "then", then, "a schedule, such as schedules.cosine()");
  return (at, _, { steps, epochs, stepsPerEpoch }) => {
    const before = Math.round(warm({ steps, epochs, stepsPerEpoch }));
    // A first step at a rate of 0 would be wasted, and one at 1 is the other schedule's.
    if (at < before) return (at + 1) / (before + 1);
    const rest = {
      steps: Math.max(1, steps - before),
      epochs: Math.max(0, epochs - before / stepsPerEpoch),
      stepsPerEpoch,
    };
    return then(at - before, Math.floor((at - before) / stepsPerEpoch), rest);
  };
}

/** The steps of a span. */
function spanOf(call: string, { steps, epochs }: CosineOptions): (length: TrainingLength) => number {
  if ((steps === undefined) === (epochs === undefined)) {
    const given = steps === undefined ? {} : { steps, epochs };
    throw invalid(call, "options", given, "either steps or epochs");
  }
  const argument = steps === undefined ? "epochs" : "steps";
  const expected = "a positive number";
  const size = numeric(call, argument, steps ?? epochs, expected, true);
  if (size <= 0) throw invalid(call, argument, size, expected);
  return ({ stepsPerEpoch }) => (steps === undefined ? size * stepsPerEpoch : size);
}

/** `cos(π x)` for `x` from 0 to 1, to within 4e-16. */
function cosineOfTurns(x: number): number {
  if (x > 0.5) return -cosineOfTurns(1 - x);
  const square = (Math.PI * x) ** 2;
  let sum = 0;
  // Taylor's series from its smallest term: up to x^20, which is 1e-15 at x = 0.5.
  for (let power = 20; power > 0; power -= 2) sum = (-square / (power * (power - 1))) * (1 + sum);
  return 1 + sum;
}

/** The factor of a schedule at a step; throws unless it is a number of 0 or more. */
export function factorAt(call: string, schedule: Schedule, at: number, length: TrainingLength): number {
  const factor: unknown = schedule(at, Math.floor(at / length.stepsPerEpoch), length);
  if (typeof factor === "number" && factor >= 0 && factor < Infinity) return factor;
  throw invalid(call, `schedule's result at step ${at}`, factor, "a number of 0 or more");
}

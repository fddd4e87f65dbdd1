/** Ends a training that gets no better. */
import { checkOptions, count, flag, invalid, list, numeric, oneOf } from "../options.ts";
import type { EpochReport, Scores } from "./history.ts";
import type { Metric } from "./metric.ts";

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions {
  /** Epochs without improvement after which the training ends; `Infinity` only keeps the best weights. Default 3. */
  readonly patience?: number | undefined;
  /** `"loss"`, or the name of a metric: of the validation where there is one, else of the training. Default `"loss"`. */
  readonly monitor?: string | undefined;
  /** Whether the smallest value is best, or the largest. Default `"min"` for the loss and for errors, `"max"` for all else. */
  readonly mode?: "min" | "max" | undefined;
  /** What counts as an improvement is more than this. Default 0. */
  readonly minDelta?: number | undefined;
  /** Whether the model gets the weights of the best epoch when the training ends; until then they are kept. Default true. */
  readonly restoreBest?: boolean | undefined;
}

/** {@link EarlyStoppingOptions}, checked and whole. */
export interface EarlyStopping {
  readonly patience: number;
  readonly monitor: string;
  readonly mode: "min" | "max";
  readonly minDelta: number;
  readonly restoreBest: boolean;
}

/** The `earlyStopping` option of a training with such metrics. */
export function parseEarlyStopping(call: string, value: unknown, metrics: readonly Metric[]): EarlyStopping {
  const argument = "earlyStopping";
  checkOptions(call, value, ["patience", "monitor", "mode", "minDelta", "restoreBest"], argument);
  const options = value as EarlyStoppingOptions;
  const { patience = 3, monitor = "loss", minDelta = 0, restoreBest = true } = options;
  const known = ["loss", ...metrics.map(({ name }) => name)];
  if (!known.includes(monitor))
    throw invalid(call, `${argument}.monitor`, monitor, list(known.map((name) => JSON.stringify(name))));
  const mode = options.mode ?? (/loss|error/i.test(monitor) ? "min" : "max");
  numeric(call, `${argument}.minDelta`, minDelta, "a number of 0 or more", true);
  if (minDelta < 0) throw invalid(call, `${argument}.minDelta`, minDelta, "a number of 0 or more");
  return {
    patience: patience === Infinity ? patience : count(call, `${argument}.patience`, patience),
    monitor,
    mode: oneOf(call, `${argument}.mode`, mode, ["min", "max"]),
    minDelta,
    restoreBest: flag(call, `${argument}.restoreBest`, restoreBest),
  };
}

/** What early stopping knows after some epochs. */
export interface Verdict {
  /** The best epoch so far: the first is 1, and 0 stands for none. */
  readonly best: number;
  /** Whether the training should end. */
  readonly stop: boolean;
}

/** Looks back over all epochs: the same verdict, whether the training was resumed in between or not. */
export function judge({ patience, monitor, mode, minDelta }: EarlyStopping, epochs: readonly EpochReport[]): Verdict {
  let best = 0;
  let bestValue = Infinity;
  let waited = 0;
  for (const report of epochs) {
    const value = (mode === "min" ? 1 : -1) * monitored(report.validation ?? report, monitor);
    // A value that is not a number is no improvement.
    if (value < bestValue - (bestValue === Infinity ? 0 : minDelta)) {
      best = report.epoch;
      bestValue = value;
      waited = 0;
    } else {
      waited++;
    }
  }
  return { best, stop: waited >= patience };
}

function monitored({ loss, metrics }: Scores, name: string): number {
  return name === "loss" ? loss : (metrics[name] ?? Number.NaN);
}

import { expect, test } from "vitest";
import { type EarlyStoppingOptions, judge, parseEarlyStopping, type Verdict } from "./early-stopping.ts";
import type { EpochReport } from "./history.ts";
import { accuracy, meanAbsoluteError } from "./metric.ts";

const metrics = [accuracy(), meanAbsoluteError()];

/** The verdict after epochs whose validation gave these values. */
function verdict(options: EarlyStoppingOptions, values: readonly number[], held = true): Verdict {
  const stopping = parseEarlyStopping("fit", options, metrics);
  const epochs = values.map((value, index): EpochReport => {
    const scores = { loss: value, metrics: { accuracy: value, meanAbsoluteError: value } };
    const other = { loss: -index, metrics: { accuracy: index, meanAbsoluteError: -index } };
    const times = { epoch: index + 1, learningRate: 1, milliseconds: 0 };
    return held ? { ...times, ...other, validation: scores } : { ...times, ...scores };
  });
  return judge(stopping, epochs);
}

test("stops when the loss has not fallen for as many epochs as the patience", () => {
  expect(verdict({ patience: 2 }, [3, 2, 2.5])).toEqual({ best: 2, stop: false });
  expect(verdict({ patience: 2 }, [3, 2, 2.5, 2])).toEqual({ best: 2, stop: true });
  expect(verdict({ patience: 2 }, [3, 2, 2.5, 1.9])).toEqual({ best: 4, stop: false });
  expect(verdict({ patience: Infinity }, [1, 2, 3, 4, 5])).toEqual({ best: 1, stop: false });
  expect(verdict({}, [1, 2, 3, 4])).toEqual({ best: 1, stop: true });
});

test("an accuracy is to grow, an error to fall, and mode says otherwise", () => {
  expect(verdict({ monitor: "accuracy" }, [0.1, 0.5, 0.3])).toEqual({ best: 2, stop: false });
  expect(verdict({ monitor: "meanAbsoluteError" }, [0.1, 0.5, 0.3])).toEqual({ best: 1, stop: false });
  expect(verdict({ monitor: "accuracy", mode: "min" }, [0.1, 0.5, 0.3])).toEqual({ best: 1, stop: false });
});

test("improvements must exceed minDelta", () => {
  expect(verdict({ patience: 2, minDelta: 0.5 }, [3, 2.6, 2.5])).toEqual({ best: 1, stop: true });
  expect(verdict({ patience: 2, minDelta: 0.5 }, [3, 2.6, 2.4])).toEqual({ best: 3, stop: false });
});

test("without validation the training's own values count", () => {
  expect(verdict({ patience: 1 }, [1, 2], false)).toEqual({ best: 1, stop: true });
});

test("what is not a number is no improvement", () => {
  expect(verdict({ patience: 2 }, [Number.NaN, Number.NaN])).toEqual({ best: 0, stop: true });
  expect(verdict({ patience: 2 }, [Number.NaN, 5])).toEqual({ best: 2, stop: false });
});

test("what is wrong is named", () => {
  const parse = (options: unknown) => () => parseEarlyStopping("fit", options, metrics);
  expect(parse({ monitor: "top5" })).toThrow(
    'fit: earlyStopping.monitor is "top5"; expected "loss", "accuracy" or "meanAbsoluteError"',
  );
  expect(parse({ patience: 0 })).toThrow("fit: earlyStopping.patience is 0; expected a positive integer");
  expect(parse({ minDelta: -1 })).toThrow("fit: earlyStopping.minDelta is -1; expected a number of 0 or more");
  expect(parse({ mode: "least" })).toThrow('fit: earlyStopping.mode is "least"; expected "min" or "max"');
  expect(parse({ restoreBest: 1 })).toThrow("fit: earlyStopping.restoreBest is 1; expected true or false");
  expect(parse(true)).toThrow("fit: earlyStopping is true; expected an object with patience, monitor");
  expect(parse({ wait: 1 })).toThrow('earlyStopping has the unknown key "wait"');
});

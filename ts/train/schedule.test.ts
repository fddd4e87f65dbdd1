import { expect, test } from "vitest";
import { constant, cosine, factorAt, type Schedule, step, warmUp } from "./schedule.ts";

const length = { steps: 100, epochs: 10, stepsPerEpoch: 10 };

function factors(schedule: Schedule, steps: readonly number[]): number[] {
  return steps.map((at) => factorAt("fit", schedule, at, length));
}

test("constant is 1", () => {
  expect(factors(constant(), [0, 50, 1000])).toEqual([1, 1, 1]);
});

test("step multiplies every so many steps, or epochs", () => {
  expect(factors(step({ steps: 3, factor: 0.5 }), [0, 2, 3, 5, 6, 30])).toEqual([1, 1, 0.5, 0.5, 0.25, 2 ** -10]);
  expect(factors(step({ epochs: 2, factor: 0.5 }), [0, 19, 20, 40])).toEqual([1, 1, 0.5, 0.25]);
  expect(factors(step({ epochs: 1 }), [10])).toEqual([0.1]);
});

test("cosine follows Math.cos from 1 down to its end, and stays there", () => {
  const schedule = cosine({ end: 0.25 });
  for (let at = 0; at <= 100; at++) {
    const expected = 0.25 + (0.75 * (1 + Math.cos((Math.PI * at) / 100))) / 2;
    expect(schedule(at, 0, length)).toBeCloseTo(expected, 14);
  }
  expect(factors(schedule, [0, 100, 500])).toEqual([1, 0.25, 0.25]);
  expect(factors(cosine(), [50])).toEqual([0.5]);
  expect(cosine({ epochs: 2 })(10, 1, length)).toBe(0.5);
  expect(cosine({ steps: 2 })(1, 0, length)).toBe(0.5);
});

test("warm-up grows evenly, and hands over as if the training began there", () => {
  const seen: unknown[] = [];
  const schedule = warmUp({ steps: 4 }, (...args) => {
    seen.push(args);
    return 0.5;
  });
  expect(factors(schedule, [0, 1, 2, 3, 4, 25])).toEqual([0.2, 0.4, 0.6, 0.8, 0.5, 0.5]);
  const rest = { steps: 96, epochs: 9.6, stepsPerEpoch: 10 };
  expect(seen).toEqual([
    [0, 0, rest],
    [21, 2, rest],
  ]);
  expect(factors(warmUp({ epochs: 0.5 }), [0, 4, 5])).toEqual([1 / 6, 5 / 6, 1]);
  expect(factors(warmUp({ steps: 10 }, cosine()), [10, 55, 100])).toEqual([1, 0.5, 0]);
  // Longer than the training itself.
  expect(factors(warmUp({ steps: 999 }, cosine()), [99])).toEqual([0.1]);
});

test("what is wrong is named", () => {
  const span = { steps: 1, epochs: 1 } as unknown as { readonly steps: number };
  expect(() => step(span)).toThrow("step: options is { steps: 1, epochs: 1 }; expected either steps or epochs");
  expect(() => step({ steps: 0 })).toThrow("step: steps is 0; expected a positive number");
  expect(() => step({ steps: 1, factor: 0 })).toThrow("step: factor is 0; expected a positive number");
  expect(() => cosine({ end: 2 })).toThrow("cosine: end is 2; expected a number from 0 to 1");
  expect(() => warmUp({ epochs: -1 })).toThrow("warmUp: epochs is -1; expected a positive number");
  expect(() => warmUp({ steps: 1 }, 3 as unknown as Schedule)).toThrow("warmUp: then is 3; expected a schedule");
  expect(() => factorAt("fit", () => Number.NaN, 7, length)).toThrow(
    "fit: schedule's result at step 7 is NaN; expected a number of 0 or more",
  );
});

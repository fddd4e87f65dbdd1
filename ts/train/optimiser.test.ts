import { expect, test } from "vitest";
import { adam, adamW, optimiserSlots, optimiserWords, parseOptimizer, rmsprop, sgd } from "./optimiser.ts";

test("defaults are PyTorch's", () => {
  expect(adam()).toMatchObject({ learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
  expect(adamW()).toMatchObject({ learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 });
  expect(rmsprop()).toMatchObject({ learningRate: 0.01, alpha: 0.99, epsilon: 1e-8, momentum: 0, weightDecay: 0 });
  expect(sgd()).toMatchObject({ momentum: 0, nesterov: false, weightDecay: 0 });
});

test("the core's words, and the states that it keeps", () => {
  expect(optimiserWords(sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.1 }))).toEqual([0, 0.9, 1, 0.1, 0]);
  expect(optimiserWords(adam({ weightDecay: 0.1 }))).toEqual([1, 0.9, 0.999, 1e-8, 0.1]);
  expect(optimiserWords(adamW())).toEqual([2, 0.9, 0.999, 1e-8, 0.01]);
  expect(optimiserWords(rmsprop({ momentum: 0.5 }))).toEqual([3, 0.99, 1e-8, 0.5, 0]);
  expect(optimiserSlots(sgd())).toEqual([]);
  expect(optimiserSlots(sgd({ momentum: 0.9 }))).toEqual(["momentum"]);
  expect(optimiserSlots(adam())).toEqual(["mean", "square"]);
  expect(optimiserSlots(adamW())).toEqual(["mean", "square"]);
  expect(optimiserSlots(rmsprop())).toEqual(["square"]);
  expect(optimiserSlots(rmsprop({ momentum: 0.5 }))).toEqual(["square", "momentum"]);
});

test("optimisers pass unchanged, and those written by hand are checked", () => {
  const made = [sgd({ momentum: 0.9 }), adam({ learningRate: 0.1 }), adamW({ beta1: 0 }), rmsprop({ alpha: 0.5 })];
  for (const optimizer of made) expect(parseOptimizer("fit", optimizer)).toEqual(optimizer);
  expect(parseOptimizer("fit", { kind: "adam" })).toEqual(adam());
  expect(() => parseOptimizer("fit", { kind: "adam", beta1: 1 })).toThrow(
    "adam: beta1 is 1; expected a number from 0 to below 1",
  );
});

test("what is wrong is named", () => {
  const expected = "sgd(...), adam(...), adamW(...) or rmsprop(...)";
  for (const wrong of ["adam", undefined, null, {}, { kind: "lion" }])
    expect(() => parseOptimizer("fit", wrong)).toThrow(`expected ${expected}`);
  expect(() => sgd({ nesterov: true })).toThrow("sgd: momentum is 0; expected a number above 0, as nesterov is true");
  expect(() => sgd({ learningRate: 0 })).toThrow("sgd: learningRate is 0; expected a positive number");
  expect(() => adam({ learningRate: Number.NaN })).toThrow("adam: learningRate is NaN; expected a positive number");
  expect(() => adam({ epsilon: 0 })).toThrow("adam: epsilon is 0; expected a positive number");
  expect(() => adamW({ weightDecay: -1 })).toThrow("adamW: weightDecay is -1; expected a number of 0 or more");
  expect(() => rmsprop({ alpha: 1 })).toThrow("rmsprop: alpha is 1; expected a number from 0 to below 1");
  expect(() => adam({ lr: 1 } as object)).toThrow('adam: options has the unknown key "lr"');
});

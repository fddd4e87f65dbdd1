import { expect, test } from "vitest";
import {
  activationWithin,
  binaryCrossEntropy,
  crossEntropy,
  huber,
  lossCall,
  meanSquaredError,
  parseLoss,
} from "./loss.ts";

test("a name stands for the loss with its defaults", () => {
  expect(parseLoss("fit", "crossEntropy")).toEqual(crossEntropy());
  expect(parseLoss("fit", "binaryCrossEntropy")).toEqual(binaryCrossEntropy());
  expect(parseLoss("fit", "meanSquaredError")).toEqual(meanSquaredError());
  expect(parseLoss("fit", "huber")).toEqual(huber({ delta: 1 }));
});

test("losses keep their numbers, and those written by hand are checked", () => {
  for (const loss of [
    crossEntropy({ labelSmoothing: 0.1 }),
    huber({ delta: 2 }),
    meanSquaredError(),
    binaryCrossEntropy(),
  ])
    expect(parseLoss("fit", loss)).toEqual(loss);
  expect(() => parseLoss("fit", { kind: "huber", delta: 0 })).toThrow("huber: delta is 0; expected a positive number");
  expect(() => parseLoss("fit", { kind: "huber", labelSmoothing: 0 })).toThrow('unknown key "labelSmoothing"');
  expect(() => parseLoss("fit", { kind: "meanSquaredError", delta: 1 })).toThrow('unknown key "delta"');
});

test("what is wrong is named", () => {
  expect(() => crossEntropy({ labelSmoothing: 1.5 })).toThrow(
    "crossEntropy: labelSmoothing is 1.5; expected a number from 0 to 1",
  );
  expect(() => parseLoss("fit", "mse")).toThrow(
    'fit: loss is "mse"; expected "crossEntropy", "binaryCrossEntropy", "meanSquaredError" or "huber", or what a function of losses made',
  );
  for (const wrong of [undefined, null, 3, {}, { kind: "l1" }, []])
    expect(() => parseLoss("fit", wrong)).toThrow("fit: loss is");
  expect(() => parseLoss("fit", { boxes: huber(), kinds: "crossEntropy" })).toThrow(
    'fit: loss is an object of losses ("boxes", "kinds"); expected one loss, of the one output that the option output names',
  );
});

test("the core's words", () => {
  expect(lossCall(crossEntropy({ labelSmoothing: 0.1 }), 10)).toEqual({ op: "crossEntropy", words: [10, 0.1, 0] });
  expect(lossCall(binaryCrossEntropy(), 10)).toEqual({ op: "elementwiseLoss", words: [0, 0, 0] });
  expect(lossCall(meanSquaredError(), 10)).toEqual({ op: "elementwiseLoss", words: [1, 0, 0] });
  expect(lossCall(huber({ delta: 3 }), 10)).toEqual({ op: "elementwiseLoss", words: [2, 3, 0] });
});

test("cross-entropies hold the activation that would make probabilities", () => {
  expect(activationWithin(crossEntropy())).toBe("softmax");
  expect(activationWithin(binaryCrossEntropy())).toBe("sigmoid");
  expect(activationWithin(meanSquaredError())).toBeUndefined();
});

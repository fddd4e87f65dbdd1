import assert from "node:assert/strict";
import { test } from "node:test";
import { outermost } from "./jax.ts";
import { trainedNetworks, weightsOf } from "./networks.ts";
import { difference } from "./run.ts";
import { trainingText } from "./table.ts";

test("the networks have as many weights as their papers say", () => {
  const counts = trainedNetworks.map((network) => weightsOf(network).reduce((sum, { data }) => sum + data.length, 0));
  // LeNet-5's 61,706 parameters without its 236 biases; 268,336 of ResNet-20 and 2,560 of its two projections.
  assert.deepEqual(counts, [61_706 - 236, 288 + 18_432 + 401_408 + 1280, 268_336 + 2560]);
});

test("weights are the same at every call, and come in the order of use", () => {
  const [, , resnet] = trainedNetworks;
  assert.ok(resnet);
  assert.deepEqual(weightsOf(resnet), weightsOf(resnet));
  const shapes = weightsOf(resnet).map(({ shape }) => shape.join("x"));
  // The first block of the second stage: two convolutions, and then its shortcut.
  assert.deepEqual(shapes.slice(7, 10), ["3x3x16x32", "3x3x32x32", "1x1x16x32"]);
});

test("filters are turned for runtimes whose channels come first", () => {
  const turned = outermost({ shape: [1, 2, 2, 3], data: Float32Array.from({ length: 12 }, (_, i) => i) });
  assert.deepEqual(turned.shape, [3, 2, 1, 2]);
  assert.deepEqual(Array.from(turned.data), [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]);
});

test("losses that differ are noticed", () => {
  assert.ok(Math.abs(difference([2, 1], [2.002, 1]) - 0.001) < 1e-12);
  assert.equal(difference([2, 1], [2]), 0);
  assert.equal(difference([2, 1], []), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(difference([2], [Number.NaN])));
});

test("a runtime that was timed once is compared in that round; one that was not has a dash", () => {
  const text = trainingText(
    {
      abouts: { lenslet: "fast", slow: "slow", absent: "not there" },
      reports: [
        { name: "lenet5", batchSize: 64, rounds: { lenslet: [10, 20, 20], slow: [1000] }, error: 1e-6, share: 0.871 },
      ],
      gradients: [{ name: "a", batchSize: 4, strategy: "direct", forward: [1, 1, 2], backward: [2, 2, 5] }],
    },
    "today",
  );
  assert.match(text, /lenet5 +64 +20\.0 +1000 +100 +– +– +1\.0e-6 +87%/);
  assert.match(text, /a +4 +1\.00 +direct +2\.00 +2\.00/);
});

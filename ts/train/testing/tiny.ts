/** A task that a tiny network learns within seconds: lines of four directions in noise. */
import type { Graph } from "../../model/graph.ts";
import { batchNorm, conv2d, dense, dropout, flatten, maxPool2d, relu, sequential } from "../../model/layers/index.ts";
import { Random } from "../../test/oracle/random.ts";
import type { SampleArray } from "../data/arrays.ts";
import { adam } from "../optimiser.ts";
import type { FitOptions } from "../options.ts";

/** Rows and columns of a picture. */
const SIZE = 8;

/** Pictures, and which line each has. */
interface LineSamples {
  readonly x: SampleArray;
  readonly y: Uint8Array;
}

/** Pictures with a line: horizontal, vertical, or along either diagonal; and which of these it is. */
export function lines(n: number, seed = 1): LineSamples {
  const random = new Random(seed);
  const { data } = random.nd([n, SIZE, SIZE, 1], -0.6, 0.6);
  const y = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    y[i] = i % 4;
    const place = random.int(2, 5);
    for (let at = 0; at < SIZE; at++) {
      const pixels = [place * SIZE + at, at * SIZE + place, at * (SIZE + 1), (at + 1) * (SIZE - 1)];
      const pixel = i * SIZE ** 2 + (pixels[i % 4] ?? 0);
      data[pixel] = (data[pixel] ?? 0) + 1;
    }
  }
  return { x: { data, shape: [n, SIZE, SIZE, 1] }, y };
}

/** A convolutional network with all that training treats in its own way: batch normalisation and dropout. */
export function lineNetwork(seed = 1): Graph {
  return sequential(
    [
      conv2d({ filters: 8, size: 3, padding: "same", bias: false }),
      batchNorm(),
      relu(),
      maxPool2d({ size: 2 }),
      flatten(),
      dropout({ rate: 0.2 }),
      dense({ units: 4 }),
    ],
    { input: [SIZE, SIZE, 1], seed },
  );
}

/** A short training on lines, and samples to measure it by. */
export const samples: LineSamples = lines(160);
export const held: LineSamples = lines(80, 2);
export const base: FitOptions = {
  ...samples,
  loss: "crossEntropy",
  batchSize: 32,
  optimizer: adam({ learningRate: 0.01 }),
};

/** The bits of all weights. */
export function bitsOf({ constants }: Graph): Record<string, string> {
  return Object.fromEntries(
    [...constants].map(([name, { data }]) => [
      name,
      Array.from(new Uint32Array(Float32Array.from(data).buffer), (bits) => bits.toString(16)).join(" "),
    ]),
  );
}

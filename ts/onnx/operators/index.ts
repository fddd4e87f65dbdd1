import { alongAxes } from "./along-axes.ts";
import { arrangement } from "./arrangement.ts";
import { convolutions } from "./convolution.ts";
import { detection } from "./detection.ts";
import { elementwise } from "./elementwise.ts";
import { normalisations } from "./normalisation.ts";
import type { Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";
import { pools } from "./pool.ts";
import { resizing } from "./resize.ts";
import { values } from "./values.ts";
import { weightedSums } from "./weighted-sum.ts";

/** The operators of ONNX that can be imported, by name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [
    ...[convolutions, weightedSums, normalisations, pools, pointwise, elementwise, alongAxes, arrangement, resizing],
    ...[values, detection],
  ].flatMap((family) => Object.entries(family)),
);

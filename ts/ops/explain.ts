/** What an operator would do, without doing it. */
import { oneOf } from "../options.ts";
import type { Operand, Tensor } from "../tensor.ts";
import { conv2d, type Conv2dOptions, convTranspose2d, type ConvTranspose2dOptions } from "./conv.ts";
import { dense, type DenseOptions } from "./dense.ts";
import type { Plan } from "./plan.ts";

/** The operators that choose among several ways, and their arguments. */
export interface Explainable {
  readonly conv2d: readonly [x: Tensor, filter: Operand, options?: Conv2dOptions];
  readonly convTranspose2d: readonly [x: Tensor, filter: Operand, options?: ConvTranspose2dOptions];
  readonly dense: readonly [x: Tensor, weights: Operand, options?: DenseOptions];
}

/** How an operator is computed. */
export interface Explanation {
  /**
   * `"direct"`, `"clipped"`, `"winograd"`, `"winograd-rows"`, `"depthwise"`, `"picture"`, `"separable"`,
   * `"sub-pixel"` (transposed convolutions), `"gemm"` (dense layers): for people, and not stable.
   */
  readonly strategy: string;
}

type Planners = { readonly [N in keyof Explainable]: (call: string, ...args: Explainable[N]) => Plan };

const PLANNERS: Planners = { conv2d, convTranspose2d, dense };
const NAMES = Object.keys(PLANNERS) as (keyof Explainable)[];

/** The checked call that is to be explained. */
export function explained<N extends keyof Explainable>(call: string, op: N, args: Explainable[N]): Plan {
  oneOf(call, "op", op, NAMES);
  const plan: Planners[N] = PLANNERS[op];
  return plan(call, ...args);
}

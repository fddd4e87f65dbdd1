/** What a training step needs of memory. */
import { constantBytes } from "../model/constant.ts";
import { elementCount, type Shape } from "../shape.ts";
import type { BatchPlan, Variables } from "./plan.ts";

/** Bytes that training needs, beside what kernels use for a moment: packed filters and scratch. */
export interface TrainingMemory {
  /** What is trained, running statistics, and the weights that are not trained. */
  readonly weights: number;
  /** What the optimiser remembers. */
  readonly states: number;
  /** Results and gradients of one step: one arena, in which those that are never needed together share their places. */
  readonly activations: number;
  /** All of these, a batch, and what a step gives. */
  readonly peak: number;
}

/** The memory of a plan. */
export function memoryOfPlan({ program, inputs }: BatchPlan, { byName, slots }: Variables): TrainingMemory {
  const bytes = (shapes: Iterable<{ readonly shape: Shape }>): number =>
    Array.from(shapes).reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
  const constants = program.weights.reduce((sum, constant) => sum + constantBytes(constant), 0);
  const weights = bytes(byName.values()) + constants;
  const states = bytes([...slots.values()].flat());
  const activations = 4 * program.arena;
  return {
    weights,
    states,
    activations,
    peak: weights + states + activations + bytes(inputs) + bytes(program.outputs),
  };
}

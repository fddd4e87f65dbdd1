/** What every operator of the core tells of its gradient. */
import type { LoweredStep } from "../../model/lower/lowering.ts";
import type { Site } from "./site.ts";

/** How the gradient of an operator's first result becomes those of its operands. */
export interface Rule {
  /** Whether a result changes smoothly with an operand. Default: with all of them. */
  readonly flows?: (step: LoweredStep, input: number) => boolean;
  /** What keeps a step from having a gradient; undefined if nothing does. */
  readonly refuses?: (step: LoweredStep) => string | undefined;
  /** Emits the steps, and gives each operand that wants it its gradient. */
  readonly run: (at: Site) => void;
}

/** A rule of an operator whose results do not change, but where they jump: no gradient goes through it. */
export const FLAT: Rule = {
  flows: () => false,
  run: () => undefined,
};

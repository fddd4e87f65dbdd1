/** Computes steps of a forward pass in float64, each by its definition: what gradients are compared with. */
import type { OpName } from "../../../command.ts";
import { arrangements } from "./arrangements.ts";
import { elements } from "./elements.ts";
import { layers } from "./layers.ts";
import { norms } from "./norms.ts";
import type { Numbers, Operator } from "./numbers.ts";

const OPERATORS: Readonly<Record<string, Operator>> = { ...layers, ...norms, ...elements, ...arrangements };

/** Results of one step. */
export function interpret(
  op: OpName,
  inputs: readonly (Numbers | undefined)[],
  words: readonly number[],
): readonly Numbers[] {
  const operator = OPERATORS[op];
  if (operator === undefined) throw new Error(`${op} has no definition here`);
  return operator(inputs, words);
}

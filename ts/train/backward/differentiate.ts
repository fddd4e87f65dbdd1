/** The backward pass of a network's steps: reverse-mode differentiation, one rule an operator. */
import { LensletError } from "../../errors.ts";
import type { Buffer, LoweredStep, Temporary, Variable } from "../../model/lower/lowering.ts";
import type { Rule } from "./rule.ts";
import { RULES } from "./rules.ts";
import { Backward, Site } from "./site.ts";

/** A result, and the gradient of the loss with respect to it. */
export interface Seed {
  readonly of: Temporary;
  readonly gradient: Temporary;
}

/** The backward pass. */
export interface Differentiated {
  readonly steps: readonly LoweredStep[];
  /** Of the variables on which the seed's result depends. */
  readonly gradients: ReadonlyMap<Variable, Buffer>;
}

/**
 * The steps that follow a forward pass to compute the gradients of `variables`, in the reverse order of its own; none for
 * what no variable has a part in.
 *
 * Throws `model-unsupported`, with all nodes that have no gradient.
 */
export function differentiate(
  call: string,
  forward: readonly LoweredStep[],
  seed: Seed,
  variables: readonly Variable[],
): Differentiated {
  const wanted = dependents(forward, variables);
  const path = pathTo(forward, seed.of, wanted);
  refuse(call, path);
  const backward = new Backward(path, (buffer) => wanted.has(buffer));
  const [last] = path;
  if (last !== undefined) backward.add(last.node, seed.of, seed.gradient, seed.of.length);
  for (const step of path) RULES[step.op]?.run(new Site(step, backward));
  const gradients = new Map<Variable, Buffer>();
  for (const variable of variables) {
    const gradient = backward.gradient(variable);
    if (gradient !== undefined) gradients.set(variable, gradient);
  }
  return { steps: backward.steps, gradients };
}

/** All buffers that change smoothly with one of the variables, themselves among them. */
function dependents(forward: readonly LoweredStep[], variables: readonly Variable[]): ReadonlySet<Buffer> {
  const dependent = new Set<Buffer>(variables);
  for (const step of forward) {
    const flows = RULES[step.op]?.flows;
    if (!step.inputs.some((input, index) => dependent.has(input) && (flows?.(step, index) ?? true))) continue;
    for (const output of step.outputs) dependent.add(output);
  }
  return dependent;
}

/** The steps through which gradients go, the last one first. */
function pathTo(
  forward: readonly LoweredStep[],
  result: Temporary,
  wanted: ReadonlySet<Buffer>,
): readonly LoweredStep[] {
  const reached = new Set<Buffer>(wanted.has(result) ? [result] : []);
  return forward.toReversed().filter((step) => {
    if (!step.outputs.some((output) => reached.has(output))) return false;
    const flows = RULES[step.op]?.flows;
    step.inputs.forEach((input, index) => {
      if (wanted.has(input) && (flows?.(step, index) ?? true)) reached.add(input);
    });
    return true;
  });
}

/** Throws if steps have no gradient. */
function refuse(call: string, path: readonly LoweredStep[]): void {
  const found = new Map<string, string>();
  for (const step of path.toReversed()) {
    const rule: Rule | undefined = RULES[step.op];
    const reason = rule === undefined ? "it has no gradient" : rule.refuses?.(step);
    const where = `${JSON.stringify(step.node.name)} (${step.node.op})`;
    if (reason !== undefined && !found.has(where)) found.set(where, reason);
  }
  if (found.size === 0) return;
  const nodes = Array.from(found, ([where, reason]) => `${where}: ${reason}`).join("; ");
  const text = `${call}: the network has nodes that cannot be trained through: ${nodes}. Freeze all weights before them, or leave them out`;
  throw new LensletError("model-unsupported", text, { argument: "model" });
}

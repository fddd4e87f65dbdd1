/** Input shapes against what a graph declares. */
import { LensletError } from "../../errors.ts";
import { isCount } from "../../options.ts";
import { formatShape } from "../../shape.ts";
import type { Dim, Graph, KnownInfo, ValueName } from "../graph.ts";
import { checkInfo } from "./infer.ts";

/**
 * Types and shapes of a graph's inputs. An input whose declared sizes are all numbers need not be given. Sizes with the
 * same symbol must agree, wherever they occur.
 *
 * Throws `shape-mismatch` with the input's name, `invalid-argument` for a name that is no input, `too-large`.
 */
export function bindInputs(graph: Graph, given: ReadonlyMap<ValueName, readonly number[]>): Map<ValueName, KnownInfo> {
  for (const name of given.keys()) {
    if (graph.inputs.has(name)) continue;
    const inputs = Array.from(graph.inputs.keys(), (input) => JSON.stringify(input)).join(", ");
    const text = `the network has no input ${JSON.stringify(name)}; its inputs are ${inputs}`;
    throw new LensletError("invalid-argument", text, { argument: name });
  }
  const symbols = new Map<string, { readonly size: number; readonly where: string }>();
  const infos = new Map<ValueName, KnownInfo>();
  for (const [name, { type, shape: declared }] of graph.inputs) {
    const shape = given.get(name) ?? declared;
    if (shape === undefined || !isKnown(shape)) {
      const sizes = declared === undefined ? "of any rank" : formatDims(declared);
      throw mismatch(name, `input ${JSON.stringify(name)} (${sizes}) needs a shape`);
    }
    const what = `input ${JSON.stringify(name)} of shape ${formatShape(shape)}`;
    if (!shape.every((size) => isCount(size, 1))) throw mismatch(name, `${what}: expected positive sizes`);
    if (declared !== undefined) checkDims(name, what, declared, shape, symbols);
    const info = { type, shape };
    checkInfo(what, info);
    infos.set(name, info);
  }
  return infos;
}

function checkDims(
  name: string,
  what: string,
  declared: readonly Dim[],
  shape: readonly number[],
  symbols: Map<string, { readonly size: number; readonly where: string }>,
): void {
  if (declared.length !== shape.length) {
    throw mismatch(name, `${what} has ${shape.length} axes; expected ${declared.length}: ${formatDims(declared)}`);
  }
  for (const [axis, size] of shape.entries()) {
    const dim = declared[axis];
    if (typeof dim === "number" && dim !== size) {
      throw mismatch(
        name,
        `${what}: axis ${axis} is ${size}; expected ${dim}, the network's shape is ${formatDims(declared)}`,
      );
    }
    if (typeof dim !== "string") continue;
    const bound = symbols.get(dim);
    if (bound === undefined) {
      symbols.set(dim, { size, where: `axis ${axis} of ${JSON.stringify(name)}` });
    } else if (bound.size !== size) {
      throw mismatch(name, `${what}: axis ${axis} (${dim}) is ${size}; expected ${bound.size} as ${bound.where} has`);
    }
  }
}

function isKnown(shape: readonly Dim[]): shape is readonly number[] {
  return shape.every((dim) => typeof dim === "number");
}

/** A declared shape as messages write it: `[batch, 3, ?, ?]`. */
export function formatDims(shape: readonly Dim[]): string {
  return `[${shape.map((dim) => dim ?? "?").join(", ")}]`;
}

function mismatch(argument: string, text: string): LensletError {
  return new LensletError("shape-mismatch", text, { argument });
}

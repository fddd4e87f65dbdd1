/** What every pass is tested by: the graph before and after, and equal outputs. */
import { expect } from "vitest";
import type { Executor } from "../../command.ts";
import type { KnownGraph } from "../graph.ts";
import { compute, expectSameOutputs, randomInputs } from "./compute.ts";
import { printGraph } from "./print.ts";
import { sketch } from "./sketch.ts";

/** The lines of a text without indentation. */
function lines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}

/** Expects that `pass` makes `after` of `before`, both as {@link sketch} reads them, and that both compute the same. */
export async function expectPass(
  executor: Executor,
  pass: (graph: KnownGraph) => KnownGraph,
  before: string,
  after: string,
): Promise<void> {
  const graph = sketch(before);
  const next = pass(graph);
  expect(printGraph(next)).toBe(lines(after));
  const inputs = randomInputs(graph);
  expectSameOutputs(await compute(executor, next, inputs), await compute(executor, graph, inputs));
}

/** Expects that a pass leaves a graph as it is: the same object. */
export function expectUntouched(pass: (graph: KnownGraph) => KnownGraph, text: string): void {
  const graph = sketch(text);
  expect(pass(graph)).toBe(graph);
}

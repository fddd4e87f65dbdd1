/** Where a network's time goes. */
import { elementCount, formatShape, type Shape } from "../shape.ts";
import { macsOf, shapeOf } from "./cost.ts";
import type { KnownGraph, Node } from "./graph.ts";
import type { LoweredStep } from "./lower/lowering.ts";
import { formatTable } from "./table.ts";

/** What one node took. */
export interface NodeProfile {
  /** The node's; of those that a pass has merged, the layer's. */
  readonly name: string;
  /** Its operator; `"Layout"` for elements that move to another order for it. */
  readonly op: string;
  /** How the core computes it: for a convolution the strategy, as `"winograd"`; else the core's operator. */
  readonly strategy: string;
  readonly inputShapes: readonly Shape[];
  readonly outputShape: Shape;
  /** The median of the rounds. */
  readonly milliseconds: number;
  /** Multiply-adds. */
  readonly macs: number;
  /** Floating-point operations a nanosecond: two a multiply-add, by the plain definition of the operator. */
  readonly gflops: number;
  /** Bytes that it reads and writes. */
  readonly bytes: number;
}

/** What `model.profile()` gives. */
export interface Profile {
  /** In the order in which they run. */
  readonly nodes: readonly NodeProfile[];
  /** Milliseconds of all together. */
  readonly total: number;
  /** A table of the nodes. */
  toString(): string;
}

/** What is known of each step. */
export interface StepReport {
  readonly step: LoweredStep;
  /** Empty where the operator has but one. */
  readonly strategy: string;
  /** Of each round. */
  readonly milliseconds: readonly number[];
}

/** Adds up steps by node. */
export function profileOf(graph: KnownGraph, reports: readonly StepReport[]): Profile {
  const nodes: NodeProfile[] = [];
  for (let i = 0; i < reports.length; ) {
    const first = reports[i];
    if (first === undefined) break;
    const { node, moves } = first.step;
    const steps = [first];
    for (i++; i < reports.length; i++) {
      const next = reports[i];
      if (next?.step.node !== node || next.step.moves !== moves) break;
      steps.push(next);
    }
    nodes.push(nodeProfile(graph, node, steps));
  }
  const total = nodes.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return { nodes, total, toString: () => formatProfile(nodes, total) };
}

function nodeProfile(graph: KnownGraph, node: Node, steps: readonly StepReport[]): NodeProfile {
  const milliseconds = steps.reduce((sum, step) => sum + median(step.milliseconds), 0);
  const moves = steps[0]?.step.moves === true;
  const macs = moves ? 0 : macsOf(graph, node);
  return {
    name: node.name,
    op: moves ? "Layout" : node.op,
    strategy: [...new Set(steps.map(({ step, strategy }) => strategy || step.op))].join(" + "),
    inputShapes: node.inputs.filter((name) => name !== undefined).map((name) => shapeOf(graph, name)),
    outputShape: shapeOf(graph, node.outputs[0]),
    milliseconds,
    macs,
    gflops: milliseconds === 0 ? 0 : (2 * macs) / milliseconds / 1e6,
    bytes: steps.reduce((sum, { step }) => sum + bytesOf(step), 0),
  };
}

/** Bytes that a step reads and writes. */
function bytesOf({ inputs, outputs }: LoweredStep): number {
  let elements = 0;
  for (const buffer of [...inputs, ...outputs]) {
    if (buffer.kind === "temporary") elements += buffer.length;
    else if (buffer.kind === "weight") elements += elementCount(buffer.constant.shape);
  }
  return 4 * elements;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function formatProfile(nodes: readonly NodeProfile[], total: number): string {
  const rows = nodes.map((node) => [
    node.name,
    node.op,
    node.strategy,
    formatShape(node.inputShapes[0] ?? []),
    formatShape(node.outputShape),
    node.milliseconds.toFixed(3),
    `${((100 * node.milliseconds) / total).toFixed(1)}%`,
    node.macs === 0 ? "" : node.gflops.toFixed(1),
    `${(node.bytes / 1024).toFixed(0)}`,
  ]);
  const columns = [
    { title: "node" },
    { title: "operator" },
    { title: "strategy" },
    { title: "input" },
    { title: "output" },
    { title: "ms", right: true },
    { title: "share", right: true },
    { title: "GFLOP/s", right: true },
    { title: "KiB", right: true },
  ];
  return `${formatTable(columns, rows)}\n${total.toFixed(2)} ms`;
}

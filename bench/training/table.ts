/** Training as text. */
import { median, pairedRatio } from "../statistics.ts";
import { aligned } from "../table.ts";
import type { GradientReport } from "./gradients.ts";
import type { TrainingReport, TrainingTable } from "./run.ts";

const LENSLET = "lenslet";

export function trainingText({ abouts, reports, gradients }: TrainingTable, heading: string): string {
  const peers = Object.keys(abouts).filter((name) => name !== LENSLET);
  const steps = aligned([
    ["ms a step", "batch", LENSLET, ...peers.flatMap((peer) => [peer, "×"]), "loss differs by", "conv, dense, norm"],
    ...reports.map((report) => [
      report.name,
      String(report.batchSize),
      milliseconds(report, LENSLET),
      ...peers.flatMap((peer) => [milliseconds(report, peer), ratio(report, peer)]),
      report.error.toExponential(1),
      report.share === undefined ? "–" : `${(100 * report.share).toFixed(0)}%`,
    ]),
  ]);
  const known = Object.entries(abouts).map(([name, about]) => `${name}: ${about}`);
  return [heading, steps, known.join("; "), ...(gradients.length > 0 ? [gradientText(gradients)] : [])].join("\n\n");
}

/** Both sides pack the filter anew, as a step has to: the one before has changed it. */
function gradientText(gradients: readonly GradientReport[]): string {
  return aligned([
    ["convolutions, ms", "batch", "forward", "by", "gradients of input and filter", "×"],
    ...gradients.map(({ name, batchSize, strategy, forward, backward }) => [
      name,
      String(batchSize),
      median(forward).toFixed(2),
      strategy,
      median(backward).toFixed(2),
      pairedRatio(backward, forward).toFixed(2),
    ]),
  ]);
}

function milliseconds({ rounds }: TrainingReport, name: string): string {
  const found = rounds[name] ?? [];
  if (found.length === 0) return "–";
  const middle = median(found);
  return middle < 1000 ? middle.toFixed(1) : middle.toFixed(0);
}

/** How many times longer a peer takes than lenslet, in the rounds in which both were timed. */
function ratio({ rounds }: TrainingReport, peer: string): string {
  const [theirs, ours] = [rounds[peer] ?? [], rounds[LENSLET] ?? []];
  if (theirs.length === 0 || ours.length === 0) return "–";
  const found = pairedRatio(theirs, ours);
  return found < 10 ? found.toFixed(2) : found.toFixed(0);
}

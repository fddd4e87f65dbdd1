/** Training as text. */
import { median, pairedRatio } from "../statistics.ts";
import { aligned } from "../table.ts";
import type { TrainingReport, TrainingTable } from "./run.ts";

const LENSLET = "lenslet";

export function trainingText({ abouts, reports }: TrainingTable, heading: string): string {
  const peers = Object.keys(abouts).filter((name) => name !== LENSLET);
  const steps = aligned([
    ["ms a step", "batch", LENSLET, ...peers.flatMap((peer) => [peer, "×"]), "loss differs by"],
    ...reports.map((report) => [
      report.name,
      String(report.batchSize),
      milliseconds(report, LENSLET),
      ...peers.flatMap((peer) => [milliseconds(report, peer), ratio(report, peer)]),
      report.error.toExponential(1),
    ]),
  ]);
  const known = Object.entries(abouts).map(([name, about]) => `${name}: ${about}`);
  return [heading, steps, known.join("; ")].join("\n\n");
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

/** Networks as text. */
import { geomean, median, pairedRatio } from "../statistics.ts";
import { aligned } from "../table.ts";
import type { NetworkReport } from "./run.ts";

const LENSLET = "lenslet";

export function networkText(reports: readonly NetworkReport[], heading: string): string {
  const peers = [...new Set(reports.flatMap(({ rounds }) => Object.keys(rounds)))].filter((name) => name !== LENSLET);
  const ratios = (peer: string): number[] => reports.flatMap((report) => ratio(report, peer) ?? []);
  const runs = aligned([
    ["ms a run", LENSLET, ...peers.flatMap((peer) => [peer, "×"]), "error"],
    ...reports.map((report) => [
      report.name,
      milliseconds(report, LENSLET),
      ...peers.flatMap((peer) => [milliseconds(report, peer), number(ratio(report, peer), 2)]),
      report.error.toExponential(1),
    ]),
    ["geomean", "", ...peers.flatMap((peer) => ["", number(geomean(ratios(peer)), 2)]), ""],
    ["least", "", ...peers.flatMap((peer) => ["", number(Math.min(...ratios(peer)), 2)]), ""],
  ]);
  const names = [LENSLET, ...peers];
  const started = reports.filter((report) => Object.keys(report.starts).length > 0);
  const starts = aligned([
    ["From bytes", ...names.flatMap((name) => [`${name} loaded ms`, "first result ms", "memory MiB"])],
    ...started.map(({ name, starts: found }) => [
      name,
      ...names.flatMap((each) => [
        number(found[each]?.load, 0),
        number(found[each]?.first, 0),
        number(found[each]?.memory, 0),
      ]),
    ]),
  ]);
  return [heading, runs, ...(started.length > 0 ? [starts] : [])].join("\n\n");
}

function milliseconds({ rounds }: NetworkReport, name: string): string {
  const found = rounds[name];
  return found === undefined ? "–" : median(found).toFixed(2);
}

/** How many times longer a peer takes than lenslet. */
function ratio({ rounds }: NetworkReport, peer: string): number | undefined {
  const [theirs, ours] = [rounds[peer], rounds[LENSLET]];
  return theirs && ours && pairedRatio(theirs, ours);
}

function number(value: number | undefined, digits: number): string {
  return value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits);
}

/** What the numbers of a report say: medians, rates and ratios, used by the table, the chart and the comparison. */
import { bytes, flops } from "./cases.ts";
import { LENSLET } from "./peers/lenslet.ts";
import type { CaseReport, Report, Times } from "./report.ts";
import { geomean, median, pairedRatio } from "./statistics.ts";

/** Which of the two ways of calling counts: layers give arrays to JavaScript, pictures stay where they are. */
export function timesOf({ layer, compute, keep }: CaseReport): Readonly<Record<string, Times>> {
  if (layer.kind !== "filter") return compute;
  // A wrong answer shows in `compute` alone: nothing of such a runtime was timed.
  return { ...compute, ...keep };
}

export function rounds(times: Times | undefined): readonly number[] | undefined {
  return times !== undefined && "rounds" in times && times.rounds.length > 0 ? times.rounds : undefined;
}

/** How many times longer `name` takes than lenslet: the median over the rounds. */
export function ratio(report: CaseReport, name: string): number | undefined {
  const times = timesOf(report);
  const theirs = rounds(times[name]);
  const ours = rounds(times[LENSLET]);
  return theirs && ours && pairedRatio(theirs, ours);
}

export interface Best {
  readonly name: string;
  readonly ratio: number;
}

/** The fastest of the WebAssembly peers, and its ratio. */
export function best(report: Report, layer: CaseReport): Best | undefined {
  return least(report, (name) => ratio(layer, name));
}

/** The fastest of the WebAssembly peers that can keep a result, which lenslet then does as well. */
export function bestKept(report: Report, { keep }: CaseReport): Best | undefined {
  const ours = rounds(keep[LENSLET]);
  return least(report, (name) => {
    const theirs = rounds(keep[name]);
    return theirs && ours && pairedRatio(theirs, ours);
  });
}

function least(report: Report, ratioOf: (name: string) => number | undefined): Best | undefined {
  let found: Best | undefined;
  for (const { name, kind } of report.runtimes) {
    const value = kind === "wasm" ? ratioOf(name) : undefined;
    if (value !== undefined && value < (found?.ratio ?? Number.POSITIVE_INFINITY)) found = { name, ratio: value };
  }
  return found;
}

export function keptMedian({ keep }: CaseReport, name: string): number | undefined {
  const found = rounds(keep[name]);
  return found && median(found);
}

/** GFLOP/s, or for pools GB/s of input. */
export function rate({ layer }: CaseReport, milliseconds: number): number {
  return (layer.kind === "pool" ? bytes(layer).input : flops(layer)) / milliseconds / 1e6;
}

/** GFLOP/s over the machine's own in the same rounds, the result left in the runtime; only where there are FLOPs. */
export function shareOfPeak(report: CaseReport, name: string): number | undefined {
  const times = rounds(report.keep[name] ?? report.compute[name]);
  if (times === undefined || report.layer.kind === "pool") return undefined;
  return pairedRatio(
    times.map((ms) => rate(report, ms)),
    report.peak,
  );
}

/** Time over that of copying the input, the result left in the runtime. */
export function copies(report: CaseReport, name: string): number | undefined {
  const times = rounds(report.keep[name] ?? report.compute[name]);
  return times && pairedRatio(times, report.copy);
}

export interface Spread {
  readonly geomean: number;
  readonly least: number;
  readonly at: string;
}

/** Geomean and least of what `value` gives; `undefined` if it gives nothing. */
export function spread(
  cases: readonly CaseReport[],
  value: (report: CaseReport) => number | undefined,
): Spread | undefined {
  const found = cases.flatMap((report) => {
    const each = value(report);
    return each === undefined ? [] : [{ each, at: report.layer.name }];
  });
  const [first, ...rest] = found;
  if (first === undefined) return undefined;
  const least = rest.reduce((low, next) => (next.each < low.each ? next : low), first);
  return { geomean: geomean(found.map(({ each }) => each)), least: least.each, at: least.at };
}

export function peakOf(report: Report): number {
  return median(report.cases.flatMap(({ peak }) => peak));
}

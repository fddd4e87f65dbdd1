/** What changed between two reports, beyond what their rounds scatter. */
import { LENSLET } from "./peers/lenslet.ts";
import type { CaseReport, Report } from "./report.ts";
import { geomean, median, medianError } from "./statistics.ts";
import { rounds, timesOf } from "./summary.ts";

/** A change below this is never reported: two runs of one commit differ as much on a quiet machine. */
const LEAST_CHANGE = 0.05;
/** And it must exceed so many standard errors of the two medians. */
const STANDARD_ERRORS = 4;

export interface Comparison {
  readonly lines: readonly string[];
  /** Whether any case got slower. */
  readonly slower: boolean;
}

/**
 * Machines change their speed from hour to hour, so lenslet's time is taken relative to what stood beside it in the same
 * rounds of both runs: the peers (their geomean), or where there are none, the machine's multiply-add peak.
 */
export function compared(before: Report, after: Report): Comparison {
  const changes = after.cases.flatMap((now) => {
    const then = before.cases.find(({ layer }) => layer.name === now.layer.name);
    const change = then && changeOf(then, now);
    return change === undefined ? [] : [{ name: now.layer.name, ...change }];
  });
  if (changes.length === 0) return { lines: ["Nothing in common to compare."], slower: false };
  const sure = changes.filter(
    ({ factor, noise }) => Math.abs(Math.log(factor)) > Math.max(noise, Math.log1p(LEAST_CHANGE)),
  );
  const list = (title: string, found: typeof changes): readonly string[] => [
    `${title}: ${found.length === 0 ? "nothing" : ""}`.trimEnd(),
    ...found
      .toSorted((a, b) => b.factor - a.factor)
      .map(
        ({ name, factor, noise }) =>
          `  ${name}: time × ${factor.toFixed(2)} (noise ± ${(100 * Math.expm1(noise)).toFixed(0)}%)`,
      ),
  ];
  const slower = sure.filter(({ factor }) => factor > 1);
  return {
    lines: [
      `Since ${before.date}, relative to what ran beside it, ${changes.length} cases: time × ${geomean(changes.map(({ factor }) => factor)).toFixed(3)}`,
      ...list("slower", slower),
      ...list(
        "faster",
        sure.filter(({ factor }) => factor < 1),
      ),
    ],
    slower: slower.length > 0,
  };
}

function changeOf(then: CaseReport, now: CaseReport): { readonly factor: number; readonly noise: number } | undefined {
  const common = Object.keys(timesOf(then)).filter(
    (name) => !name.startsWith(LENSLET) && rounds(timesOf(then)[name]) && rounds(timesOf(now)[name]),
  );
  const old = relative(then, common);
  const new_ = relative(now, common);
  if (old === undefined || new_ === undefined) return undefined;
  return {
    factor: Math.exp(median(new_) - median(old)),
    noise: STANDARD_ERRORS * Math.hypot(medianError(old), medianError(new_)),
  };
}

/** Logarithm of lenslet's time over that of the others, a number a round. */
function relative(report: CaseReport, others: readonly string[]): readonly number[] | undefined {
  const times = timesOf(report);
  return rounds(times[LENSLET])?.map((ms, round) => {
    const theirs = others.map((name) => rounds(times[name])?.[round] ?? ms);
    const beside = theirs.length > 0 ? geomean(theirs) : 1 / (report.peak[round] ?? 1);
    return Math.log(ms / beside);
  });
}

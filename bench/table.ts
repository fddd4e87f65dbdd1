/** The report as text. */
import { type Group, groups } from "./groups.ts";
import { LENSLET, LENSLET_NCHW } from "./peers/lenslet.ts";
import type { CaseReport, Report } from "./report.ts";
import { median } from "./statistics.ts";
import {
  best,
  bestKept,
  copies,
  keptMedian,
  peakOf,
  rate,
  ratio,
  rounds,
  shareOfPeak,
  spread,
  timesOf,
} from "./summary.ts";

interface Column {
  readonly title: string;
  readonly value: (report: CaseReport) => string;
  /** Given for ratios: what the last two lines sum up. */
  readonly number?: (report: CaseReport) => number | undefined;
}

export function text(report: Report): string {
  const shown = groups.flatMap((each) => {
    const cases = report.cases.filter(({ group }) => group === each.name);
    if (cases.length === 0) return [];
    return [each.shown === "distribution" ? distribution(report, each, cases) : lines(report, each, cases)];
  });
  return [heading(report), ...shown, ...(report.cold.length > 0 ? [cold(report)] : [])].join("\n\n");
}

function heading(report: Report): string {
  const present = report.runtimes.filter(({ missing }) => !missing);
  const lines = [
    `${report.date}, ${report.engine}, ${report.cpu}, ${report.cores} cores, one thread each`,
    ...present.map(({ name, version, about }) => `  ${name} ${version} (${about})`),
    ...report.runtimes.filter(({ missing }) => missing).map(({ name, about }) => `  without ${name}: ${about}`),
  ];
  if (report.cases.length > 0) {
    lines.push(
      `Multiply-add peak in WebAssembly: ${peakOf(report).toFixed(1)} GFLOP/s${report.fused ? " (relaxed SIMD)" : ""}; copying 64 MiB: ${report.bandwidth.toFixed(1)} GB/s.`,
      `Medians of ${report.cases[0]?.peak.length} interleaved rounds${report.clock === "cpu" ? ", CPU time" : ""}. ×: how many times longer than lenslet, medians of the ratios of a round.`,
      "ms of a layer: one call, the result copied to a JavaScript array, by lenslet to one that it is given (`data({ into })`), by the peers, who have",
      "no such call, to a new one. kept, and every filter: the result stays in the runtime, as",
      "between the layers of a network, beside the best WebAssembly peer that can do so. % peak and copies (of the input) are of that.",
    );
  }
  return lines.join("\n");
}

function columns(report: Report, cases: readonly CaseReport[]): readonly Column[] {
  const some = (name: string): boolean => cases.some((each) => name in timesOf(each));
  const layers = cases.some(({ layer }) => layer.kind !== "filter");
  const pools = cases.every(({ layer }) => layer.kind === "pool");
  return [
    { title: `${LENSLET} ms`, value: (each) => milliseconds(each, LENSLET) },
    { title: pools ? "GB/s" : "GFLOP/s", value: rateText },
    ...(some(LENSLET_NCHW)
      ? [{ title: "NCHW ms", value: (each: CaseReport) => milliseconds(each, LENSLET_NCHW) }]
      : []),
    ...report.runtimes
      .filter(({ name, kind, missing }) => kind !== "lenslet" && !missing && some(name))
      .flatMap(({ name }) => [
        { title: `${name} ms`, value: (each: CaseReport) => milliseconds(each, name) },
        ratioColumn("×", (each) => ratio(each, name)),
      ]),
    { title: "best wasm", value: (each) => best(report, each)?.name ?? "–" },
    ratioColumn("×", (each) => best(report, each)?.ratio),
    ...(layers
      ? [
          { title: "kept ms", value: (each: CaseReport) => number(keptMedian(each, LENSLET), 3) },
          ratioColumn("×", (each) => bestKept(report, each)?.ratio),
        ]
      : []),
    pools
      ? { title: "copies", value: (each) => number(copies(each, LENSLET), 1) }
      : { title: "% peak", value: (each) => percent(shareOfPeak(each, LENSLET)) },
  ];
}

function ratioColumn(title: string, ratioOf: (report: CaseReport) => number | undefined): Column {
  return { title, value: (each) => number(ratioOf(each), 2), number: ratioOf };
}

function lines(report: Report, group: Group, cases: readonly CaseReport[]): string {
  const shown = columns(report, cases);
  const summed = (label: string, pick: "geomean" | "least"): readonly string[] => [
    label,
    ...shown.map((column) => {
      const found = column.number && spread(cases, column.number);
      return found === undefined ? "" : found[pick].toFixed(2);
    }),
  ];
  const table = aligned([
    [group.title, ...shown.map(({ title }) => title)],
    ...cases.map((each) => [
      each.count === 1 ? each.layer.name : `${each.count} × ${each.layer.name}`,
      ...shown.map(({ value }) => value(each)),
    ]),
    summed("geomean", "geomean"),
    summed("least", "least"),
  ]);
  const sums = group.shown === "sum" ? totals(report, cases) : [];
  return [table, ...sums, ...errorsOf(cases)].join("\n");
}

/** All layers of a network, each as often as it is there. */
function totals(report: Report, cases: readonly CaseReport[]): readonly string[] {
  const sums = report.runtimes.flatMap(({ name, missing }) => {
    const times = cases.map((each) => ({ count: each.count, ms: rounds(timesOf(each)[name]) }));
    if (missing || times.some(({ ms }) => ms === undefined)) return [];
    return [{ name, ms: times.reduce((sum, { count, ms }) => sum + count * median(ms ?? []), 0) }];
  });
  const ours = sums.find(({ name }) => name === LENSLET)?.ms;
  return [
    `all layers: ${sums.map(({ name, ms }) => `${name} ${ms.toFixed(1)} ms${ours ? ` (${(ms / ours).toFixed(2)} ×)` : ""}`).join(", ")}`,
  ];
}

/** Many cases as quantiles of the ratios, and the worst of them by name. */
function distribution(report: Report, group: Group, cases: readonly CaseReport[]): string {
  const columnsOf = [
    ...report.runtimes
      .filter(({ kind, missing }) => kind !== "lenslet" && !missing)
      .map(({ name }) => ({ name, value: (each: CaseReport) => ratio(each, name) })),
    { name: "best wasm", value: (each: CaseReport) => best(report, each)?.ratio },
    { name: "best wasm, kept", value: (each: CaseReport) => bestKept(report, each)?.ratio },
  ].filter(({ value }) => cases.some((each) => value(each) !== undefined));
  const rows = columnsOf.map(({ name, value }) => {
    const found = cases.flatMap((each) => value(each) ?? []).toSorted((a, b) => a - b);
    const quantile = (share: number): string => number(found[Math.round(share * (found.length - 1))], 2);
    return [
      name,
      String(found.length),
      number(spread(cases, value)?.geomean, 2),
      ...[0, 0.1, 0.25, 0.5, 0.75, 0.9, 1].map(quantile),
      String(found.filter((each) => each < 1).length),
    ];
  });
  const worst = cases
    .flatMap((each) => {
      const found = best(report, each);
      return found ? [{ name: each.layer.name, ...{ by: found.name, ratio: found.ratio } }] : [];
    })
    .toSorted((a, b) => a.ratio - b.ratio)
    .slice(0, 15);
  return [
    aligned([
      [`${group.title}, ×`, "shapes", "geomean", "least", "10%", "25%", "50%", "75%", "90%", "most", "below 1"],
      ...rows,
    ]),
    "worst against the best WebAssembly peer:",
    ...worst.map(({ name, by, ratio: value }) => `  ${value.toFixed(2)} × ${by}, ${name}`),
    ...errorsOf(cases),
  ].join("\n");
}

function errorsOf(cases: readonly CaseReport[]): readonly string[] {
  return cases.flatMap((each) =>
    Object.entries(timesOf(each)).flatMap(([name, times]) =>
      "error" in times ? [`  ${name}, ${each.layer.name}: ${times.error}`] : [],
    ),
  );
}

function cold(report: Report): string {
  const names = report.runtimes.filter(({ name }) => name !== LENSLET_NCHW).map(({ name }) => name);
  const mebibytes = (bytes: number | undefined): string => number(bytes && bytes / 2 ** 20, 2);
  return aligned([
    ["Cold start", "first result ms", "memory MiB", "files MiB", "gzip MiB", "wasm MiB", "gzip MiB"],
    ...names.map((name) => {
      const start = report.cold.find((each) => each.name === name);
      const size = report.sizes.find((each) => each.name === name);
      return [
        name,
        number(start?.ms, 1),
        number(start?.memory, 0),
        mebibytes(size?.raw),
        mebibytes(size?.gzip),
        mebibytes(size?.wasm),
        mebibytes(size?.wasmGzip),
      ];
    }),
  ]);
}

function milliseconds(report: CaseReport, name: string): string {
  const times = timesOf(report)[name];
  const found = rounds(times);
  if (found === undefined) return times === undefined ? "–" : "error";
  return number(median(found), 3);
}

function rateText(report: CaseReport): string {
  const found = rounds(timesOf(report)[LENSLET]);
  return number(found && rate(report, median(found)), 1);
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? "–" : value.toFixed(digits);
}

function percent(value: number | undefined): string {
  return value === undefined ? "–" : `${Math.round(100 * value)}%`;
}

/** Columns side by side: the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The report as text. */
import { LENSLET, LENSLET_NCHW } from "./peers/lenslet.ts";
import type { CaseReport, Report, RuntimeReport } from "./report.ts";
import { median } from "./statistics.ts";
import { best, copies, peakOf, rate, ratio, rounds, shareOfPeak, spread, timesOf } from "./summary.ts";

interface Column {
  readonly title: string;
  readonly value: (report: CaseReport) => string;
  /** Given for ratios: what the last two lines sum up. */
  readonly number?: (report: CaseReport) => number | undefined;
}

export function text(report: Report): string {
  const groups = [
    { title: "Convolutions", unit: "GFLOP/s", cases: report.cases.filter(({ layer }) => layer.kind === "conv") },
    { title: "Pools", unit: "GB/s", cases: report.cases.filter(({ layer }) => layer.kind === "pool") },
    {
      title: "Filters of a grey picture",
      unit: "GFLOP/s",
      cases: report.cases.filter(({ layer }) => layer.kind === "filter"),
    },
  ];
  return [
    heading(report),
    ...groups
      .filter(({ cases }) => cases.length > 0)
      .map(({ title, unit, cases }) => group(report, title, unit, cases)),
    ...(report.cold.length > 0 ? [cold(report)] : []),
  ].join("\n\n");
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
      `Medians of ${report.cases[0]?.peak.length} interleaved rounds${report.clock === "cpu" ? ", CPU time" : ""}. A layer's time: one call, output allocated, result copied to a JavaScript array; a filter's: result`,
      "left in the runtime. % of peak and copies of the input: result left in the runtime. ×: how many times longer than lenslet.",
    );
  }
  return lines.join("\n");
}

function group(report: Report, title: string, unit: string, cases: readonly CaseReport[]): string {
  const present = report.runtimes.filter(
    ({ name, kind, missing }) => kind !== "lenslet" && !missing && cases.some((each) => name in timesOf(each)),
  );
  const shown: Column[] = [
    { title: `${LENSLET} ms`, value: (each) => milliseconds(each, LENSLET) },
    { title: unit, value: (each) => rateText(each) },
    ...(unit === "GB/s"
      ? [{ title: "copies", value: (each: CaseReport) => number(copies(each, LENSLET), 1) }]
      : [{ title: "% peak", value: (each: CaseReport) => percent(shareOfPeak(each, LENSLET)) }]),
    ...(cases.some((each) => LENSLET_NCHW in timesOf(each))
      ? [{ title: "NCHW ms", value: (each: CaseReport) => milliseconds(each, LENSLET_NCHW) }]
      : []),
    ...present.flatMap((runtime) => peerColumns(runtime)),
    {
      title: "best wasm",
      value: (each) => best(report, each)?.name ?? "–",
    },
    {
      title: "×",
      value: (each) => number(best(report, each)?.ratio, 2),
      number: (each) => best(report, each)?.ratio,
    },
  ];
  const summed = (label: string, pick: "geomean" | "least"): string[] => [
    label,
    ...shown.map((column) => {
      const found = column.number && spread(cases, column.number);
      return found === undefined ? "" : found[pick].toFixed(2);
    }),
  ];
  const errors = cases.flatMap((each) =>
    Object.entries(timesOf(each)).flatMap(([name, times]) =>
      "error" in times ? [`  ${name}, ${each.layer.name}: ${times.error}`] : [],
    ),
  );
  return [
    aligned([
      [title, ...shown.map((column) => column.title)],
      ...cases.map((each) => [each.layer.name, ...shown.map(({ value }) => value(each))]),
      summed("geomean", "geomean"),
      summed("least", "least"),
    ]),
    ...errors,
  ].join("\n");
}

function peerColumns({ name }: RuntimeReport): readonly Column[] {
  return [
    { title: `${name} ms`, value: (each) => milliseconds(each, name) },
    { title: "×", value: (each) => number(ratio(each, name), 2), number: (each) => ratio(each, name) },
  ];
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
function aligned(rows: readonly (readonly string[])[]): string {
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

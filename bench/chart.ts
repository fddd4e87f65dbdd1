/** The report as an SVG: how many times longer each peer takes, case by case, and lenslet under the machine's roofline. */
import { bytes, flops } from "./cases.ts";
import { groups } from "./groups.ts";
import { LENSLET } from "./peers/lenslet.ts";
import type { CaseReport, Report, RuntimeReport } from "./report.ts";
import { median } from "./statistics.ts";
import { best, peakOf, rate, ratio, rounds, spread } from "./summary.ts";

const WIDTH = 1080;
const ROW = 22;
const TOP = 96;
const LEFT = 300;
const RIGHT = 40;
const ROOF_HEIGHT = 340;

const INK = "#24292f";
const MUTED = "#6e7781";
const GRID = "#d8dee4";
const OURS = "#cf222e";
/** One colour a peer, kept whoever else takes part. */
const COLOURS: Readonly<Record<string, string>> = {
  "ort-web": "#2a78d6",
  "tfjs-wasm": "#eb6834",
  litert: "#1baf7a",
  opencv: "#4a3aa7",
  "ort-native": "#6e7781",
};

type Scale = (value: number) => number;

/** A logarithmic axis from `low` to `high` on the pixels from `from` to `to`. */
function logarithmic(low: number, high: number, from: number, to: number): Scale {
  return (value) => from + ((to - from) * Math.log(value / low)) / Math.log(high / low);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

interface Style {
  readonly anchor?: "start" | "middle" | "end";
  readonly colour?: string;
  readonly size?: number;
}

function label(x: number, y: number, text: string, { anchor = "start", colour = INK, size = 12 }: Style = {}): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}" font-size="${size}">${escaped(text)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour = GRID, width = 1): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}" stroke-width="${width}"/>`;
}

/** A dot that says, on hovering, what it stands for. */
function dot(x: number, y: number, colour: string, title: string, hollow = false): string {
  const fill = hollow
    ? `fill="#ffffff" stroke="${colour}" stroke-width="2"`
    : `fill="${colour}" stroke="#ffffff" stroke-width="1"`;
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="5" ${fill}><title>${escaped(title)}</title></circle>`;
}

/** Draws the cases that are shown one by one. */
export function chart(report: Report): string {
  const distributed = groups.filter(({ shown }) => shown === "distribution").map(({ name }) => name);
  return drawing({ ...report, cases: report.cases.filter(({ group }) => !distributed.includes(group)) });
}

function drawing(report: Report): string {
  const height = TOP + ROW * report.cases.length + 60;
  const withRoof = report.cases.some(({ layer }) => layer.kind === "conv");
  const total = height + (withRoof ? ROOF_HEIGHT + 90 : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${total}" font-family="system-ui, sans-serif" role="img" aria-label="lenslet beside other runtimes">`,
    `<rect width="${WIDTH}" height="${total}" fill="#ffffff"/>`,
    ...ratios(report),
    ...(withRoof ? roofline(report, height + 40) : []),
    "</svg>",
    "",
  ].join("\n");
}

function ratios(report: Report): readonly string[] {
  const taking = report.runtimes.filter(
    ({ name, kind }) => kind !== "lenslet" && report.cases.some((each) => ratio(each, name) !== undefined),
  );
  const all = report.cases.flatMap((each) => taking.flatMap(({ name }) => ratio(each, name) ?? []));
  const low = Math.min(0.5, ...all) * 0.95;
  const high = Math.max(4, ...all) * 1.1;
  const x = logarithmic(low, high, LEFT, WIDTH - RIGHT);
  const bottom = TOP + ROW * report.cases.length;
  const ticks = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128].filter((tick) => tick >= low && tick <= high);
  return [
    label(20, 28, "How many times longer than lenslet", { size: 17 }),
    label(
      20,
      48,
      `${report.cpu}, ${report.engine}, one thread each, ${report.date}; right of 1: lenslet is faster; below, geomeans of the convolutions`,
      {
        colour: MUTED,
      },
    ),
    ...legend(report, taking),
    ...ticks.flatMap((tick) => [
      line(x(tick), TOP - 6, x(tick), bottom, tick === 1 ? OURS : GRID, tick === 1 ? 2 : 1),
      label(x(tick), bottom + 18, `${tick}×`, { anchor: "middle", colour: MUTED }),
    ]),
    ...report.cases.flatMap((each, row) => {
      const y = TOP + ROW * row + ROW / 2;
      return [
        label(LEFT - 12, y + 4, `${each.layer.name}  ${row + 1}`, { anchor: "end" }),
        line(LEFT, y, WIDTH - RIGHT, y),
        ...taking.flatMap(({ name, kind }) => {
          const value = ratio(each, name);
          const title = `${name}, ${each.layer.name}: ${value?.toFixed(2)}×`;
          return value === undefined ? [] : [dot(x(value), y, colourOf(name), title, kind === "native")];
        }),
      ];
    }),
  ];
}

function legend(report: Report, taking: readonly RuntimeReport[]): readonly string[] {
  const convolutions = report.cases.filter(({ layer }) => layer.kind === "conv");
  let x = 26;
  return taking.flatMap(({ name, version, kind }) => {
    const convolved = convolutions.filter((each) => ratio(each, name) !== undefined);
    const found = spread(convolved.length > 0 ? convolved : report.cases, (each) => ratio(each, name));
    const text = `${name} ${version}: ${found?.geomean.toFixed(2)}×`;
    const parts = [dot(x, 70, colourOf(name), name, kind === "native"), label(x + 10, 74, text, { size: 11 })];
    x += 36 + 6.2 * text.length;
    return parts;
  });
}

function colourOf(name: string): string {
  return COLOURS[name] ?? INK;
}

interface Point {
  readonly row: number;
  readonly name: string;
  readonly intensity: number;
  readonly ours: number;
  readonly theirs: number | undefined;
}

function roofline(report: Report, top: number): readonly string[] {
  const peak = peakOf(report);
  const points = report.cases.flatMap((each, row) => pointOf(report, each, row));
  if (points.length === 0) return [];
  const bottom = top + ROOF_HEIGHT;
  const rates = points.flatMap(({ ours, theirs }) => (theirs === undefined ? [ours] : [ours, theirs]));
  const x = logarithmic(
    Math.min(...points.map(({ intensity }) => intensity)) * 0.7,
    1.5 * Math.max(...points.map(({ intensity }) => intensity)),
    70,
    WIDTH - RIGHT,
  );
  const lowest = Math.min(...rates) * 0.7;
  const y = logarithmic(lowest, 1.3 * Math.max(peak, ...rates), bottom, top + 20);
  const ridge = peak / report.bandwidth;
  const first = Math.max(Math.min(...points.map(({ intensity }) => intensity)) * 0.7, lowest / report.bandwidth);
  const ticks = [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256].filter((tick) => y(tick) <= bottom && y(tick) >= top);
  const steps = [1, 4, 16, 64, 256].filter((step) => x(step) >= 70 && x(step) <= WIDTH - RIGHT);
  return [
    label(20, top - 10, "Roofline: GFLOP/s over FLOP per byte of input, filter and output", { size: 17 }),
    label(
      20,
      top + 8,
      "lenslet filled, the best WebAssembly peer hollow; numbers as above. Winograd needs fewer multiplications than are counted, and may pass the roof; so may what lies in a cache.",
      { colour: MUTED, size: 11 },
    ),
    ...ticks.flatMap((tick) => [
      line(70, y(tick), WIDTH - RIGHT, y(tick)),
      label(62, y(tick) + 4, String(tick), { anchor: "end", colour: MUTED }),
    ]),
    ...steps.map((step) => label(x(step), bottom + 18, `${step} FLOP/B`, { anchor: "middle", colour: MUTED })),
    line(
      Math.max(x(first), 70),
      y(Math.min(first * report.bandwidth, peak)),
      Math.max(x(ridge), 70),
      y(peak),
      MUTED,
      2,
    ),
    line(Math.max(x(ridge), 70), y(peak), WIDTH - RIGHT, y(peak), MUTED, 2),
    label(WIDTH - RIGHT, y(peak) - 6, `${peak.toFixed(0)} GFLOP/s: multiply-adds in WebAssembly`, {
      anchor: "end",
      colour: MUTED,
      size: 11,
    }),
    ...points.flatMap(({ row, name, intensity, ours, theirs }) => [
      ...(theirs === undefined
        ? []
        : [
            line(x(intensity), y(theirs), x(intensity), y(ours)),
            dot(x(intensity), y(theirs), MUTED, `${name}: best peer ${theirs.toFixed(1)} GFLOP/s`, true),
          ]),
      dot(x(intensity), y(ours), OURS, `${name}: lenslet ${ours.toFixed(1)} GFLOP/s`),
      label(x(intensity) + 8, y(ours) + 4, String(row + 1), { size: 10 }),
    ]),
  ];
}

function pointOf(report: Report, each: CaseReport, row: number): readonly Point[] {
  const times = rounds(each.keep[LENSLET]);
  if (each.layer.kind !== "conv" || times === undefined) return [];
  const peer = best(report, each)?.name;
  const theirs = peer === undefined ? undefined : rounds(each.keep[peer] ?? each.compute[peer]);
  return [
    {
      row,
      name: each.layer.name,
      intensity: flops(each.layer) / bytes(each.layer).all,
      ours: rate(each, median(times)),
      theirs: theirs && rate(each, median(theirs)),
    },
  ];
}

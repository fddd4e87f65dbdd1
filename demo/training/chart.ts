/** Charts as SVG: lines over numbers, named where they end. */

/** A line of a chart. */
export interface Line {
  readonly name: string;
  readonly color: string;
  /** Dashes tell two lines of one colour apart. */
  readonly dashed?: boolean;
  readonly points: readonly Point[];
}

/** A place in a chart, in the units of its axes. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One chart. */
export interface Chart {
  readonly title: string;
  /** What the numbers along its foot are. */
  readonly foot: string;
  /** How numbers at its side are written. */
  readonly format: (value: number) => string;
  readonly lines: readonly Line[];
}

const WIDTH = 420;
const HEIGHT = 320;
const PLOT = { left: 56, right: 96, top: 44, bottom: 52 } as const;
const NAME_HEIGHT = 15;

/** Charts side by side, as the text of an SVG file. */
export function chartSheet(title: string, charts: readonly Chart[]): string {
  const width = WIDTH * charts.length;
  const height = HEIGHT + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" color="#1f2328" fill="currentColor">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${PLOT.left}" y="28" font-size="16" font-weight="600">${escaped(title)}</text>`,
    ...charts.map((chart, i) => `<g transform="translate(${i * WIDTH} 40)">${drawn(chart)}</g>`),
    "</svg>",
    "",
  ].join("\n");
}

/** One chart as an element of a page, in the page's own colours. */
export function chartElement(chart: Chart): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" font-size="15" fill="currentColor" role="img" aria-label="${escaped(chart.title)}">${drawn(chart)}</svg>`;
}

function drawn({ title, foot, format, lines }: Chart): string {
  const points = lines.flatMap((line) => line.points);
  const across = ticks(extent(points.map(({ x }) => x)));
  const up = ticks(extent(points.map(({ y }) => y)));
  const x = (value: number): number => scaled(value, across, PLOT.left, WIDTH - PLOT.right);
  const y = (value: number): number => scaled(value, up, HEIGHT - PLOT.bottom, PLOT.top);
  const [left, right, bottom] = [PLOT.left, WIDTH - PLOT.right, HEIGHT - PLOT.bottom];
  const names = apart(lines.map(({ points: own }) => y(own.at(-1)?.y ?? 0)));
  return [
    `<text x="${left}" y="26" font-weight="600">${escaped(title)}</text>`,
    ...up.map(
      (value) =>
        `<path d="M${left} ${near(y(value))}H${right}" stroke="currentColor" stroke-opacity="0.16"/><text x="${left - 8}" y="${near(y(value) + 4)}" text-anchor="end">${escaped(format(value))}</text>`,
    ),
    ...across.map(
      (value) =>
        `<text x="${near(x(value))}" y="${bottom + 18}" text-anchor="middle">${escaped(value.toLocaleString("en"))}</text>`,
    ),
    `<text x="${(left + right) / 2}" y="${bottom + 38}" text-anchor="middle">${escaped(foot)}</text>`,
    ...lines.map(({ points: own, color, dashed }) => {
      const path = own.map((point, i) => `${i === 0 ? "M" : "L"}${near(x(point.x))} ${near(y(point.y))}`).join("");
      const dashes = dashed === true ? ' stroke-dasharray="5 4"' : "";
      return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"${dashes}/>`;
    }),
    ...lines.map(({ name, color }, i) => {
      const at = near((names[i] ?? 0) + 4);
      return `<text x="${right + 8}" y="${at}" fill="${color}">${escaped(name)}</text>`;
    }),
  ].join("");
}

/** The least and the greatest of numbers, some way apart. */
function extent(values: readonly number[]): readonly [low: number, high: number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Round numbers that enclose an extent, four to eight of them. */
export function ticks([low, high]: readonly [number, number]): readonly number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function scaled(value: number, marks: readonly number[], from: number, to: number): number {
  const [low = 0, high = 1] = [marks[0], marks.at(-1)];
  return from + ((value - low) / (high - low)) * (to - from);
}

/** Heights of names, moved down where one would lie on another. */
function apart(heights: readonly number[]): readonly number[] {
  const moved = [...heights];
  let free = Number.NEGATIVE_INFINITY;
  for (const [i, height] of heights.map((value, index) => [index, value] as const).sort((a, b) => a[1] - b[1])) {
    moved[i] = Math.max(height, free);
    free = (moved[i] ?? 0) + NAME_HEIGHT;
  }
  return moved;
}

/** A coordinate to a tenth of a pixel. */
function near(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

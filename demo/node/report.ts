import { styleText } from "node:util";

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly milliseconds: number;
  readonly how: string;
}

/** The table that the command prints. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.name, row.from, row.to, row.milliseconds.toFixed(1), row.how]);
  return columns(COLUMNS, cells);
}

const COLUMNS: readonly Column[] = [
  { title: "picture", style: "bold" },
  { title: "in" },
  { title: "out" },
  { title: "ms", right: true, style: "cyan" },
  { title: "how", style: "dim" },
];

type Style = "bold" | "dim" | "cyan" | "red";

/** A column of a table: its heading, whether it holds numbers, which stand at the right, and how its cells look. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
  readonly style?: Style;
}

/** Cells under their headings, columns as wide as their widest cell. */
export function columns(heads: readonly Column[], cells: readonly (readonly string[])[]): string {
  const widths = heads.map(({ title }, i) => Math.max(title.length, ...cells.map((line) => line[i]?.length ?? 0)));
  const line = (words: readonly string[], style: (column: Column) => Style | undefined): string =>
    heads
      .map((column, i) => {
        const [word, width] = [words[i] ?? "", widths[i] ?? 0];
        const padded = column.right === true ? word.padStart(width) : word.padEnd(width);
        const look = style(column);
        return look === undefined ? padded : paint(look, padded);
      })
      .join("   ")
      .trimEnd();
  return [
    line(
      heads.map(({ title }) => title),
      () => "dim",
    ),
    ...cells.map((words) => line(words, ({ style }) => style)),
  ].join("\n");
}

/** Colours text for a terminal, and leaves it plain in a file, in a pipe and under NO_COLOR. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: style === "red" ? process.stderr : process.stdout });
}

/** A bar of `width` letters, filled to a part. */
export function bar(part: number, width: number): string {
  const filled = Math.round(Math.min(Math.max(part, 0), 1) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}

/** A bar that grows in one line of a terminal; nothing where the output goes elsewhere. */
export class Progress {
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  /** Draws the part that is done, and what else there is to say. */
  show(part: number, more = ""): void {
    if (!process.stderr.isTTY) return;
    process.stderr.write(`\r${this.#what}  ${bar(part, 24)} ${Math.round(100 * part)}%  ${more}\u001b[K`);
  }

  /** Takes the bar away. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }
}

/** The middle of the times: one slow run out of several does not move it. */
export function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

import { styleText } from "node:util";

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly milliseconds: number;
  readonly how: string;
}

/** The table that the command prints: columns as wide as their widest cell. */
export function table(rows: readonly Row[]): string {
  const head = ["picture", "in", "out", "ms", "how"];
  const cells = rows.map((row) => [row.name, row.from, row.to, row.milliseconds.toFixed(1), row.how]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)));

  const line = (words: readonly string[], style: (word: string, column: number) => string): string =>
    words
      .map((word, column) => {
        const width = widths[column] ?? 0;
        return style(column === 3 ? word.padStart(width) : word.padEnd(width), column);
      })
      .join("   ")
      .trimEnd();

  return [
    line(head, (word) => paint("dim", word)),
    ...cells.map((words) =>
      line(words, (word, column) => {
        if (column === 0) return paint("bold", word);
        if (column === 3) return paint("cyan", word);
        return column === 4 ? paint("dim", word) : word;
      }),
    ),
  ].join("\n");
}

/** Colours text for a terminal, and leaves it plain in a file, in a pipe and under NO_COLOR. */
export function paint(style: "bold" | "dim" | "cyan" | "red", text: string): string {
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

  /** Draws the part that is done. */
  show(part: number): void {
    if (!process.stderr.isTTY) return;
    process.stderr.write(`\r${this.#what}  ${bar(part, 24)} ${Math.round(100 * part)}%`);
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

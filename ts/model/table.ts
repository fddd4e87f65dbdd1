/** Tables of text for the terminal. */

/** A column: its heading, and whether it holds numbers, which stand at the right. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Rows under their headings, each column as wide as it must be. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ right }, i) => {
        const cell = cells[i] ?? "";
        return right === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)].join("\n");
}

/** A count in a few letters: 385M, 4.63M, 1.2k. */
export function formatCount(count: number): string {
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (count >= size) return `${Number((count / size).toPrecision(3))}${unit}`;
  }
  return String(count);
}

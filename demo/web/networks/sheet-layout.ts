/** How many small pictures lie on a sheet. */
export interface SheetLayout {
  readonly columns: number;
  readonly rows: number;
  /** Of a picture, and between two of them, in CSS pixels. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly gap: number;
  /** Of the sheet. */
  readonly width: number;
  readonly height: number;
}

/** What a sheet has to hold, and what it may take. */
export interface SheetWish {
  readonly count: number;
  /** Height of a picture by its width. */
  readonly aspect: number;
  readonly width: number;
  /** Higher sheets are scrolled. */
  readonly height: number;
  readonly smallest: number;
  readonly largest: number;
}

/** The largest pictures that fit without scrolling, or the smallest that may be. */
export function layOut({ count, aspect, width, height, smallest, largest }: SheetWish): SheetLayout {
  const laid = (columns: number): SheetLayout => {
    const gap = width / columns < 40 ? 1 : width / columns < 80 ? 3 : 6;
    const cellWidth = Math.max(1, Math.min(largest, Math.floor((width - gap * (columns - 1)) / columns)));
    const cellHeight = Math.max(1, Math.round(cellWidth * aspect));
    const rows = Math.ceil(count / columns);
    return {
      columns,
      rows,
      cellWidth,
      cellHeight,
      gap,
      width: columns * (cellWidth + gap) - gap,
      height: rows * (cellHeight + gap) - gap,
    };
  };
  let best = laid(1);
  for (let columns = 2; columns <= count && best.height > height; columns++) {
    const next = laid(columns);
    if (next.cellWidth < smallest) break;
    best = next;
  }
  return best;
}

/** The place under a point of the sheet; undefined between and beside them. */
export function placeAt(layout: SheetLayout, count: number, x: number, y: number): number | undefined {
  const column = Math.floor(x / (layout.cellWidth + layout.gap));
  const row = Math.floor(y / (layout.cellHeight + layout.gap));
  const place = row * layout.columns + column;
  return x >= 0 && y >= 0 && column < layout.columns && place < count ? place : undefined;
}

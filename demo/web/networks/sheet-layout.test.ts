import { expect, test } from "vitest";
import { layOut, placeAt } from "./sheet-layout.ts";

const room = { aspect: 1, width: 600, height: 600, smallest: 20, largest: 150 };

test.each([1, 3, 16, 32, 96, 320, 1280])("%d maps lie within the width, each once", (count) => {
  const layout = layOut({ ...room, count });
  const { columns, rows, cellWidth, cellHeight, gap, width } = layout;
  expect(columns * rows).toBeGreaterThanOrEqual(count);
  expect(columns * (rows - 1)).toBeLessThan(count);
  expect(width).toBeLessThanOrEqual(room.width);
  expect(cellWidth).toBeGreaterThanOrEqual(room.smallest);
  expect(cellWidth).toBeLessThanOrEqual(room.largest);
  const places = Array.from({ length: count }, (_, i) => {
    const [x, y] = [(i % columns) * (cellWidth + gap), Math.floor(i / columns) * (cellHeight + gap)];
    return placeAt(layout, count, x + cellWidth / 2, y + cellHeight / 2);
  });
  expect(places).toEqual(Array.from({ length: count }, (_, i) => i));
});

test("maps are as large as fit without scrolling, and scrolled rather than too small", () => {
  const few = layOut({ ...room, count: 32 });
  expect(few.height).toBeLessThanOrEqual(room.height);
  // One column less would not fit.
  const larger = Math.floor((room.width - 6 * (few.columns - 2)) / (few.columns - 1));
  expect(Math.ceil(32 / (few.columns - 1)) * (larger + 6) - 6).toBeGreaterThan(room.height);
  expect(layOut({ ...room, count: 5000 }).height).toBeGreaterThan(room.height);
});

test("maps keep their shape", () => {
  const { cellWidth, cellHeight } = layOut({ ...room, count: 12, aspect: 0.5 });
  expect(cellHeight).toBe(Math.round(cellWidth / 2));
});

test("beside the maps is no map", () => {
  const layout = layOut({ ...room, count: 5 });
  expect(placeAt(layout, 5, layout.width + 50, 1)).toBeUndefined();
  expect(placeAt(layout, 5, 1, layout.height + 50)).toBeUndefined();
  expect(placeAt(layout, 5, -1, 1)).toBeUndefined();
});

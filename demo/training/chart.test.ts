import { expect, test } from "vitest";
import { type Chart, chartSheet, ticks } from "./chart.ts";

test.each<[readonly [number, number], readonly number[]]>([
  [
    [0, 1],
    [0, 0.2, 0.4, 0.6, 0.8, 1],
  ],
  [
    [0.83, 0.91],
    [0.82, 0.84, 0.86, 0.88, 0.9, 0.92],
  ],
  [
    [1, 4690],
    [0, 1000, 2000, 3000, 4000, 5000],
  ],
  [
    [-3, 4],
    [-4, -2, 0, 2, 4],
  ],
])("round numbers enclose %j", (extent, expected) => {
  expect(ticks(extent)).toEqual(expected);
});

const chart: Chart = {
  title: "loss <by step>",
  foot: "steps",
  format: (value) => value.toFixed(1),
  lines: [
    {
      name: "a",
      color: "#111",
      points: [
        { x: 0, y: 0 },
        { x: 10, y: 1 },
      ],
    },
    {
      name: "b",
      color: "#222",
      dashed: true,
      points: [
        { x: 0, y: 1 },
        { x: 10, y: 1 },
      ],
    },
  ],
};

test("lines go from corner to corner of the plot, and are named where they end", () => {
  const svg = chartSheet("A & B", [chart]);
  expect(svg).toContain('<path d="M56 268L324 44" fill="none" stroke="#111"');
  expect(svg).toContain(
    '<path d="M56 44L324 44" fill="none" stroke="#222" stroke-width="2" stroke-linejoin="round" stroke-dasharray',
  );
  // Both end at the same height; the names do not lie on each other.
  const heights = [...svg.matchAll(/y="([\d.]+)" fill="#(?:111|222)"/g)].map(([, height]) => Number(height));
  expect(heights).toEqual([48, 63]);
});

test("text is text: no name can break the file", () => {
  const svg = chartSheet("A & B", [chart, chart]);
  expect(svg).toContain("<title>A &#38; B</title>");
  expect(svg).toContain("loss &#60;by step&#62;");
  expect(svg).toContain('viewBox="0 0 840 360"');
});

import { coverage } from "lenslet";
import { expect, test } from "vitest";
import { opening } from "./catalogue.ts";
import { convolutionGeometry, outputAt, reach, windowStart } from "./geometry.ts";
import type { Settings } from "./settings.ts";
import { paddingOf } from "./settings.ts";

const cases: readonly Partial<Settings>[] = [
  {},
  { padding: "valid" },
  { padding: "same-lower", stride: 2 },
  { padding: "same", stride: 3, dilation: 2 },
  { padding: "pixels", paddingPixels: 4, stride: 2 },
];

/** How often each column is read, from the windows that the page draws. */
function countedByHand(settings: Settings, width: number): number[] {
  const [, axis] = convolutionGeometry(settings, 20, width);
  const counts = new Array<number>(width).fill(0);
  for (let output = 0; output < axis.output; output++) {
    for (let tap = 0; tap < axis.kernel; tap++) {
      const at = windowStart(axis, output) + tap * axis.dilation;
      if (at >= 0 && at < width) counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  return counts;
}

test.each(cases)("the page's windows are the package's: %j", (part) => {
  const settings = { ...opening, ...part };
  for (const width of [19, 20, 21, 22]) {
    const { stride, dilation } = settings;
    const one = { kernel: [1, 3], stride: [1, stride], dilation: [1, dilation] } as const;
    const padding = paddingOf(settings);
    const { counts } = coverage({
      ...one,
      input: [1, width],
      padding: typeof padding === "number" ? [0, padding] : padding,
    });
    expect(countedByHand(settings, width)).toEqual(Array.from(counts));
  }
});

test("the output over a window's middle is that window's", () => {
  for (const part of cases) {
    for (const axis of convolutionGeometry({ ...opening, ...part }, 20, 31)) {
      for (let output = 0; output < axis.output; output++) {
        expect(outputAt(axis, windowStart(axis, output) + (reach(axis) - 1) / 2)).toBe(output);
      }
    }
  }
});

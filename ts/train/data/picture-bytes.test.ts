import { createEngine, type Engine, preprocess } from "lenslet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pictureBytes } from "./picture-bytes.ts";

function picture(
  width: number,
  height: number,
): { data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number } {
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i * i * 7 + i * 13) % 256);
  return { data, width, height };
}

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());

describe.each(["crop", "pad", "stretch"] as const)("%s", (fit) => {
  test.each([
    [12, 12, 12, 12],
    [40, 30, 8, 8],
    [31, 47, 16, 9],
    [5, 3, 11, 14],
    [100, 7, 6, 6],
    [1, 1, 3, 2],
  ])("a picture of %i × %i in %i rows of %i is what preprocess makes of it", async (width, height, h, w) => {
    const pixels = picture(width, height);
    for (const [channels, color] of [
      [1, "grey"],
      [3, "rgb"],
    ] as const) {
      const bytes = pictureBytes(pixels, { size: [h, w], fit, channels });
      const input = preprocess({ size: [h, w], fit, channels: color });
      const expected = await input.tensor(engine, pixels).data();
      expect(bytes).toHaveLength(expected.length);
      // Bytes are rounded; a grey that is halfway between two may go either way.
      for (const [i, value] of expected.entries()) expect(Math.abs((bytes[i] ?? -9) - value)).toBeLessThan(0.501);
    }
  });
});

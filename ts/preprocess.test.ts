import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "./create.ts";
import type { Engine } from "./engine.ts";
import type { PixelSource } from "./image.ts";
import { preprocess, type PreprocessOptions } from "./preprocess.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());

/** Red is 10 times the column, green 10 times the row, blue 200. */
function picture(width: number, height: number): PixelSource {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([10 * x, 10 * y, 200, 255], 4 * (y * width + x));
  }
  return { data, width, height };
}

async function numbers(
  pixels: PixelSource,
  options: PreprocessOptions,
): Promise<{ shape: readonly number[]; data: number[] }> {
  using tensor = preprocess(options).tensor(engine, pixels);
  return { shape: tensor.shape, data: [...(await tensor.data())] };
}

describe("preprocess", () => {
  test("crops the central part of the right shape", async () => {
    const input = { size: 4, resample: "nearest" } as const;
    expect(preprocess(input).region({ width: 10, height: 4 })).toEqual({ left: 3, top: 0, width: 4, height: 4 });
    const { shape, data } = await numbers(picture(10, 4), input);
    expect(shape).toEqual([1, 4, 4, 3]);
    expect(data.slice(0, 6)).toEqual([30, 0, 200, 40, 0, 200]);
  });

  test("keeps a part of it, on whole pixels", () => {
    const input = preprocess({ size: 224, crop: 0.875 });
    // As the networks of EfficientNet-Lite are given chelsea.png of 451 x 300.
    expect(input.region({ width: 451, height: 300 })).toEqual({ left: 95, top: 19, width: 262, height: 262 });
    expect(input.region({ width: 1, height: 1 })).toEqual({ left: 0, top: 0, width: 1, height: 1 });
  });

  test("pads, and tells where the network's corners lie", async () => {
    const input = { size: 4, fit: "pad", fill: 51, resample: "nearest" } as const;
    expect(preprocess(input).region({ width: 4, height: 2 })).toEqual({ left: 0, top: -1, width: 4, height: 4 });
    const { data } = await numbers(picture(4, 2), input);
    expect(data.slice(0, 3)).toEqual([51, 51, 51]);
    expect(data.slice(12, 18)).toEqual([0, 0, 200, 10, 0, 200]);
    expect(data.slice(-3)).toEqual([51, 51, 51]);
    const normal = await numbers(picture(4, 2), { ...input, range: 1, mean: 0.2, std: 0.5 });
    expect(normal.data[0]).toBeCloseTo(0, 6);
    expect(normal.data[14]).toBeCloseTo((200 / 255 - 0.2) / 0.5, 5);
  });

  test("stretches", async () => {
    const { data } = await numbers(picture(8, 2), {
      size: [2, 4],
      fit: "stretch",
      channels: "grey",
      resample: "nearest",
    });
    expect(data).toHaveLength(8);
  });

  test("orders, ranges and layouts of channels", async () => {
    const bgr = await numbers(picture(2, 2), {
      size: 2,
      channels: "bgr",
      layout: "NCHW",
      mean: [100, 0, 0],
      std: [2, 1, 10],
    });
    expect(bgr.shape).toEqual([1, 3, 2, 2]);
    expect(bgr.data).toEqual([50, 50, 50, 50, 0, 0, 10, 10, 0, 1, 0, 1]);
  });

  test("averages over all pixels where it shrinks", async () => {
    const stripes = {
      width: 8,
      height: 8,
      data: new Uint8ClampedArray(256).map((_, i) => ((i >> 2) % 2 === 0 ? 255 : 0)),
    };
    const { data } = await numbers(stripes, { size: 2, channels: "grey" });
    // Neither black nor white, as every fourth column alone would be.
    for (const value of data) expect(Math.abs(value - 127.5)).toBeLessThan(10);
  });

  test.each<[string, PreprocessOptions, RegExp]>([
    ["a crop of nothing", { size: 4, crop: 0 }, /crop is 0/],
    ["a crop beside padding", { size: 4, fit: "pad", crop: 0.5 }, /nothing beside fit "pad"/],
    ["a fill without padding", { size: 4, fill: 3 }, /nothing without fit "pad"/],
    ["an unknown key", { size: 4, scale: 2 } as never, /unknown key "scale"/],
    ["unknown channels", { size: 4, channels: "hsv" as never }, /channels is "hsv"/],
  ])("refuses %s", (_, options, message) => {
    expect(() => preprocess(options)).toThrow(message);
  });

  test("refuses a picture that is not what it says", () => {
    const wrong = { width: 3, height: 3, data: new Uint8ClampedArray(4) };
    expect(() => preprocess({ size: 2 }).tensor(engine, wrong)).toThrow(/pixels.data has 4 bytes/);
    expect(() => preprocess({ size: 2 }).tensor(engine, { ...wrong, width: 0 })).toThrow(/pixels.width is 0/);
  });
});

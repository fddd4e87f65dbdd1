import { expect, test } from "vitest";
import { platform } from "./browser.ts";

const { decodeImage, encodeImage } = platform;
const data = new Uint8ClampedArray([
  255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 200, 100, 50, 255, 9, 9, 9, 255, 1, 2, 3, 255,
]);
const pixels = { data, width: 2, height: 3 };

test("a PNG holds what was put into it", async () => {
  const file = await encodeImage(pixels);
  for (const source of [file, new Blob([file]), URL.createObjectURL(new Blob([file]))]) {
    const { data: decoded, width, height } = await decodeImage(source);
    expect({ data: decoded, width, height }).toEqual(pixels);
  }
});

test("JPEG and WebP", async () => {
  for (const type of ["jpeg", "webp"] as const) {
    const file = await encodeImage(pixels, { type, quality: 0.9 });
    expect(await decodeImage(file)).toMatchObject({ width: 2, height: 3 });
  }
});

test("without OffscreenCanvas", async () => {
  const offscreen = globalThis.OffscreenCanvas;
  Reflect.deleteProperty(globalThis, "OffscreenCanvas");
  try {
    expect((await decodeImage(await encodeImage(pixels))).data).toEqual(data);
  } finally {
    globalThis.OffscreenCanvas = offscreen;
  }
});

test("what is no picture, and what is not there", async () => {
  const failure = { code: "image-failed", argument: "source" };
  await expect(decodeImage(Uint8Array.of(1, 2, 3))).rejects.toMatchObject(failure);
  await expect(decodeImage("data:image/png;base64,AAAA")).rejects.toMatchObject(failure);
});

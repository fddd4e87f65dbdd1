import sharp from "sharp";
import { expect, test } from "vitest";
import { platform } from "./node.ts";

const { decodeImage, encodeImage } = platform;
const data = new Uint8ClampedArray([
  255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 200, 100, 50, 0, 9, 9, 9, 128, 1, 2, 3, 255,
]);
const pixels = { data, width: 2, height: 3 };

test("a PNG holds what was put into it, transparent pixels too", async () => {
  const file = await encodeImage(pixels);
  expect(await decodeImage(file)).toEqual(pixels);
  expect(await decodeImage(file.buffer)).toEqual(pixels);
  expect(await decodeImage(new Blob([file]))).toEqual(pixels);
  expect(await decodeImage(`data:image/png;base64,${Buffer.from(file).toString("base64")}`)).toEqual(pixels);
});

test("JPEG and WebP, worse and smaller with less quality", async () => {
  const noise = Uint8ClampedArray.from({ length: 64 * 64 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 7919) % 256));
  for (const type of ["jpeg", "webp"] as const) {
    const [low, high] = await Promise.all(
      [0.1, 0.9].map((quality) => encodeImage({ data: noise, width: 64, height: 64 }, { type, quality })),
    );
    expect(low?.length).toBeLessThan(high?.length ?? 0);
    expect(await decodeImage(high ?? new Uint8Array())).toMatchObject({ width: 64, height: 64 });
  }
});

test("greyscale, without alpha, and turned by EXIF, as browsers show it", async () => {
  const grey = await sharp(Uint8Array.of(10, 20), { raw: { width: 2, height: 1, channels: 1 } })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  const turned = await decodeImage(Uint8Array.from(grey));
  expect(turned).toEqual({ data: new Uint8ClampedArray([10, 10, 10, 255, 20, 20, 20, 255]), width: 1, height: 2 });
});

test("what is no picture, and what is not there", async () => {
  const failure = { code: "image-failed", argument: "source" };
  await expect(decodeImage(Uint8Array.of(1, 2, 3))).rejects.toMatchObject(failure);
  await expect(decodeImage("no/such.png")).rejects.toMatchObject(failure);
  await expect(decodeImage(new URL("file:///no/such.png"))).rejects.toMatchObject(failure);
});

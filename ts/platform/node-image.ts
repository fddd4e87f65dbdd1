/** Pictures in Node: through sharp, an optional peer. */
import type Sharp from "sharp";
import { LensletError } from "../errors.ts";
import type { EncodeOptions, ImageSource, Pixels } from "./platform.ts";

type Request = (source: string | URL) => Promise<Response>;

/** Decodes a picture, turned as its EXIF data says, as browsers do. */
export async function decodeImage(source: ImageSource, request: Request): Promise<Pixels> {
  const sharp = await importSharp();
  try {
    const { data, info } = await sharp(await read(source, request))
      .rotate()
      .toColourspace("srgb")
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data: Uint8ClampedArray.from(data), width: info.width, height: info.height };
  } catch (cause) {
    throw new LensletError(
      "image-failed",
      `image.decode: source could not be read (${messageOf(cause)}); expected a PNG, JPEG, WebP or another picture`,
      {
        argument: "source",
        cause,
      },
    );
  }
}

/** Encodes a picture. */
export async function encodeImage(pixels: Pixels, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { type = "png", quality } = options;
  const sharp = await importSharp();
  const { data, width, height } = pixels;
  try {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const image = sharp(bytes, { raw: { width, height, channels: 4 } });
    const percent = type === "png" || quality === undefined ? {} : { quality: Math.max(1, Math.round(quality * 100)) };
    return Uint8Array.from(await image.toFormat(type, percent).toBuffer());
  } catch (cause) {
    throw new LensletError("image-failed", `image.encode: the picture could not be written (${messageOf(cause)})`, {
      cause,
    });
  }
}

async function read(source: ImageSource, request: Request): Promise<ArrayBuffer | Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return source;
  return source instanceof Blob ? source.arrayBuffer() : (await request(source)).arrayBuffer();
}

async function importSharp(): Promise<typeof Sharp> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    const text =
      'image: Node reads and writes pictures through the package "sharp", which could not be loaded; npm install sharp';
    throw new LensletError("missing-package", text, { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Pictures in browsers: through a canvas. */
import { LensletError } from "../errors.ts";
import type { EncodeOptions, ImageSource, Pixels } from "./platform.ts";

type Request = (source: string | URL) => Promise<Response>;
type Canvas = OffscreenCanvas | HTMLCanvasElement;

/** Decodes a picture, turned as its EXIF data says. */
export async function decodeImage(source: ImageSource, request: Request): Promise<Pixels> {
  try {
    const bitmap = await createImageBitmap(await read(source, request));
    const { width, height } = bitmap;
    try {
      const context = contextOf(createCanvas(width, height));
      context.drawImage(bitmap, 0, 0);
      return context.getImageData(0, 0, width, height);
    } finally {
      bitmap.close();
    }
  } catch (cause) {
    throw failure("image.decode: source could not be read", cause, "source");
  }
}

/** Encodes a picture. */
export async function encodeImage(pixels: Pixels, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const type = `image/${options.type ?? "png"}`;
  const { data, width, height } = pixels;
  try {
    const canvas = createCanvas(width, height);
    contextOf(canvas).putImageData(new ImageData(data, width, height), 0, 0);
    const blob = await toBlob(canvas, type, options.quality);
    if (blob.type !== type) throw new Error(`this browser does not write ${type}`);
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw failure("image.encode: the picture could not be written", cause);
  }
}

async function read(source: ImageSource, request: Request): Promise<Blob> {
  if (source instanceof Blob) return source;
  const isBytes = source instanceof Uint8Array || source instanceof ArrayBuffer;
  return isBytes ? new Blob([source]) : (await request(source)).blob();
}

function createCanvas(width: number, height: number): Canvas {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

function contextOf(canvas: Canvas): OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D {
  const settings: CanvasRenderingContext2DSettings = { willReadFrequently: true };
  const context = "convertToBlob" in canvas ? canvas.getContext("2d", settings) : canvas.getContext("2d", settings);
  if (context === null) throw new Error("no 2D canvas of this size can be had");
  return context;
}

function toBlob(canvas: Canvas, type: string, quality: number | undefined): Promise<Blob> {
  if ("convertToBlob" in canvas) return canvas.convertToBlob(quality === undefined ? { type } : { type, quality });
  return new Promise((resolve, reject) => {
    const take = (blob: Blob | null): void => {
      if (blob === null) reject(new Error("the canvas gave nothing"));
      else resolve(blob);
    };
    canvas.toBlob(take, type, quality);
  });
}

function failure(text: string, cause: unknown, argument?: string): LensletError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LensletError("image-failed", `${text} (${reason})`, { argument, cause });
}

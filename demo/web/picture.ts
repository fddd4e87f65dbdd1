import { brush, make } from "./dom.ts";

/** A picture to filter, and where it came from. */
export interface Picture {
  readonly pixels: ImageData;
  readonly note: string;
}

/** Larger pictures are reduced: the page draws every value of every result. */
const LONGEST = 1024;
const CAMERA = { width: { ideal: 480 }, height: { ideal: 360 }, facingMode: "environment" } as const;

/** Reads a picture that a visitor brought, or the one that comes with the page. */
export async function readPicture(source: Blob, name: string): Promise<Picture> {
  const bitmap = await createImageBitmap(source).catch(() => undefined);
  if (bitmap === undefined) throw new Error(`${name} is not a picture that this browser can read`);
  const { width, height } = bitmap;
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const pixels = pixelsOf(bitmap, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  bitmap.close();
  return { pixels, note: scale === 1 ? name : `${name}, reduced from ${width} × ${height}` };
}

/** The picture that a drop or a paste brought along. */
export function pictureIn(transfer: DataTransfer | null): File | undefined {
  return Array.from(transfer?.files ?? []).find((file) => file.type.startsWith("image/"));
}

/** The visitor's camera: frames are taken when the engine is ready for the next one. */
export class Camera {
  readonly #video = make("video", { playsinline: "", muted: "" });
  #stream: MediaStream | undefined;

  get on(): boolean {
    return this.#stream !== undefined;
  }

  async start(ended: () => void): Promise<void> {
    const devices: MediaDevices | undefined = navigator.mediaDevices;
    if (devices === undefined) throw new Error("the camera needs a secure page (https or localhost)");
    const stream = await devices.getUserMedia({ video: CAMERA, audio: false }).catch((cause: unknown) => {
      throw new Error(cameraTrouble(cause), { cause });
    });
    for (const track of stream.getVideoTracks()) track.addEventListener("ended", ended);
    this.#stream = stream;
    this.#video.muted = true;
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
  }

  /** Resolves with the next frame, or with undefined once the camera is off. */
  async frame(): Promise<Picture | undefined> {
    if (!this.on) return undefined;
    await new Promise<void>((resolve) => {
      if ("requestVideoFrameCallback" in this.#video) this.#video.requestVideoFrameCallback(() => resolve());
      // A hidden page gets no frames; the loop must not hang on that.
      setTimeout(resolve, 250);
    });
    const { videoWidth, videoHeight } = this.#video;
    if (!this.on || videoWidth === 0) return undefined;
    const scale = Math.min(1, 640 / Math.max(videoWidth, videoHeight));
    return {
      pixels: pixelsOf(this.#video, Math.round(videoWidth * scale), Math.round(videoHeight * scale)),
      note: "Camera, live",
    };
  }
}

/** Draws a picture at some size and takes its pixels. Transparent parts become white. */
export function pixelsOf(source: CanvasImageSource, width: number, height: number): ImageData {
  const canvas = make("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = brush(canvas, { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function cameraTrouble(cause: unknown): string {
  const name = cause instanceof DOMException ? cause.name : "";
  if (name === "NotAllowedError") return "the browser was not allowed to use the camera";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "there is no camera here";
  if (name === "NotReadableError") return "another program is using the camera";
  return "the camera did not start";
}

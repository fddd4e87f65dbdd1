/** What a runtime gives the package. `platform/node.ts` and `platform/browser.ts` implement it; nothing else knows a runtime. */

import type { Runtime } from "../command.ts";

/** A picture: rows of RGBA bytes, alpha not premultiplied. An `ImageData` is one. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Where a picture comes from: a path (Node) or an address, a `Blob` or `File`, or an encoded file's bytes. */
export type ImageSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** How to encode a picture. */
export interface EncodeOptions {
  /** Default `"png"`. */
  readonly type?: "png" | "jpeg" | "webp";
  /** 0 to 1, for `"jpeg"` and `"webp"`; default: the encoder's own. */
  readonly quality?: number;
}

/**
 * A worker of either kind, a browser's `Worker` or one of `node:worker_threads`, as far as lenslet must know its type:
 * the package's declarations need neither the DOM's nor Node's.
 */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** What a {@link WorkerLink} tells about its worker. */
export interface WorkerListener {
  message(data: unknown): void;
  /** The worker failed or ended. May come more than once. */
  lost(cause: unknown): void;
}

/** The line to one worker. */
export interface WorkerLink {
  /** The name of a Web Lock that the worker shall hold for life, where that is how its end is noticed. */
  readonly lock: string | undefined;
  /** Begins to listen; one listener, once. */
  listen(listener: WorkerListener): void;
  /** Begins to wait for the lock, which the worker now holds: to be granted it means that the worker is gone. */
  watchLock(): void;
  /** Throws if the message cannot be cloned. */
  post(message: unknown, transfer: readonly Transferable[]): void;
  /** Whether the worker keeps the program running; it does until told otherwise. */
  keepAlive(needed: boolean): void;
  /** Stops listening and ends the worker, at once and whatever it does. */
  close(): void;
}

/** One way to start the package's own worker. */
export interface WorkerStart {
  readonly host: "worker-url" | "worker-blob";
  /** The way in words, for the text of an error: `"from its URL"`. */
  readonly way: string;
  /** Starts the worker. What fails later comes as `lost`. */
  start(): WorkerLink | Promise<WorkerLink>;
}

/** What lies in a folder. */
export interface FolderEntry {
  /** Its name, without the folder's. */
  readonly name: string;
  /** Its path. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** Where a program's progress is told to people. */
export interface Terminal {
  /** Characters of a line that can be written anew; undefined where what is written stays, as in a file. */
  readonly columns: number | undefined;
  write(text: string): void;
}

/** A runtime. */
export interface Platform {
  readonly runtime: Runtime;
  /** Undefined in a page. */
  readonly terminal: Terminal | undefined;
  /** The ways to start the package's worker, best first. */
  readonly workers: readonly WorkerStart[];
  /** What to do where all of {@link workers} fail. */
  readonly workerRemedy: string;
  /** The line to a worker that the caller made, or undefined if it is none. */
  adoptWorker(worker: WorkerLike): WorkerLink | undefined;
  /** Fetches, or in Node also reads, a file; an answer that is not "OK" throws. */
  request(source: string | URL, signal?: AbortSignal): Promise<Response>;
  /** What lies in a folder, in no order; undefined where there are no folders. Throws what the runtime does. */
  readonly listFolder: ((folder: string | URL) => Promise<readonly FolderEntry[]>) | undefined;
  /** The bytes of deflate-raw data in base64. */
  inflate(base64: string): BufferSource | Promise<BufferSource>;
  /** Reads a picture; throws `image-failed` or `missing-package`. */
  decodeImage(source: ImageSource): Promise<Pixels>;
  /** Writes a picture as a PNG, JPEG or WebP file; throws `image-failed` or `missing-package`. */
  encodeImage(pixels: Pixels, options?: EncodeOptions): Promise<Uint8Array<ArrayBuffer>>;
}

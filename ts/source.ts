/** Files of models and data, wherever they come from, as bytes. */
import { abortable, abortError } from "./abort.ts";
import { LensletError } from "./errors.ts";
import { invalid } from "./options.ts";

/** Where a file comes from: an address (in Node also a path), a `Blob` or `File`, bytes, or a stream of them. */
export type FileSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** How far a file has come. */
export interface Progress {
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all, where they are known. */
  readonly total: number | undefined;
}

/** Options of {@link readFile}. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Fetches an address, or in Node reads a path; throws if there is nothing. */
  readonly request: (source: string | URL, signal?: AbortSignal) => Promise<Response>;
}

/** Whether `source` is one. */
export function isFileSource(source: unknown): source is FileSource {
  if (typeof source === "string") return source !== "";
  return [URL, Blob, ArrayBuffer, Uint8Array, ReadableStream].some((type) => source instanceof type);
}

/** All bytes of a file: the caller's own where it gave bytes. Throws `file-failed` or `aborted`. */
export async function readFile(
  call: string,
  argument: string,
  source: FileSource,
  options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, onProgress } = options;
  if (!isFileSource(source))
    throw invalid(call, argument, source, "a path or URL, a Blob, bytes (ArrayBuffer, Uint8Array) or a ReadableStream");
  if (signal?.aborted === true) throw abortError(signal, call);
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    onProgress?.({ loaded: source.byteLength, total: source.byteLength });
    return source instanceof Uint8Array ? source : new Uint8Array(source);
  }
  try {
    const { stream, total } = await open(source, options);
    return await collect(stream, total, call, options);
  } catch (cause) {
    if (cause instanceof LensletError) throw cause;
    if (options.signal?.aborted === true) throw abortError(options.signal, call);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const place = typeof source === "string" || source instanceof URL ? ` ${String(source).slice(0, 200)}` : "";
    const text = `${call}: ${argument}${place} could not be read (${reason.replace(/\.$/, "")}); check the address and that the server allows this page to fetch it`;
    throw new LensletError("file-failed", text, { argument, cause });
  }
}

interface Opened {
  readonly stream: ReadableStream<Uint8Array>;
  readonly total: number | undefined;
}

async function open(
  source: string | URL | Blob | ReadableStream<Uint8Array>,
  { request, signal }: ReadOptions,
): Promise<Opened> {
  if (source instanceof ReadableStream) return { stream: source, total: undefined };
  if (source instanceof Blob) return { stream: source.stream(), total: source.size };
  const response = await request(source, signal);
  const { body, headers } = response;
  // The length of what is encoded is not that of what arrives.
  const length = headers.has("content-encoding") ? undefined : (headers.get("content-length") ?? undefined);
  const total = length === undefined ? undefined : Number(length);
  return { stream: body ?? new Blob([]).stream(), total: Number.isSafeInteger(total) ? total : undefined };
}

/** Gathers a stream. */
async function collect(
  stream: ReadableStream<Uint8Array>,
  total: number | undefined,
  call: string,
  { signal, onProgress }: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const bytes = new Gathering(total);
  try {
    for (;;) {
      const next = reader.read();
      const { done, value } = await (signal === undefined ? next : abortable(next, signal, undefined, call));
      if (done) return bytes.whole();
      bytes.add(value);
      onProgress?.({ loaded: bytes.length, total });
    }
  } catch (error) {
    // A caller's stream is told; that it fails for a second time is no news.
    reader.cancel(error).catch(() => undefined);
    throw error;
  }
}

/** Most bytes that are set aside because a server says so. */
const MAX_TRUSTED = 1 << 28;

/** Bytes that arrive piece by piece, in one buffer that grows. */
class Gathering {
  #bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(expected: number | undefined) {
    this.#bytes = new Uint8Array(Math.min(expected ?? 0, MAX_TRUSTED));
  }

  add(piece: Uint8Array): void {
    const needed = this.length + piece.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.length);
    this.length = needed;
  }

  whole(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }
}

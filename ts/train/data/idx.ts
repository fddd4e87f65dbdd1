/**
 * IDX files, in which MNIST and its like are kept: two zero bytes, a type, the number of axes, their sizes as big-endian
 * 32-bit integers, and the numbers themselves (http://yann.lecun.com/exdb/mnist/).
 */
import { platform } from "#platform";
import { LensletError } from "../../errors.ts";
import { checkOptions, invalid } from "../../options.ts";
import { elementCount, formatShape, MAX_ELEMENTS, type Shape } from "../../shape.ts";
import { type FileSource, readFile } from "../../source.ts";
import { arrayDataset, type ScalingOptions } from "./arrays.ts";
import type { Dataset } from "./dataset.ts";

/** Options of {@link idx}. */
export interface IdxOptions extends ScalingOptions {
  /** The file of pictures: `train-images-idx3-ubyte`, gzipped or not, as a path, URL, `Blob`, bytes or stream. */
  readonly images: FileSource;
  /** The file of their classes' numbers: `train-labels-idx1-ubyte`. */
  readonly labels: FileSource;
  /** What the classes are called, or how many there are. Default: as many as the largest label says. */
  readonly classes?: readonly string[] | number | undefined;
  /** Ends reading. */
  readonly signal?: AbortSignal | undefined;
}

/** What an IDX file of bytes holds. */
interface Bytes {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly shape: Shape;
}

const CALL = "data.idx";

/**
 * Pictures and their labels from a pair of IDX files, as MNIST, Fashion-MNIST, KMNIST and EMNIST have them: inputs
 * `[h, w, 1]`, bytes as numbers from 0 to 1 before `mean` and `std`.
 *
 * Rejects with `file-failed` where a file cannot be read, and with `data-invalid` where it is none of IDX, ends early, goes
 * on too long, or holds a label that is no class.
 *
 * @example
 * const digits = await data.idx({ images: "train-images-idx3-ubyte.gz", labels: "train-labels-idx1-ubyte.gz" });
 */
export async function idx(options: IdxOptions): Promise<Dataset> {
  checkOptions(CALL, options, ["images", "labels", "classes", "mean", "std", "signal"]);
  const { signal, mean, std } = options;
  const names = namesOf(options.classes);
  const read = async (argument: "images" | "labels"): Promise<Bytes> =>
    parseIdx(await unzipped(argument, await bytesOf(argument, options[argument], signal)), argument);
  const [images, labels] = await Promise.all([read("images"), read("labels")]);
  const [n = 0, h = 0, w = 0, ...more] = images.shape;
  if (images.shape.length < 3 || more.length > 1)
    throw wrong(
      "images",
      `has shape ${formatShape(images.shape)}`,
      "[n, h, w] or [n, h, w, c]: is it the file of labels?",
    );
  if (labels.shape.length !== 1)
    throw wrong("labels", `has shape ${formatShape(labels.shape)}`, "[n]: is it the file of images?");
  const [count = 0] = labels.shape;
  if (count !== n)
    throw wrong("labels", `has ${count} labels`, `${n}, one for each of images; are both of the same set?`);
  checkLabels(labels.data, names);
  const shape = [n, h, w, more[0] ?? 1];
  return arrayDataset(CALL, { x: { data: images.data, shape }, y: labels.data, classes: names, mean, std });
}

function namesOf(classes: IdxOptions["classes"]): readonly string[] | undefined {
  if (classes === undefined) return undefined;
  if (typeof classes === "number" && Number.isInteger(classes) && classes > 0 && classes <= 256)
    return Array.from({ length: classes }, (_, label) => String(label));
  if (Array.isArray(classes) && classes.length > 0) return classes;
  throw invalid(CALL, "classes", classes, "the classes' names, or how many there are, from 1 to 256");
}

async function bytesOf(
  argument: string,
  source: FileSource,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(CALL, argument, source, { signal, request: platform.request });
}

/** The contents of a gzip file, or the bytes themselves where they are none: servers may have unzipped them. */
async function unzipped(argument: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    const text = `${CALL}: ${argument} is a gzip file that is damaged or ends early (${bytes.length} bytes); fetch it again`;
    throw new LensletError("data-invalid", text, { argument, cause });
  }
}

/** The numbers of an IDX file of bytes. */
export function parseIdx(bytes: Uint8Array<ArrayBuffer>, argument: string): Bytes {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw wrong(argument, `ends after ${bytes.length} bytes`, "an IDX file");
  const magic = header.getUint32(0);
  const rank = magic & 0xff;
  if (magic >>> 16 !== 0 || rank === 0 || rank > 4) {
    const found = `0x${magic.toString(16).padStart(8, "0")}`;
    throw wrong(argument, `begins with ${found}`, "an IDX file: 0x00000803 for images, 0x00000801 for labels");
  }
  const type = (magic >>> 8) & 0xff;
  if (type !== UNSIGNED_BYTE) {
    const name = TYPES.get(type) ?? "an unknown type";
    throw wrong(argument, `holds ${name} (0x${type.toString(16).padStart(2, "0")})`, "unsigned bytes (0x08)");
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw wrong(argument, `ends after ${bytes.length} bytes`, `a header of ${start}`);
  const shape: Shape = Array.from({ length: rank }, (_, axis) => header.getUint32(4 + 4 * axis));
  const length = elementCount(shape);
  if (length === 0 || length > MAX_ELEMENTS)
    throw wrong(argument, `says that its shape is ${formatShape(shape)}`, `1 to ${MAX_ELEMENTS} elements`);
  const found = bytes.length - start;
  if (found !== length) {
    const how = found < length ? "is truncated: it" : "is longer than its header says: it";
    throw wrong(argument, `${how} has ${found} bytes after the header`, `${length}, for shape ${formatShape(shape)}`);
  }
  return { data: bytes.subarray(start), shape };
}

const UNSIGNED_BYTE = 0x08;
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x09, "signed bytes"],
  [0x0b, "16-bit integers"],
  [0x0c, "32-bit integers"],
  [0x0d, "32-bit floats"],
  [0x0e, "64-bit floats"],
]);

function checkLabels(labels: ArrayLike<number>, names: readonly string[] | undefined): void {
  if (names === undefined) return;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? 0;
    if (label >= names.length)
      throw wrong(
        "labels",
        `says at ${i} that the class is ${label}`,
        `0 to ${names.length - 1}, as there are ${names.length} classes`,
      );
  }
}

/** The error for a file that is not what it should be. */
function wrong(argument: string, found: string, expected: string): LensletError {
  return new LensletError("data-invalid", `${CALL}: ${argument} ${found}; expected ${expected}`, { argument });
}

/** Data on its way into a tensor. */
import { checkOptions, flag, invalid } from "../options.ts";
import { elementCount, formatShape, parseShape, type Shape } from "../shape.ts";
import { arrayLike, mismatch, upload } from "./plan.ts";

/** Options of `engine.tensor`. */
export interface TensorOptions {
  /**
   * Whether the data moves instead of being copied: the caller's array is empty afterwards. It must be a Float32Array that
   * spans its whole ArrayBuffer. Default false.
   */
  readonly transfer?: boolean | undefined;
}

/** The bytes of a new tensor, and its shape. */
export interface TensorBytes {
  /** Whether the caller gave them up. */
  readonly owned: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly shape: Shape;
}

/** Checks data and shape, and takes the data if it is to be transferred. */
export function tensorBytes(call: string, data: unknown, shape: unknown, options: TensorOptions = {}): TensorBytes {
  checkOptions(call, options, ["transfer"]);
  const transfer = flag(call, "transfer", options.transfer ?? false);
  const { length } = arrayLike(call, "data", data);
  if (shape === undefined && length === 0) throw invalid(call, "data", data, "at least one number");
  const sizes = parseShape(call, "shape", shape === undefined ? [length] : shape);
  if (!transfer) return { bytes: upload(call, "data", data, sizes), owned: false, shape: sizes };
  if (
    !(data instanceof Float32Array) ||
    !(data.buffer instanceof ArrayBuffer) ||
    data.byteLength !== data.buffer.byteLength
  ) {
    throw invalid(
      call,
      "data",
      data,
      "a Float32Array over the whole of its ArrayBuffer, to transfer; leave transfer out to copy",
    );
  }
  if (length !== elementCount(sizes)) {
    throw mismatch(
      call,
      "data",
      `has ${length} elements; expected ${elementCount(sizes)} for shape ${formatShape(sizes)}`,
    );
  }
  return { bytes: taken(data.buffer), owned: true, shape: sizes };
}

/** The bytes of a buffer that is empty afterwards, at once in every engine: what the caller writes to it later must not depend on where the engine runs. */
export function taken(buffer: ArrayBuffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(structuredClone(buffer, { transfer: [buffer] }));
}

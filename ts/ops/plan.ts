/**
 * What an operator makes of its arguments once they are checked: a plan, plain data that the store turns into a command.
 * Operators are pure functions from arguments to plans; they touch no engine.
 *
 * A new operator is: its name in `command.ts`, a function here in `ops/` that checks and writes the words, the export in
 * `crates/wasm` that reads them, and a method in `operators.ts`.
 */
import type { OpName } from "../command.ts";
import { LensletError } from "../errors.ts";
import { invalid, type Layout, show } from "../options.ts";
import { checkElements, formatShape, type ImageSize, imageShape, imageSize, parseShape, type Shape } from "../shape.ts";
import { type DType, type NdArray, Tensor, type VectorOperand } from "../tensor.ts";

/** An input of an operator: a tensor, or bytes to upload for the call, which may be the caller's own. */
export interface Input {
  /** What the caller calls it: `"filter"`. */
  readonly argument: string;
  readonly shape: Shape;
  readonly value: Tensor | Uint8Array<ArrayBuffer>;
  /** True for bytes that the caller gave up. */
  readonly owned?: boolean;
}

/** An output of an operator. */
export interface Output {
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
}

/** A checked call of an operator. */
export interface Plan {
  /** The method that was called, for messages. */
  readonly call: string;
  readonly op: OpName;
  /** In the core's order; an optional one that is not there is `undefined`. */
  readonly inputs: readonly (Input | undefined)[];
  readonly outputs: readonly Output[];
  readonly words: readonly number[];
}

/** A checked change of shape: the elements stay where they are. */
export interface Reshape<D extends DType = DType> {
  readonly call: string;
  readonly of: Tensor<D>;
  readonly shape: Shape;
}

/** A float32 output; throws `too-large`. */
export function output(call: string, shape: Shape, dtype: DType = "float32"): Output {
  return { shape: Object.freeze([...shape]), size: checkElements(call, "the output", shape), dtype };
}

/** A float32 output of images in a layout; throws `too-large`. */
export function imageOutput(call: string, layout: Layout, size: ImageSize, dtype: DType = "float32"): Output {
  return output(call, imageShape(layout, size), dtype);
}

/** A tensor of any kind. */
export function anyTensor<D extends DType>(call: string, argument: string, value: Tensor<D>): Tensor<D> {
  if (value instanceof Tensor) return value;
  throw invalid(call, argument, value, "a tensor: engine.tensor(data, shape) makes one");
}

/** A float32 tensor as an input. */
export function tensorInput(call: string, argument: string, value: Tensor): Input {
  const { dtype, shape }: Tensor<DType> = anyTensor(call, argument, value);
  if (dtype === "float32") return { argument, shape, value };
  const text = `${call}: ${argument} is an ${dtype} tensor; expected float32 (indices are for reading: await ${argument}.data())`;
  throw new LensletError("invalid-argument", text, { argument });
}

/** An input of images: a float32 tensor of rank 4 and its sizes. */
export interface ImageInput extends Input, ImageSize {}

/** Images as an input. */
export function imageInput(call: string, value: Tensor, layout: Layout, argument = "x"): ImageInput {
  const input = tensorInput(call, argument, value);
  if (input.shape.length === 4) return { ...input, ...imageSize(layout, input.shape) };
  const axes = layout === "NHWC" ? "[n, h, w, c]" : "[n, c, h, w]";
  const remedy =
    input.shape.length === 3 ? `; reshape(${argument}, [1, ${input.shape.join(", ")}]) adds the batch axis` : "";
  throw mismatch(call, argument, `has shape ${formatShape(input.shape)}; expected ${axes}${remedy}`);
}

/** The error for shapes that do not go together: "conv2d: bias has shape [3]; expected [8] ...". */
export function mismatch(call: string, argument: string, text: string): LensletError {
  return new LensletError("shape-mismatch", `${call}: ${argument} ${text}`, { argument });
}

/** A tensor, or an array with a shape, as an input. */
export function operandInput(call: string, argument: string, value: unknown): Input {
  if (value instanceof Tensor) return tensorInput(call, argument, value);
  if (!isNdArray(value)) {
    throw invalid(call, argument, value, "a tensor or { data, shape }");
  }
  const shape = parseShape(call, `${argument}.shape`, value.shape);
  return { argument, shape, value: upload(call, `${argument}.data`, value.data, shape) };
}

function isNdArray(value: unknown): value is NdArray {
  return typeof value === "object" && value !== null && "data" in value && "shape" in value;
}

/** A tensor, an array with a shape, or plain numbers of one axis, as an input. */
export function looseInput(call: string, argument: string, value: unknown): Input {
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return operandInput(call, argument, value);
  const { length } = arrayLike(call, argument, value);
  if (length === 0) throw invalid(call, argument, value, "at least one number");
  const shape = parseShape(call, argument, [length]);
  return { argument, shape, value: upload(call, argument, value, shape) };
}

/** An operand of shape `[length]`, one element for each of `what`; `undefined` where it was left out. */
export function vectorInput(
  call: string,
  argument: string,
  value: VectorOperand | undefined,
  length: number,
  what: string,
): Input | undefined {
  if (value === undefined) return undefined;
  const input = looseInput(call, argument, value);
  if (input.shape.length === 1 && input.shape[0] === length) return input;
  throw mismatch(
    call,
    argument,
    `has shape ${formatShape(input.shape)}; expected [${length}], one for each of the ${length} ${what}`,
  );
}

/**
 * The bytes of numbers as float32: the caller's own if that is what they are, else a copy. Throws where there are not as
 * many as the shape says.
 */
export function upload(call: string, argument: string, data: unknown, shape: Shape): Uint8Array<ArrayBuffer> {
  const size = checkElements(call, argument, shape);
  const numbers = arrayLike(call, argument, data);
  if (numbers.length !== size) {
    throw mismatch(call, argument, `has ${numbers.length} elements; expected ${size} for shape ${formatShape(shape)}`);
  }
  return bytesOf(toFloat32(call, argument, numbers));
}

/** The bytes of a typed array, copied only from shared memory, which someone else may write to. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}

/** Checks that `data` is an array or a typed array. */
export function arrayLike(call: string, argument: string, data: unknown): ArrayLike<unknown> {
  if (Array.isArray(data) || (ArrayBuffer.isView(data) && "length" in data)) return data as ArrayLike<unknown>;
  throw invalid(call, argument, data, "a Float32Array or an array of numbers");
}

function toFloat32(call: string, argument: string, data: ArrayLike<unknown>): Float32Array {
  if (data instanceof Float32Array) return data;
  // Typed arrays of numbers hold nothing else; those of bigints would throw a TypeError of their own.
  if (ArrayBuffer.isView(data) && typeof data[0] === "number")
    return new Float32Array(data as unknown as ArrayLike<number>);
  const floats = new Float32Array(data.length);
  for (let i = 0; i < floats.length; i++) {
    const value = data[i];
    if (typeof value !== "number") {
      const nested = Array.isArray(value) ? " (nested arrays go in flat, with a shape)" : "";
      throw new LensletError(
        "invalid-argument",
        `${call}: ${argument}[${i}] is ${show(value)}; expected a number${nested}`,
        { argument },
      );
    }
    floats[i] = value;
  }
  return floats;
}

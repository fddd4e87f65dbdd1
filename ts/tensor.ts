/** Tensors: handles of numbers that an engine holds. */
import type { TensorId } from "./command.ts";
import type { Engine } from "./engine.ts";
import { LensletError } from "./errors.ts";
import { checkOptions, invalid } from "./options.ts";
import { formatShape, type Shape } from "./shape.ts";

/** What a tensor's elements are: `"int32"` are indices (of `maxPool2dWithIndices`); operators want `"float32"`. */
export type DType = "float32" | "int32";

/** The arrays that {@link Tensor.data} resolves with. */
export interface TensorData {
  readonly float32: Float32Array<ArrayBuffer>;
  readonly int32: Int32Array<ArrayBuffer>;
}

/** What an engine keeps of a tensor. It never leads to the tensor, so that one that nobody holds can be collected. */
export interface Handle {
  readonly id: TensorId;
  readonly store: TensorStore;
  /** False once it was disposed. */
  readonly live: boolean;
}

/** The side of an engine that its tensors see. */
export interface TensorStore {
  readonly engine: Engine;
  /** False once the engine was disposed. */
  readonly open: boolean;
  read(handle: Handle): Promise<ArrayBuffer>;
  readInto(handle: Handle, into: Uint8Array): Promise<void>;
  release(handle: Handle): void;
}

/** Options of {@link Tensor.data}. */
export interface DataOptions<D extends DType = "float32"> {
  /**
   * An array of the tensor's size that the elements are copied to, and that `data` resolves with. Whoever reads picture
   * after picture saves the memory that a new array has to be given each time: 0.2 ms instead of 1.4 for 8 MB.
   */
  readonly into?: TensorData[D] | undefined;
}

let readHandle: (tensor: Tensor<DType>) => Handle;

/**
 * Numbers with a shape, row-major, held by an {@link Engine}: made by {@link Engine.tensor} and by the operators. The
 * handle is there at once; the numbers follow with {@link Tensor.data}.
 *
 * Dispose of tensors, or let `engine.scope` do it: they hold WebAssembly memory. One that is dropped is freed when the
 * garbage collector finds it, which may be late.
 */
export class Tensor<D extends DType = "float32"> {
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /** How many elements it has: the product of {@link Tensor.shape}. */
  readonly size: number;
  /** What its elements are. */
  readonly dtype: D;
  readonly #handle: Handle;

  static {
    readHandle = (tensor) => tensor.#handle;
  }

  /** Engines make tensors; nobody else has a handle to give. */
  constructor(handle: Handle, shape: Shape, size: number, dtype: D) {
    this.#handle = handle;
    this.shape = shape;
    this.size = size;
    this.dtype = dtype;
  }

  /** The engine that holds it. */
  get engine(): Engine {
    return this.#handle.store.engine;
  }

  /** Whether it was disposed of, itself or with its engine. */
  get disposed(): boolean {
    return !this.#handle.live || !this.#handle.store.open;
  }

  /**
   * A copy of the elements, row-major: a new array, or the one that is given. Everything that computes them has run when it
   * resolves.
   *
   * Rejects with `tensor-disposed`, `engine-disposed`, or with what kept the elements from being computed:
   * `out-of-memory`, `worker-lost`, `core-trapped`; and with `invalid-argument` or `shape-mismatch` for an array of another
   * type or length. The tensor may be disposed of while this is pending.
   */
  async data(options: DataOptions<D> = {}): Promise<TensorData[D]> {
    checkOptions("data", options, ["into"]);
    const { into } = options;
    if (into !== undefined) {
      this.#checkArray(into);
      await this.#handle.store.readInto(this.#handle, new Uint8Array(into.buffer, into.byteOffset, into.byteLength));
      return into;
    }
    const buffer = await this.#handle.store.read(this.#handle);
    return (this.dtype === "int32" ? new Int32Array(buffer) : new Float32Array(buffer)) as TensorData[D];
  }

  #checkArray(into: unknown): void {
    const wanted = this.dtype === "int32" ? Int32Array : Float32Array;
    if (!(into instanceof wanted)) throw invalid("data", "into", into, `an array of the tensor's type: ${wanted.name}`);
    if (into.length === this.size) return;
    const text = `data: into has ${into.length} elements, the tensor has ${this.size}: ${formatShape(this.shape)}`;
    throw new LensletError("shape-mismatch", text, { argument: "into" });
  }

  /** Frees its memory, unless a reshape still shares it. May be called again. */
  dispose(): void {
    this.#handle.store.release(this.#handle);
  }

  /** For `using`: {@link Tensor.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** `Tensor float32 [1, 28, 28, 3]` */
  toString(): string {
    return `Tensor ${this.dtype} ${formatShape(this.shape)}`;
  }
}

/** What the engine keeps of a tensor; for engines. */
export function handleOf(tensor: Tensor<DType>): Handle {
  return readHandle(tensor);
}

/** Arrays of numbers that are taken in: converted to float32, unless that is what they hold. */
export type Numbers =
  | readonly number[]
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/**
 * An array with a shape, where an operand may be given without making a tensor of it: uploaded for the one call and
 * freed after it. Make a tensor of a filter that is used often: only tensors keep the form that the kernels want.
 */
export interface NdArray {
  /** The elements, row-major: as many as the shape says. */
  readonly data: Numbers;
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /** For filters: the groups that they are made for, unless `conv2d` is told otherwise. */
  readonly groups?: number | undefined;
}

/** A tensor, or numbers to upload for the call. */
export type Operand = Tensor | NdArray;

/** An operand of one axis, such as a bias: plain numbers do as well. */
export type VectorOperand = Operand | Numbers;

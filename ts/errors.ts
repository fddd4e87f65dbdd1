/** What went wrong, for programs. The codes are stable; the messages are not. */
export type ErrorCode =
  /** A value that the option or argument may not have: a stride of 0, an unknown padding, NaN. */
  | "invalid-argument"
  /** Shapes that should agree do not, or data has another length than its shape. */
  | "shape-mismatch"
  /** The output would have no elements. */
  | "empty-output"
  /** A tensor of more elements than WebAssembly can hold. */
  | "too-large"
  /** The tensor was disposed before this use. */
  | "tensor-disposed"
  /** The tensor belongs to another engine. */
  | "foreign-tensor"
  /** The engine was disposed. */
  | "engine-disposed"
  /** WebAssembly has no memory left for a result. */
  | "out-of-memory"
  /** The engine's core has no operators of training. */
  | "training-unavailable"
  /** This runtime lacks WebAssembly SIMD, or the build that was asked for. */
  | "wasm-unsupported"
  /** The WebAssembly core could not be fetched or compiled, or is not lenslet's. */
  | "wasm-load-failed"
  /** The worker's script could not be loaded. */
  | "worker-load-failed"
  /** The worker ended while the engine still needed it. */
  | "worker-lost"
  /** The core trapped; the engine cannot go on, a new one can be made. */
  | "core-trapped"
  /** The caller's AbortSignal. */
  | "aborted"
  /** A training step whose loss or gradient is no finite number: the message names the step, the layer and the remedy. */
  | "training-diverged"
  /** The model is being trained, and what was asked for has to wait until that is over. */
  | "training-busy"
  /** A network that is wrong: its file, its graph, or operands that do not fit each other. */
  | "model-invalid"
  /** A network that is right, but needs what lenslet cannot do. */
  | "model-unsupported"
  /** A picture that could not be read or written. */
  | "image-failed"
  /** An optional package that this function needs is not installed. */
  | "missing-package"
  /** A file that could not be fetched or read. */
  | "file-failed"
  /** A file of samples that is none, that ends early, or that holds a label that is no class. */
  | "data-invalid"
  /** A model's file or graph that is malformed: truncated, cyclic, or at odds with itself. */
  | "model-invalid"
  /** A sound model that needs what lenslet does not have; the message lists all of it. */
  | "model-unsupported";

/** An error as plain data: comlink would keep only name, message and stack. */
export interface ErrorValue {
  readonly code: ErrorCode;
  readonly message: string;
  readonly argument?: string;
}

/** Options of {@link LensletError}. */
export interface LensletErrorOptions extends ErrorOptions {
  /** The option or argument at fault, as the caller knows it: `"stride"`. */
  readonly argument?: string | undefined;
}

/** The one class of errors that lenslet throws and rejects with. */
export class LensletError extends Error {
  override readonly name = "LensletError";
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** The option or argument at fault, if there is one. */
  readonly argument: string | undefined;

  constructor(code: ErrorCode, message: string, options: LensletErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.argument = options.argument;
  }

  /** This error as plain data that survives `postMessage`. */
  toValue(): ErrorValue {
    const { code, message, argument } = this;
    return argument === undefined ? { code, message } : { code, message, argument };
  }

  /** The error that `value` was made from. */
  static fromValue({ code, message, argument }: ErrorValue): LensletError {
    return new LensletError(code, message, { argument });
  }
}

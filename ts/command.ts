/**
 * What the facade tells the core to do. Commands are plain data: the thread engine runs them at once, the worker engine
 * posts a batch of them a microtask. Ids are the facade's; 0 stands for "no tensor".
 */
import type { ErrorValue } from "./errors.ts";

/** Names a tensor inside one engine: 1, 2, 3, ... */
export type TensorId = number;

/**
 * The operators of the core: each is the WebAssembly export of that name (crates/wasm). What an operator's `words` mean
 * is told at the two places that must agree: `ts/ops`, which writes them, and `crates/wasm/src/ops`, which reads them.
 */
export type OpName =
  | "conv2d"
  | "convTranspose2d"
  | "dense"
  | "pool2d"
  | "globalPool2d"
  | "adaptivePool2d"
  | "pad"
  | "activation"
  | "softmax"
  | "binary"
  | "unary"
  | "concat"
  | "transpose"
  | "batchNorm"
  | "resize2d"
  | "pixelsToTensor"
  | "tensorToPixels";

/** Stores data under a new id: 4 bytes an element, float32 or, for pictures, the four bytes of a pixel. */
export interface WriteCommand {
  readonly kind: "write";
  readonly id: TensorId;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Computes new tensors from others. */
export interface OpCommand {
  readonly kind: "op";
  readonly op: OpName;
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly { readonly id: TensorId; readonly length: number }[];
  readonly words: readonly number[];
}

/** Gives the elements of `of` a second id: a reshape. */
export interface AliasCommand {
  readonly kind: "alias";
  readonly id: TensorId;
  readonly of: TensorId;
}

/** Frees an id; the elements go with the last id that they have. */
export interface FreeCommand {
  readonly kind: "free";
  readonly id: TensorId;
}

/** Commands that have no answer: what goes wrong marks the tensors that they would have made. */
export type Command = WriteCommand | OpCommand | AliasCommand | FreeCommand;

/** Memory that the core holds, bytes. */
export interface CoreMemory {
  /** Buffers of tensors, including alignment. */
  readonly tensors: number;
  /** Filters packed for the kernels, kept as long as the filter tensor lives. */
  readonly packed: number;
  /** Scratch memory, kept for the next call. */
  readonly workspace: number;
  /** Freed buffers kept for the next tensors. */
  readonly spare: number;
  /** WebAssembly's linear memory: never shrinks. */
  readonly linear: number;
  /** How often a filter was packed since the engine began. */
  readonly packs: number;
}

/** The builds of the core. */
export type Build = "simd" | "relaxed";

/** The runtimes that tell their name. Any other that runs the browser's files counts as `"browser"`. */
export type Runtime = "node" | "deno" | "bun" | "browser";

/** How exact convolutions are: `"fast"` lets some take fewer multiplications and a larger error, `"strict"` sums plainly. */
export type Accuracy = "fast" | "strict";

/** Runs commands in the order in which they come. Made by `core/` for this thread and by `worker/` for another. */
export interface Executor {
  /** The build that runs, as the core itself says. */
  readonly build: Build;
  /** Where it runs: this thread, or a worker started in one of three ways. */
  readonly host: "thread" | "worker-url" | "worker-blob" | "worker-own";
  /** Queues or runs one command. Never throws for what only the core can notice. */
  submit(command: Command): void;
  /** A copy of a tensor's bytes, after all commands so far; rejects with what kept the tensor from being made. */
  read(id: TensorId): Promise<ArrayBuffer>;
  /** Resolves after all commands so far; rejects with the first failure since the last `idle`. */
  idle(): Promise<void>;
  /** The core's memory as of the last answer. */
  memory(): CoreMemory;
  /** Ends it: everything pending rejects with `engine-disposed`. May be called again. */
  dispose(): void;
}

/** The answer to one batch of commands. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorValue };

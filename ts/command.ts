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
export type OpName = InferenceOp | TrainingOp;

/** The operators that every core has. */
export type InferenceOp =
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
  | "matmul"
  | "reduce"
  | "argReduce"
  | "topK"
  | "where"
  | "toInt32"
  | "fromInt32"
  | "instanceNorm"
  | "groupNorm"
  | "layerNorm"
  | "lrn"
  | "slice"
  | "broadcastTo"
  | "gather"
  | "nonMaxSuppression"
  | "pixelsToTensor"
  | "tensorToPixels"
  | "grey"
  | "edges";

/** The operators of cores that train (crates/wasm/src/ops/grad). */
export type TrainingOp =
  | "conv2dGrad"
  | "convTranspose2dGrad"
  | "denseGrad"
  | "pool2dGrad"
  | "adaptivePool2dGrad"
  | "activationGrad"
  | "softmaxGrad"
  | "batchNormTraining"
  | "movingStatistics"
  | "batchNormGrad"
  | "groupNormGrad"
  | "layerNormGrad"
  | "crossEntropy"
  | "elementwiseLoss"
  | "sumTo"
  | "padGrad"
  | "resize2dGrad"
  | "dropout"
  | "gradientNorm"
  | "optimiserStep";

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

/** Names a program inside one engine: 1, 2, 3, ... */
export type ProgramId = number;

/** Where a step of a program finds or leaves a tensor. */
export type Place =
  /** There is none: an input that was left out. */
  | { readonly kind: "none" }
  /** Float32s in the engine's one arena, whose contents last for one run. The offset is a multiple of 16: 64 bytes. */
  | { readonly kind: "arena"; readonly offset: number; readonly length: number }
  /** A tensor of the engine: a weight, or what training changes. */
  | { readonly kind: "tensor"; readonly id: TensorId }
  /** One of the run's inputs. */
  | { readonly kind: "input"; readonly index: number }
  /** One of the run's outputs: written by a step, and then read by later ones too. */
  | { readonly kind: "output"; readonly index: number };

/**
 * One operator in a program. What it writes overlaps nothing else that it writes or reads, but see {@link IN_PLACE}.
 * It may write a tensor of the engine, where that lies: what later steps, runs and programs read is what was written last.
 */
export interface Step {
  readonly op: OpName;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  readonly words: readonly number[];
}

/**
 * Operators that may write where their first input lies, exactly, if no other input lies there. `binary` if the second
 * operand has the first one's shape, or one element.
 */
export const IN_PLACE: readonly OpName[] = ["activation", "unary", "binary"];

/**
 * Keeps a program in the core, packs the filters of its steps, and makes room for its arena. The tensors that it names
 * live at least as long as itself.
 */
export interface ProgramCommand {
  readonly kind: "program";
  readonly id: ProgramId;
  /** Float32s that the steps use of the arena. */
  readonly arena: number;
  readonly steps: readonly Step[];
  /**
   * Weights that nobody will read or write again: the elements of those that the steps only pack are given back once they
   * are packed. Such a tensor can still be freed, and serves programs that want it packed the same way.
   */
  readonly weightsOnlyPacked?: readonly TensorId[];
}

/** Forgets a program. */
export interface FreeProgramCommand {
  readonly kind: "freeProgram";
  readonly id: ProgramId;
}

/** Commands that have no answer: what goes wrong marks the tensors or the program that they would have made. */
export type Command = WriteCommand | OpCommand | AliasCommand | FreeCommand | ProgramCommand | FreeProgramCommand;

/** What a program is to be run on, and what it makes. */
export interface RunRequest {
  readonly program: ProgramId;
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly { readonly id: TensorId; readonly length: number }[];
}

/**
 * What may be wanted of a run. Without any of it all steps are one call into the core; with it they run in slices of a few
 * milliseconds, between which the thread that runs them looks after other events.
 */
export interface RunOptions {
  /** Ends the run before its next step: the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of steps that are done after every slice, and after the last step. */
  readonly onStep?: ((done: number, total: number) => void) | undefined;
  /** Takes the time of every step. */
  readonly timed?: boolean | undefined;
}

/** What a run tells, beside its outputs. */
export interface RunReport {
  /** Of each step, if they were timed. */
  readonly milliseconds?: Float32Array<ArrayBuffer>;
}

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
  /** What programs work in, one after the other: as large as the largest needs it. */
  readonly arena: number;
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
  /** Whether the core has the operators of training. */
  readonly training: boolean;
  /** Where it runs: this thread, or a worker started in one of three ways. */
  readonly host: "thread" | "worker-url" | "worker-blob" | "worker-own";
  /** Queues or runs one command. Never throws for what only the core can notice. */
  submit(command: Command): void;
  /** A copy of a tensor's bytes, after all commands so far; rejects with what kept the tensor from being made. */
  read(id: TensorId): Promise<ArrayBuffer>;
  /** Writes a tensor's bytes to `into`, which has as many; else as {@link Executor.read}. */
  readInto(id: TensorId, into: Uint8Array): Promise<void>;
  /** Resolves after all commands so far; rejects with the first failure since the last `idle`. */
  idle(): Promise<void>;
  /**
   * Runs a program after all commands so far; those that come later wait until it is over. Rejects with what kept a step
   * from running, its index in the text, or with `aborted`; the outputs are not made then, none of them.
   */
  run(request: RunRequest, options?: RunOptions): Promise<RunReport>;
  /**
   * The name of the strategy by which an operator would be computed, by a call of its own (`alone`) or as a step of a program, which
   * spares memory: empty where there is but one.
   */
  explain(op: OpName, words: readonly number[], alone: boolean): Promise<string>;
  /** The core's memory as of the last answer. */
  memory(): CoreMemory;
  /** Ends it: everything pending rejects with `engine-disposed`. May be called again. */
  dispose(): void;
}

/** The answer to one batch of commands. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorValue };

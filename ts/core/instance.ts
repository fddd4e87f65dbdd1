import type * as Exports from "#wasm/exports";
import type { Accuracy, Build, CoreMemory, OpName } from "../command.ts";
import { type ErrorCode, LensletError } from "../errors.ts";

/** What the core exports: wasm-pack's own declarations of the raw module. */
type CoreExports = typeof Exports;

/** Places of `ErrorCode` in crates/kernels/src/shape/mod.rs. */
const ERROR_CODES: readonly ErrorCode[] = [
  "invalid-argument",
  "shape-mismatch",
  "empty-output",
  "too-large",
  "out-of-memory",
];

/**
 * The core's one import: wasm-bindgen sets up a table for references to JavaScript objects with it. Ours are numbers only,
 * so there is nothing to set up.
 */
const IMPORTS: WebAssembly.Imports = { "./core_bg.js": { __wbindgen_init_externref_table: () => undefined } };

const BUILDS: readonly Build[] = ["simd", "relaxed"];

/**
 * One instance of the WebAssembly core: its memory, its calls, its errors. Only `core/` sees offsets. We instantiate the
 * module ourselves instead of through wasm-bindgen's script, which allows one instance a page; a core that trapped is
 * thus replaced by making a new engine.
 */
export class CoreInstance {
  readonly build: Build;
  readonly #exports: CoreExports;
  readonly #blockOffset: number;
  readonly #blockLength: number;
  #block: Float64Array<ArrayBufferLike>;
  #trap: LensletError | undefined;

  private constructor(exports: CoreExports, accuracy: Accuracy) {
    this.#exports = exports;
    const build = BUILDS[exports.build()];
    if (build === undefined)
      throw new LensletError(
        "wasm-load-failed",
        "the core names a build that this version of lenslet does not know; use the .wasm files of the same version",
      );
    this.build = build;
    exports.setAccuracy(accuracy === "strict" ? 1 : 0);
    this.#blockOffset = exports.callBlockOffset();
    this.#blockLength = exports.callBlockLength();
    this.#block = new Float64Array(exports.memory.buffer, this.#blockOffset, this.#blockLength);
  }

  /** Instantiates the core; `wasm-load-failed` if the module is something else. */
  static async create(module: WebAssembly.Module, accuracy: Accuracy): Promise<CoreInstance> {
    try {
      const instance = await WebAssembly.instantiate(module, IMPORTS);
      if (!isCore(instance.exports)) throw new TypeError("it lacks the exports of lenslet's core");
      return new CoreInstance(instance.exports, accuracy);
    } catch (cause) {
      if (cause instanceof LensletError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LensletError(
        "wasm-load-failed",
        `wasm: the module could not be instantiated (${reason}); use lenslet/wasm/simd.wasm or lenslet/wasm/relaxed.wasm of this version`,
        { argument: "wasm", cause },
      );
    }
  }

  /** Runs an operator on buffers at offsets (0: absent); throws what the core refuses. */
  call(op: OpName, inputs: readonly number[], outputs: readonly number[], words: readonly number[]): void {
    const used = inputs.length + outputs.length + words.length;
    if (used > this.#blockLength) {
      throw new LensletError("invalid-argument", `${op}: ${inputs.length} inputs are too many for one call; split it`, {
        argument: "inputs",
      });
    }
    const block = this.#freshBlock();
    block.set(inputs, 0);
    block.set(outputs, inputs.length);
    block.set(words, inputs.length + outputs.length);
    const status = this.#guard(() => this.#exports[op](inputs.length, outputs.length, words.length));
    if (status !== 0) throw this.#error(op, status);
  }

  /** The offset of a new buffer of `length` float32s with arbitrary contents, for what `call` makes. */
  alloc(call: string, length: number): number {
    const offset = this.#guard(() => this.#exports.allocBuffer(length)) >>> 0;
    if (offset === 0) throw this.#error(call, ERROR_CODES.indexOf("out-of-memory") + 1);
    return offset;
  }

  /** Frees a buffer. */
  free(offset: number): void {
    this.#guard(() => this.#exports.freeBuffer(offset));
  }

  /** The bytes of a buffer, as a view that the next call may detach. */
  view(offset: number, byteLength: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#exports.memory.buffer, offset, byteLength);
  }

  /** What the core holds. */
  memory(): CoreMemory {
    this.#guard(() => this.#exports.memoryUsage());
    const [tensors = 0, packed = 0, workspace = 0, spare = 0, packs = 0] = this.#freshBlock();
    return { tensors, packed, workspace, spare, linear: this.#exports.memory.buffer.byteLength, packs };
  }

  /** The call block; memory that grew has detached the last view of it. */
  #freshBlock(): Float64Array {
    if (this.#block.buffer !== this.#exports.memory.buffer) {
      this.#block = new Float64Array(this.#exports.memory.buffer, this.#blockOffset, this.#blockLength);
    }
    return this.#block;
  }

  /** Runs a call; one that traps leaves the instance in an unknown state, so it is the last. */
  #guard<T>(call: () => T): T {
    if (this.#trap !== undefined) throw this.#trap;
    try {
      return call();
    } catch (cause) {
      const text = this.#errorText() || (cause instanceof Error ? cause.message : String(cause));
      this.#trap = new LensletError(
        "core-trapped",
        `the WebAssembly core stopped (${text.replace("\n", ": ")}); dispose this engine and create another. This is a defect of lenslet: please report it`,
        { cause },
      );
      throw this.#trap;
    }
  }

  #error(call: string, status: number): LensletError {
    const [argument = "", message = ""] = this.#errorText().split("\n", 2);
    const code = ERROR_CODES[status - 1] ?? "core-trapped";
    if (code === "out-of-memory") {
      const remedy = "dispose tensors that are no longer needed (`using`, engine.scope), or use smaller inputs";
      return new LensletError(code, `${call}: WebAssembly has ${message}; ${remedy}`);
    }
    return new LensletError(code, `${call}: ${argument} ${message}`, { argument });
  }

  #errorText(): string {
    const bytes = this.view(this.#exports.errorOffset() >>> 0, this.#exports.errorLength());
    return new TextDecoder().decode(bytes.slice());
  }
}

function isCore(exports: unknown): exports is CoreExports {
  return typeof exports === "object" && exports !== null && "callBlockOffset" in exports && "memory" in exports;
}

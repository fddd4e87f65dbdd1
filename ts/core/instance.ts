import type * as Exports from "#wasm/exports";
import type { Accuracy, Build, CoreMemory, OpName, TrainingOp } from "../command.ts";
import { type ErrorCode, LensletError } from "../errors.ts";

/** An operator's export. */
type Operator = (program: number, inputs: number, outputs: number, words: number) => number;

/** What the core exports: wasm-pack's own declarations of the raw module, of which some cores lack the operators of training. */
type CoreExports = Omit<typeof Exports, TrainingOp> & Readonly<Partial<Record<TrainingOp, Operator>>>;

/** Places of `ErrorCode` in crates/kernels/src/shape/mod.rs. */
const ERROR_CODES: readonly ErrorCode[] = [
  "invalid-argument",
  "shape-mismatch",
  "empty-output",
  "too-large",
  "out-of-memory",
];
const OUT_OF_MEMORY = ERROR_CODES.indexOf("out-of-memory") + 1;

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
  /** Whether it has the operators of training. */
  readonly training: boolean;
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
    this.training = exports.optimiserStep !== undefined;
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

  /** Runs an operator on buffers (0: absent); throws what the core refuses. */
  call(op: OpName, inputs: readonly number[], outputs: readonly number[], words: readonly number[]): void {
    this.#tell(op, 0, inputs.length, outputs.length, [inputs, outputs, words]);
  }

  /** The handle of a new buffer of `length` float32s with arbitrary contents, for what `call` makes. */
  alloc(call: string, length: number): number {
    const handle = this.#guard(() => this.#exports.allocBuffer(length));
    if (handle === 0) throw this.#error(call, OUT_OF_MEMORY);
    return handle;
  }

  /** Frees a buffer. */
  free(handle: number): void {
    this.#guard(() => this.#exports.freeBuffer(handle));
  }

  /** The number of a new program without steps, with room for `arena` float32s. */
  createProgram(arena: number): number {
    const program = this.#guard(() => this.#exports.createProgram(arena));
    if (program === 0) throw this.#error("program", OUT_OF_MEMORY);
    return program;
  }

  /** Adds a step to a program. Places are three numbers each: see crates/wasm/src/program.rs. */
  addStep(
    program: number,
    op: OpName,
    inputs: readonly number[],
    outputs: readonly number[],
    words: readonly number[],
  ): void {
    this.#tell(op, program, inputs.length / 3, outputs.length / 3, [inputs, outputs, words]);
  }

  /** Packs the filters of a program's steps, and gives the elements of `passing` buffers back that are needed no more. */
  packProgram(program: number, passing: readonly number[]): void {
    this.#put("program", [passing]);
    const status = this.#guard(() => this.#exports.packProgram(program, passing.length));
    if (status !== 0) throw this.#stepError("program", status);
  }

  /** Runs the steps of a program from `first` to before `end`. */
  runProgram(program: number, first: number, end: number, inputs: readonly number[], outputs: readonly number[]): void {
    this.#put("run", [inputs, outputs]);
    const status = this.#guard(() => this.#exports.runProgram(program, first, end, inputs.length, outputs.length));
    if (status !== 0) throw this.#stepError("run", status);
  }

  /** The strategy of a program's step, or of a call like it that is none; empty where its operator has but one. */
  explainStep(program: number, step: number, alone: boolean): string {
    const status = this.#guard(() => this.#exports.explainStep(program, step, alone ? 1 : 0));
    if (status !== 0) throw this.#error("explain", status);
    return this.#text();
  }

  /** Forgets a program. */
  freeProgram(program: number): void {
    this.#guard(() => this.#exports.freeProgram(program));
  }

  /** The bytes of a buffer, as a view that the next call may detach; nothing if they were given back. */
  view(handle: number, byteLength: number): Uint8Array<ArrayBuffer> | undefined {
    const offset = this.#guard(() => this.#exports.bufferOffset(handle)) >>> 0;
    return offset === 0 ? undefined : new Uint8Array(this.#exports.memory.buffer, offset, byteLength);
  }

  /** What the core holds. */
  memory(): CoreMemory {
    this.#guard(() => this.#exports.memoryUsage());
    const [tensors = 0, packed = 0, workspace = 0, spare = 0, arena = 0, packs = 0] = this.#freshBlock();
    return { tensors, packed, workspace, spare, arena, linear: this.#exports.memory.buffer.byteLength, packs };
  }

  /** Calls an operator with what it reads from the call block, to run it or to make it a program's step. */
  #tell(op: OpName, program: number, inputs: number, outputs: number, numbers: readonly (readonly number[])[]): void {
    const operator = this.#exports[op];
    if (operator === undefined) throw trainingUnavailable(op);
    this.#put(op, numbers);
    const words = numbers[2]?.length ?? 0;
    const status = this.#guard(() => operator(program, inputs, outputs, words));
    if (status !== 0) throw this.#error(op, status);
  }

  /** Writes numbers to the call block, one list behind the other. */
  #put(call: string, lists: readonly (readonly number[])[]): void {
    const used = lists.reduce((sum, { length }) => sum + length, 0);
    if (used > this.#blockLength) {
      const text = `${call}: ${used} numbers are too many for one call, which takes ${this.#blockLength}; split it`;
      throw new LensletError("invalid-argument", text, { argument: "inputs" });
    }
    const block = this.#freshBlock();
    let at = 0;
    for (const list of lists) {
      block.set(list, at);
      at += list.length;
    }
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
      const text = cause instanceof Error ? cause.message : String(cause);
      this.#trap = new LensletError(
        "core-trapped",
        `the WebAssembly core stopped (${text}); dispose this engine and create another. This is a defect of lenslet: please report it`,
        { cause },
      );
      throw this.#trap;
    }
  }

  #error(call: string, status: number): LensletError {
    const [argument = "", message = ""] = this.#text().split("\n", 2);
    const code = ERROR_CODES[status - 1] ?? "core-trapped";
    if (code === "out-of-memory") {
      const remedy = "dispose tensors that are no longer needed (`using`, engine.scope), or use smaller inputs";
      return new LensletError(code, `${call}: WebAssembly has ${message}; ${remedy}`);
    }
    return new LensletError(code, `${call}: ${argument} ${message}`, { argument });
  }

  /** The error of a program's step, whose index the core left in the call block. */
  #stepError(call: string, status: number): LensletError {
    const argument = `steps[${this.#freshBlock()[0] ?? 0}]`;
    const { code, message } = this.#error(`${call}: ${argument}`, status);
    return new LensletError(code, message, { argument });
  }

  #text(): string {
    const { memory, textOffset, textLength } = this.#exports;
    const bytes = new Uint8Array(memory.buffer, textOffset() >>> 0, textLength());
    return new TextDecoder().decode(bytes.slice());
  }
}

/** The error of `call`, which needs an engine that trains. */
export function trainingUnavailable(call: string): LensletError {
  const text = `${call}: this engine's core has no operators of training; make it by createEngine({ training: true })`;
  return new LensletError("training-unavailable", text, { argument: "training" });
}

function isCore(exports: unknown): exports is CoreExports {
  return typeof exports === "object" && exports !== null && "callBlockOffset" in exports && "memory" in exports;
}

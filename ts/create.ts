import { platform } from "#platform";
import { abortable, abortError } from "./abort.ts";
import type { Accuracy, Build, Executor } from "./command.ts";
import { threadExecutor } from "./core/executor.ts";
import { loadCore, type WasmSource } from "./core/load.ts";
import { Engine } from "./engine.ts";
import { LensletError } from "./errors.ts";
import { checkOptions, invalid, oneOf } from "./options.ts";
import type { WorkerLike } from "./platform/platform.ts";
import { version } from "./version.ts";
import { type WorkerExecutorOptions, workerExecutor } from "./worker/client.ts";

/** Options of {@link createEngine}. */
export interface EngineOptions {
  /**
   * Where the core runs. `false`, the default: in this thread, so that heavy operators hold it up. `true`: in a worker that
   * the package starts. A function: in the worker that it returns, a browser's `Worker` or one of `node:worker_threads`,
   * whose script imports `lenslet/worker`; the engine takes the worker over, and ends it when it is disposed.
   *
   * An engine can as well be made inside a worker of yours: `createEngine()` works there like anywhere else.
   */
  readonly worker?: boolean | (() => WorkerLike) | undefined;
  /** Which build of the core; `"auto"`, the default, is `"relaxed"` where the runtime has relaxed SIMD, else `"simd"`. */
  readonly build?: Build | "auto" | undefined;
  /**
   * Whether models can be trained on the engine: `fit`, `train`. `false` by default: the core that can is 1.4 times as large.
   * It computes everything else in the same way.
   */
  readonly training?: boolean | undefined;
  /**
   * How exact convolutions are. `"fast"`, the default: 3x3 convolutions of many channels are computed by Winograd's
   * F(4x4, 3x3), up to three times as fast as plain sums, at a stride of two up to 1.5 times. For ResNet's layers and
   * evenly spread numbers their errors are twice as large: 0.8 to 2.1 millionths of the outputs' root mean square in the
   * root mean square, 5 to 14 millionths at most, where plain sums have 0.4 to 1.2 and 3 to 8. A NaN or an infinity
   * spreads to the outputs of the same 4x4 tile. Of many channels on few pixels only rows are tiled, which takes half of
   * the memory: errors are 1.4 times those of plain sums.
   * `"strict"`: plain sums everywhere.
   */
  readonly accuracy?: Accuracy | undefined;
  /**
   * The core's WebAssembly, instead of the one inside the package: bytes, a compiled module, or an address (in Node also a
   * path) of `lenslet/wasm/simd.wasm` or `lenslet/wasm/relaxed.wasm`. An address is compiled while it arrives.
   */
  readonly wasm?: WasmSource | undefined;
  /** Gives up: the promise rejects with code `"aborted"`, and what had been started is stopped. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes an engine.
 *
 * ```ts
 * const engine = await createEngine({ worker: true });
 * const image = engine.tensor(pixels, [1, height, width, 3]);
 * const values = await engine.maxPool2d(image, { size: 2 }).data();
 * engine.dispose();
 * ```
 *
 * @throws {LensletError} (rejects) `wasm-unsupported`, `wasm-load-failed`, `worker-load-failed`, `training-unavailable`, `aborted`,
 * `invalid-argument`.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { worker, build, training, accuracy, wasm, signal } = checked(options);
  // One signal for all stages: the caller's, or the failure of another stage.
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  if (signal?.aborted === true) throw abortError(signal);
  signal?.addEventListener("abort", abort);
  try {
    const module = abortable(
      loadCore({
        build,
        wasm,
        training,
        request: (source) => platform.request(source, stop.signal),
        inflate: platform.inflate,
      }),
      stop.signal,
    );
    const [executor] = await Promise.all([executorFor({ worker, module, accuracy, signal: stop.signal }), module]);
    if (stop.signal.aborted) {
      executor.dispose();
      throw abortError(stop.signal);
    }
    return engineOn(executor, { build, training, accuracy });
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

type ExecutorOptions = Pick<WorkerExecutorOptions, "module" | "accuracy" | "signal"> & Pick<Checked, "worker">;

async function executorFor({ worker, module, accuracy, signal }: ExecutorOptions): Promise<Executor> {
  if (worker !== false) return workerExecutor({ worker, module, accuracy, signal });
  return abortable(threadExecutor(await module, accuracy), signal, (late) => late.dispose());
}

function engineOn(executor: Executor, wanted: Pick<Checked, "build" | "training" | "accuracy">): Engine {
  const { build, training } = executor;
  const { accuracy } = wanted;
  if (wanted.build !== "auto" && wanted.build !== build) {
    executor.dispose();
    const text = `${CALL}: build is "${wanted.build}", but \`wasm\` is the ${build} build; leave one of them out`;
    throw new LensletError("invalid-argument", text, { argument: "build" });
  }
  if (wanted.training && !training) {
    executor.dispose();
    const text = `${CALL}: training is true, but \`wasm\` is a core without it; leave \`wasm\` out, or give a core that trains`;
    throw new LensletError("training-unavailable", text, { argument: "training" });
  }
  return new Engine(executor, { version, runtime: platform.runtime, accuracy }, async (engine, source, options) => {
    // Who filters pictures needs none of it.
    const { loadModel } = await import("./load.ts");
    return loadModel(engine, source, options);
  });
}

const CALL = "createEngine";
const BUILDS = ["auto", "simd", "relaxed"] as const;
const ACCURACIES = ["fast", "strict"] as const;

type Checked = Required<Pick<EngineOptions, "wasm" | "signal">> & {
  readonly worker: boolean | (() => WorkerLike);
  readonly build: Build | "auto";
  readonly training: boolean;
  readonly accuracy: Accuracy;
};

function checked(options: EngineOptions): Checked {
  checkOptions(CALL, options, ["worker", "build", "training", "accuracy", "wasm", "signal"]);
  const { worker = false, build = "auto", training = false, accuracy = "fast", wasm, signal } = options;
  if (typeof worker !== "boolean" && typeof worker !== "function") {
    throw invalid(CALL, "worker", worker, "true, false or a function that returns a Worker");
  }
  if (typeof training !== "boolean") throw invalid(CALL, "training", training, "true or false");
  if (wasm !== undefined && !isWasmSource(wasm)) {
    throw invalid(CALL, "wasm", wasm, "the core's bytes, a WebAssembly.Module, a URL or its text");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid(CALL, "signal", signal, "an AbortSignal");
  }
  return {
    worker,
    build: oneOf(CALL, "build", build, BUILDS),
    training,
    accuracy: oneOf(CALL, "accuracy", accuracy, ACCURACIES),
    wasm,
    signal,
  };
}

function isWasmSource(wasm: unknown): boolean {
  if (typeof wasm === "string") return wasm !== "";
  if (ArrayBuffer.isView(wasm) || wasm instanceof URL || wasm instanceof WebAssembly.Module) return true;
  return /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(wasm));
}

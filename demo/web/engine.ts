/// <reference types="vite/client" />
import { createEngine, type Engine, type ErrorCode, LensletError } from "lenslet";
import relaxed from "lenslet/wasm/relaxed.wasm?url";
import relaxedTraining from "lenslet/wasm/relaxed-training.wasm?url";
import simd from "lenslet/wasm/simd.wasm?url";
import simdTraining from "lenslet/wasm/simd-training.wasm?url";
import { relaxedSimd } from "wasm-feature-detect";

/**
 * An engine in a worker of its own. Its core comes as a `.wasm` file that Vite copies beside the page: the browser then
 * compiles it while it arrives. Without the `wasm` option the package would bring the core along by itself.
 */
export async function startEngine(): Promise<Engine> {
  const file = (await relaxedSimd()) ? relaxed : simd;
  return createEngine({ worker: true, wasm: new URL(file, location.href) });
}

/** The same with a core that can train, which is larger: only for those who want to. */
export async function startTrainingEngine(): Promise<Engine> {
  const file = (await relaxedSimd()) ? relaxedTraining : simdTraining;
  return createEngine({ worker: true, training: true, wasm: new URL(file, location.href) });
}

const FATAL: readonly ErrorCode[] = ["worker-lost", "core-trapped", "engine-disposed"];

/** Whether an engine is beyond use after this error, and a new one is called for. */
export function isFatal(error: unknown): boolean {
  return error instanceof LensletError && FATAL.includes(error.code);
}

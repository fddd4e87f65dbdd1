/** Starts executors on fake workers. */
import { Worker } from "node:worker_threads";
import type { Executor } from "../../command.ts";
import { type WorkerExecutorOptions, workerExecutor } from "../client.ts";

/** A module of nothing: the fake core does not look at it. */
export const EMPTY_MODULE: Promise<WebAssembly.Module> = WebAssembly.compile(
  new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
);

/** A worker from a script of this folder. */
export function fakeWorker(script = "fake-worker.ts"): Worker {
  return new Worker(new URL(`./${script}`, import.meta.url), { execArgv: [] });
}

/** An executor on `worker`. */
export function start(worker: Worker, options: Partial<WorkerExecutorOptions> = {}): Promise<Executor> {
  const { signal } = new AbortController();
  return workerExecutor({ worker: () => worker, module: EMPTY_MODULE, accuracy: "fast", signal, ...options });
}

/** A tensor's bytes: one float32. */
export function bytesOf(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Float32Array.of(value).buffer);
}

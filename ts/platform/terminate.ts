import type { WorkerLike } from "./platform.ts";

/**
 * Runs `heard` as soon as somebody terminates a worker. A worker that computes ends its task first, in Chromium and Bun for
 * up to 2 s, and only then do events, or a lock that it held, tell that it is gone. Returns what undoes it.
 */
export function onTerminate(worker: WorkerLike, heard: () => void): () => void {
  const { terminate } = worker;
  const own = Object.getOwnPropertyDescriptor(worker, "terminate");
  worker.terminate = () => {
    const result = terminate.call(worker);
    heard();
    return result;
  };
  return () => {
    if (own === undefined) Reflect.deleteProperty(worker, "terminate");
    else Object.defineProperty(worker, "terminate", own);
  };
}

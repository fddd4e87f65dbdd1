/** The line to a Worker of the web's kind: browsers have it, and beside `node:worker_threads` Deno and Bun too. */
import type { WorkerLike, WorkerLink, WorkerListener } from "./platform.ts";
import { onTerminate } from "./terminate.ts";

/** Whether `worker` is of the web's kind. */
export function isWebWorker(worker: WorkerLike): worker is Worker {
  return "addEventListener" in worker && typeof worker.addEventListener === "function";
}

/** The line to a Worker of the web's kind. `closed` runs once, when it is closed. */
export function webWorkerLink(worker: Worker, closed?: () => void): WorkerLink {
  // No event tells that a worker ended; that a lock it held is free does. Insecure contexts have no locks.
  const lock = globalThis.navigator?.locks === undefined ? undefined : `lenslet-worker-${uniqueName()}`;
  const end = new AbortController();
  let undo = (): void => undefined;
  let listener: WorkerListener | undefined;
  return {
    lock,
    listen(to) {
      listener = to;
      const { signal } = end;
      worker.addEventListener("message", (event) => to.message(event.data), { signal });
      worker.addEventListener("error", (event) => to.lost(errorOf(event)), { signal });
      worker.addEventListener("messageerror", () => to.lost(new Error("a message could not be read")), { signal });
      // Bun's and Deno's.
      worker.addEventListener("close", () => to.lost(new Error("the worker ended")), { signal });
      undo = onTerminate(worker, () => to.lost(new Error("the worker was terminated")));
    },
    watchLock() {
      if (lock === undefined) return;
      const granted = (): void => listener?.lost(new Error("the worker ended"));
      // Rejects when the link is closed.
      navigator.locks.request(lock, { signal: end.signal }, granted).catch(() => undefined);
    },
    post(message, transfer) {
      worker.postMessage(message, [...transfer]);
    },
    keepAlive(needed) {
      // Bun's can do it; a page lives as long as it is shown.
      const change: unknown = Reflect.get(worker, needed ? "ref" : "unref");
      if (typeof change === "function") change.call(worker);
    },
    close() {
      if (end.signal.aborted) return;
      end.abort();
      undo();
      worker.terminate();
      closed?.();
    },
  };
}

function uniqueName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}

/** What an error event tells: nothing where the script could not be loaded. */
function errorOf(event: ErrorEvent): unknown {
  if (event.error !== undefined && event.error !== null) return event.error;
  return event.message === undefined || event.message === "" ? undefined : new Error(event.message);
}

/** The line to a Worker of `node:worker_threads`. */
import type { Transferable as NodeTransferable, Worker } from "node:worker_threads";
import type { WorkerLike, WorkerLink } from "./platform.ts";
import { onTerminate } from "./terminate.ts";

/** Whether `worker` is one of `node:worker_threads`. */
export function isNodeWorker(worker: WorkerLike): worker is Worker {
  return "threadId" in worker && "on" in worker && typeof worker.on === "function";
}

/** The line to a Worker of `node:worker_threads`. */
export function nodeWorkerLink(worker: Worker): WorkerLink {
  const undo: (() => void)[] = [];
  let closed = false;
  return {
    lock: undefined,
    listen(to) {
      const on = (event: "message" | "error" | "messageerror" | "exit", tell: (value: unknown) => void): void => {
        worker.on(event, tell);
        undo.push(() => worker.off(event, tell));
      };
      on("message", (data) => to.message(data));
      on("error", (error) => to.lost(error));
      on("messageerror", (error) => to.lost(error));
      on("exit", (code) => to.lost(new Error(`the worker ended with exit code ${String(code)}`)));
      undo.push(onTerminate(worker, () => to.lost(new Error("the worker was terminated"))));
      // One that ended before this has no events left to send; its id is -1 from then on.
      if (worker.threadId === -1) to.lost(new Error("the worker had already ended"));
    },
    watchLock() {
      // Its "exit" event tells when it ends, however that happens.
    },
    post(message, transfer) {
      worker.postMessage(message, transfer as readonly NodeTransferable[]);
    },
    keepAlive(needed) {
      if (needed) worker.ref();
      else worker.unref();
    },
    close() {
      if (closed) return;
      closed = true;
      for (const stop of undo) stop();
      // What it still says while it ends is nobody's concern; an "error" without a listener would be thrown.
      worker.on("error", () => undefined);
      Promise.resolve(worker.terminate()).catch(() => undefined);
    },
  };
}

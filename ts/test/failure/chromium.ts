/** What Chromium gives the failure suite; it runs with --js-flags=--expose-gc. */
import { check } from "../conformance/case.ts";
import type { Order } from "./inside-worker.ts";
import { type Platform, pause } from "./setting.ts";

/** Chromium, with the package served from the page's own origin. */
export function chromiumPlatform(): Platform {
  const url = (path: string): URL => new URL(`/dist/${path}`, location.origin);
  return {
    async core(build) {
      const response = await fetch(url(`wasm/${build}.wasm`));
      check(response.ok, `no ${build}.wasm`);
      return new Uint8Array(await response.arrayBuffer());
    },
    coreUrl: (build) => url(`wasm/${build}.wasm`),
    ownWorker: () => new Worker(url("browser/worker.js"), { type: "module" }),
    missingWorker: () => new Worker(new URL("/@fs/no/such/worker.js", location.origin), { type: "module" }),
    fragileWorker: () =>
      scriptWorker(
        `import "${url("browser/worker.js").href}";
        addEventListener("message", ({ data }) => {
          if (data === "exit") close();
          if (data === "throw") throw new Error("a fault of the test's");
        });`,
      ),
    insideWorker: (nested) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL("./inside-worker.ts", import.meta.url), { type: "module" });
        // Vitest's imports by name, through which the core would come, are the page's alone.
        const order: Order = { worker: nested, wasm: url("wasm/simd.wasm").href };
        worker.postMessage(order);
        worker.addEventListener("message", ({ data }) => {
          worker.terminate();
          resolve(data);
        });
        worker.addEventListener("error", reject);
      }),
    onMessage(worker, heard) {
      check(worker instanceof Worker, "a worker of the browser's");
      worker.addEventListener("message", heard);
    },
    nowhere: new URL("/@fs/no/such/core.wasm", location.origin),
    async collect() {
      const collect: unknown = Reflect.get(globalThis, "gc");
      check(typeof collect === "function", "no garbage collector: Chromium needs --js-flags=--expose-gc");
      collect();
      await pause(0);
      collect();
    },
  };
}

/** A worker of a script's text. */
function scriptWorker(script: string): Worker {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  return new Worker(url, { type: "module" });
}

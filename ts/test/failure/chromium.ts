/** What Chromium gives the failure suite; it runs with --js-flags=--expose-gc. */
import { check } from "../conformance/case.ts";
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

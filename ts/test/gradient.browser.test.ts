/** The operators of training in Chromium: thread and worker, both builds. */
import { afterAll, describe, inject, test } from "vitest";
import { check } from "./conformance/case.ts";
import { registerGradients } from "./gradient/register.ts";
import { unpack } from "./reference/unpack.ts";

registerGradients(
  { describe, test: (name, run, timeout) => test(name, run, timeout), afterAll },
  {
    async core(name) {
      const response = await fetch(new URL(`/dist/wasm/${name}.wasm`, location.origin));
      check(response.ok, `no ${name}.wasm`);
      return response.arrayBuffer();
    },
    worker: () => new Worker(new URL("/dist/browser/worker.js", location.origin), { type: "module" }),
  },
  ["simd", "relaxed"],
  inject("gradientReferences").map(unpack),
);

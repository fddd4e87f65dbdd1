/** Cores and workers that come from elsewhere, or do not come at all. */
import { createEngine } from "lenslet";
import { check, equal, rejects } from "../conformance/case.ts";
import { checkFresh, type FailureCase, withEngine } from "./setting.ts";

/** The smallest module: it compiles, and is no core. */
const EMPTY_MODULE: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

export const loading: readonly FailureCase[] = [
  {
    name: "the core as bytes, ArrayBuffer, module and URL, in either build",
    async run(setting) {
      for (const build of setting.build === "simd" ? (["simd"] as const) : (["simd", "relaxed"] as const)) {
        const bytes = await setting.core(build);
        const url = setting.coreUrl(build);
        for (const wasm of [bytes, bytes.buffer, await WebAssembly.compile(bytes), url, url.href]) {
          await withEngine(
            setting,
            async (engine) => {
              equal(engine.info.build, build, "build");
              equal(await engine.tensor([1]).data(), [1], "data");
            },
            { wasm, build: "auto" },
          );
        }
      }
    },
  },
  {
    name: "a core of another build than asked for",
    async run({ worker, build, core }) {
      const other = build === "simd" ? "relaxed" : "simd";
      const wasm = await core(build);
      await rejects(
        createEngine({ worker, wasm, build: other }),
        "invalid-argument",
        /build is/,
        new RegExp(build),
        /leave/,
      );
    },
  },
  {
    name: "bytes that are no WebAssembly, broken ones, a web page, none",
    async run(setting) {
      const { worker, core, build } = setting;
      const whole = await core(build);
      const broken = [
        new TextEncoder().encode("<!doctype html><title>404</title>"),
        whole.slice(0, whole.length / 2),
        whole.slice(0, 8).fill(7, 4),
        new Uint8Array(0),
      ];
      for (const wasm of broken) {
        const error = await rejects(
          createEngine({ worker, wasm }),
          "wasm-load-failed",
          /wasm/,
          /expected lenslet\/wasm/,
        );
        check(error.cause !== undefined, "the cause is told");
        equal(error.argument, "wasm", "argument");
      }
      await checkFresh(setting);
    },
  },
  {
    name: "a module that is not lenslet's",
    async run(setting) {
      for (const wasm of [EMPTY_MODULE, await WebAssembly.compile(EMPTY_MODULE)]) {
        await rejects(
          createEngine({ worker: setting.worker, wasm }),
          "wasm-load-failed",
          /exports|instantiated/,
          /lenslet\/wasm/,
        );
      }
      await checkFresh(setting);
    },
  },
  {
    name: "an address where no core is",
    async run(setting) {
      const { nowhere, worker } = setting;
      const text = new RegExp(nowhere.pathname.split("/").at(-1) ?? "");
      await rejects(createEngine({ worker, wasm: nowhere }), "wasm-load-failed", /wasm/, text);
      await rejects(createEngine({ worker, wasm: nowhere.href }), "wasm-load-failed", text);
      await checkFresh(setting);
    },
  },
];

/** For engines in workers. */
export const workerLoading: readonly FailureCase[] = [
  {
    name: "a worker file that is not there",
    async run(setting) {
      const { build, missingWorker } = setting;
      const engine = createEngine({ build, worker: missingWorker });
      await rejects(engine, "worker-load-failed", /worker/, /lenslet\/worker/);
      await checkFresh(setting);
    },
  },
  {
    name: "a worker function that throws",
    async run({ build }) {
      const worker = (): never => {
        throw new Error("no worker today");
      };
      await rejects(createEngine({ build, worker }), "worker-load-failed", /no worker today/);
    },
  },
  {
    name: "a worker of the caller's own",
    async run(setting) {
      await withEngine(
        setting,
        async (engine) => {
          equal([engine.info.host, engine.info.build], ["worker-own", setting.build], "info");
          equal(await engine.neg(engine.tensor([1])).data(), [-1], "data");
        },
        { worker: setting.ownWorker },
      );
    },
  },
  {
    name: "a worker that serves another engine already",
    async run(setting) {
      const own = setting.ownWorker();
      await withEngine(
        setting,
        async (engine) => {
          const second = createEngine({ build: setting.build, worker: () => own });
          await rejects(second, "worker-load-failed", /new one|already/);
          // The second one leaves the worker to the first.
          equal([...(await engine.tensor([1]).data())], [1], "the first engine's data");
        },
        { worker: () => own },
      );
    },
  },
];

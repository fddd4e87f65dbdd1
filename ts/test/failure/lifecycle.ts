/** Engines and tensors after their end, and engines that were given up before they began. */
import { createEngine } from "lenslet";
import { check, equal, rejects, throws } from "../conformance/case.ts";
import { checkFresh, type FailureCase, longWork, withEngine } from "./setting.ts";

export const lifecycle: readonly FailureCase[] = [
  {
    name: "an engine disposed of twice; every later call says so",
    async run(setting) {
      await withEngine(setting, async (engine) => {
        const x = engine.tensor([1, 2, 3]);
        const image = engine.tensor(new Float32Array(16), [1, 4, 4, 1]);
        await engine.idle();
        engine.dispose();
        engine.dispose();
        engine[Symbol.dispose]();
        check(engine.disposed && x.disposed, "disposed");
        const remedy = /createEngine/;
        throws(() => engine.tensor([1]), "engine-disposed", /disposed/, remedy);
        throws(() => engine.relu(x), "engine-disposed", remedy);
        throws(() => engine.add(1, 2), "engine-disposed", remedy);
        throws(() => engine.reshape(x, [3, 1]), "engine-disposed", remedy);
        throws(() => engine.maxPool2d(image, { size: 2 }), "engine-disposed", remedy);
        throws(() => engine.scope(() => 1), "engine-disposed", remedy);
        throws(() => engine.memory(), "engine-disposed", remedy);
        await rejects(x.data(), "engine-disposed", remedy);
        await rejects(engine.idle(), "engine-disposed", remedy);
        x.dispose();
      });
      await checkFresh(setting);
    },
  },
  {
    name: "an engine disposed of while something is pending: nothing stays open",
    async run(setting) {
      await withEngine(setting, async (engine) => {
        const pending = [longWork(engine).data(), engine.tensor([1]).data(), engine.idle()];
        engine.dispose();
        for (const result of await Promise.allSettled(pending)) {
          if (result.status === "rejected") equal(result.reason.code, "engine-disposed", "code");
          else check(!setting.worker, "a worker that was ended gave an answer");
        }
      });
    },
  },
  {
    name: "data() of a disposed tensor",
    async run(setting) {
      await withEngine(setting, async (engine) => {
        const x = engine.tensor([1]);
        x.dispose();
        await rejects(x.data(), "tensor-disposed", /data/, /disposed/, /before|scope/);
        equal(await engine.tensor([2]).data(), [2], "work goes on");
      });
    },
  },
  {
    name: "a signal that was aborted before",
    async run({ worker, build }) {
      const signal = AbortSignal.abort();
      await rejects(createEngine({ worker, build, signal }), "aborted");
    },
  },
  {
    name: "a signal aborted at any stage of the start",
    async run(setting) {
      const { worker, build } = setting;
      let gaveUp = 0;
      for (let delay = 0; delay < 12; delay++) {
        const controller = new AbortController();
        const engine = createEngine({ worker, build, signal: controller.signal });
        if (delay === 0) controller.abort();
        else setTimeout(() => controller.abort(), delay - 1);
        try {
          (await engine).dispose();
        } catch (error) {
          check(error instanceof Error && "code" in error && error.code === "aborted", String(error));
          gaveUp++;
        }
      }
      check(gaveUp > 0, "no start was given up");
      await checkFresh(setting);
    },
  },
  {
    name: "a signal aborted after the start changes nothing",
    async run(setting) {
      const controller = new AbortController();
      await withEngine(
        setting,
        async (engine) => {
          controller.abort();
          equal(await engine.tensor([5]).data(), [5], "data");
        },
        { signal: controller.signal },
      );
    },
  },
  {
    name: "options of createEngine that make no sense",
    async run() {
      const wrong = (options: object): Promise<unknown> => createEngine(options);
      await rejects(wrong({ build: "fast" }), "invalid-argument", /build is "?fast"?/, /"simd"/);
      await rejects(wrong({ worker: 1 }), "invalid-argument", /worker is 1/, /true, false or a function/);
      await rejects(wrong({ wasm: 5 }), "invalid-argument", /wasm is 5/, /bytes/);
      await rejects(wrong({ signal: "stop" }), "invalid-argument", /signal is "?stop"?/, /AbortSignal/);
      await rejects(wrong({ worker: () => 7 }), "invalid-argument", /worker/, /new Worker/);
      await rejects(wrong({ workers: true }), "invalid-argument", /workers/);
    },
  },
];

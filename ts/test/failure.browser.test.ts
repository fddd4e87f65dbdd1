/** The failure suite in Chromium: thread and worker, both builds. */
import { createEngine, LensletError } from "lenslet";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { chromiumPlatform } from "./failure/chromium.ts";
import { registerFailures, targets } from "./register.ts";

const runner = {
  describe,
  test: (name: string, run: () => Promise<void>, timeout?: number) => test(name, run, timeout),
  afterAll,
};

for (const target of targets("browser", ["simd", "relaxed"])) registerFailures(runner, target, chromiumPlatform());

describe("the package's own worker", () => {
  const Original = globalThis.Worker;
  afterEach(() => vi.unstubAllGlobals());

  /** Workers are started as `start` says from now on; gives those that were. */
  function stubWorkers(start: (url: string | URL, options?: WorkerOptions) => Worker): Worker[] {
    const started: Worker[] = [];
    const construct = (_: typeof Worker, [url, options]: [string | URL, WorkerOptions?]): Worker => {
      const worker = start(url, options);
      started.push(worker);
      return worker;
    };
    vi.stubGlobal("Worker", new Proxy(Original, { construct }));
    return started;
  }

  const isBlob = (url: string | URL): boolean => String(url).startsWith("blob:");
  const missing = "/@fs/no/such/worker.js";

  test("is started by its URL", async () => {
    const engine = await createEngine({ worker: true });
    expect(engine.info.host).toBe("worker-url");
    engine.dispose();
  });

  test("comes from a Blob where its URL cannot be loaded", async () => {
    stubWorkers((url, options) => new Original(isBlob(url) ? url : missing, options));
    const engine = await createEngine({ worker: true });
    expect(engine.info.host).toBe("worker-blob");
    expect(await engine.neg(engine.tensor([1])).data()).toEqual(Float32Array.of(-1));
    engine.dispose();
  });

  test("failing both ways says so, and how to get round it", async () => {
    stubWorkers((_, options) => new Original(missing, options));
    const error: unknown = await createEngine({ worker: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LensletError);
    expect(error).toMatchObject({ code: "worker-load-failed", argument: "worker" });
    expect(String(error)).toMatch(/nor/);
    expect(String(error)).toMatch(/blob:/);
    expect(String(error)).toMatch(/lenslet\/worker/);
  });

  test("a constructor that throws, as under a Content-Security-Policy", async () => {
    stubWorkers(() => {
      throw new DOMException("denied", "SecurityError");
    });
    await expect(createEngine({ worker: true })).rejects.toMatchObject({ code: "worker-load-failed" });
  });

  test("ended from outside in mid-call is noticed", async () => {
    const started = stubWorkers((url, options) => new Original(url, options));
    const engine = await createEngine({ worker: true });
    const x = engine.tensor(new Float32Array(2 ** 20), [1, 1024, 1024, 1]);
    const filter = { data: new Float32Array(15 * 15).fill(1), shape: [15, 15, 1, 1] };
    const pending = Array.from({ length: 50 }, () => engine.conv2d(x, filter).data());
    const refused = Promise.allSettled(pending);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(started).toHaveLength(1);
    started[0]?.terminate();
    const since = performance.now();
    const results = await refused;
    expect(results.at(-1)).toMatchObject({ status: "rejected", reason: { code: "worker-lost" } });
    expect(performance.now() - since).toBeLessThan(1000);
    engine.dispose();
  });
});

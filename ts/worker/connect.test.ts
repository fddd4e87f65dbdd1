/** Starting a worker: what can go wrong, and that nothing stays behind. */
import { getEventListeners } from "node:events";
import type { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { LensletError } from "../errors.ts";
import { workerExecutor } from "./client.ts";
import { startWorker } from "./connect.ts";
import { EMPTY_MODULE, fakeWorker, start } from "./testing/start.ts";

const never: Promise<never> = new Promise(() => undefined);

function ended(worker: Worker): Promise<unknown> {
  return worker.threadId === -1 ? Promise.resolve() : new Promise((resolve) => worker.once("exit", resolve));
}

test("says what it runs on", async () => {
  const executor = await start(fakeWorker());
  expect(executor).toMatchObject({ build: "simd", host: "worker-own" });
  executor.dispose();
});

test("a worker that never answers is ended", async () => {
  const worker = fakeWorker("silent-worker.ts");
  await expect(start(worker, { patience: 200 })).rejects.toMatchObject({
    code: "worker-load-failed",
    argument: "worker",
    message: expect.stringMatching(/no answer within 0.2 s.*lenslet\/worker/),
  });
  await ended(worker);
});

test("a script that throws", async () => {
  await expect(start(fakeWorker("broken-worker.ts"))).rejects.toMatchObject({
    code: "worker-load-failed",
    message: expect.stringContaining("a fault in the script"),
  });
});

test("a script that is not there", async () => {
  await expect(start(fakeWorker("missing.ts"))).rejects.toMatchObject({
    code: "worker-load-failed",
    message: expect.stringMatching(/Cannot find module/),
  });
});

test("a worker that ended before", async () => {
  const worker = fakeWorker();
  await worker.terminate();
  await expect(start(worker)).rejects.toMatchObject({ code: "worker-load-failed" });
});

describe("the package's own worker, whose file is not beside this source", () => {
  test("is started from its source text", async () => {
    const { signal } = new AbortController();
    const { channel, host } = await startWorker(signal);
    expect(host).toBe("worker-blob");
    channel.end(new LensletError("engine-disposed", "done"));
  });

  test("where that fails too, the error tells both", async () => {
    const { signal } = new AbortController();
    // Too soon for any answer.
    await expect(startWorker(signal, 1)).rejects.toMatchObject({
      code: "worker-load-failed",
      message: expect.stringMatching(
        /started from its file \(.*\) nor from its source \(no answer within 0.001 s\); .*worker: \(\) => new Worker/,
      ),
    });
  });
});

test("a function that throws, or returns something else", async () => {
  const { signal } = new AbortController();
  const boom = (): Worker => {
    throw new Error("boom");
  };
  await expect(workerExecutor({ worker: boom, module: EMPTY_MODULE, accuracy: "fast", signal })).rejects.toMatchObject({
    code: "worker-load-failed",
    message: expect.stringContaining("boom"),
  });
  for (const result of [undefined, null, {}, Promise.resolve(), "worker.js"]) {
    const worker = () => result as unknown as Worker;
    await expect(workerExecutor({ worker, module: EMPTY_MODULE, accuracy: "fast", signal })).rejects.toMatchObject({
      code: "invalid-argument",
      argument: "worker",
    });
  }
});

test("a worker serves one engine, which a second one does not disturb", async () => {
  const worker = fakeWorker();
  const executor = await start(worker);
  await expect(start(worker)).rejects.toMatchObject({
    code: "worker-load-failed",
    argument: "worker",
    message: expect.stringContaining("the worker of another engine; return a new one each time"),
  });
  await executor.idle();
  executor.dispose();
});

test("a worker's own way to end is left to it", async () => {
  const worker = fakeWorker();
  let ends = 0;
  const terminate = (): Promise<number> => {
    ends++;
    return Object.getPrototypeOf(worker).terminate.call(worker);
  };
  worker.terminate = terminate;
  (await start(worker)).dispose();
  expect([ends, worker.terminate === terminate]).toEqual([1, true]);
  await ended(worker);
});

test("a core that could not be loaded ends the worker", async () => {
  const worker = fakeWorker();
  await expect(start(worker, { module: Promise.reject(new Error("no core")) })).rejects.toThrow("no core");
  await ended(worker);
});

test("abort: before, while the worker starts, while the core loads", async () => {
  const delays = [undefined, 0, 20, 200];
  for (const delay of delays) {
    const controller = new AbortController();
    const { signal } = controller;
    if (delay === undefined) controller.abort("enough");
    else setTimeout(() => controller.abort("enough"), delay);
    const worker = fakeWorker();
    await expect(start(worker, { signal, module: never })).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    await ended(worker);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  }
});

test("abort afterwards changes nothing", async () => {
  const controller = new AbortController();
  const executor = await start(fakeWorker(), { signal: controller.signal });
  controller.abort();
  await executor.idle();
  executor.dispose();
});

/** However a worker ends, everything pending rejects, soon. */
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Executor } from "../command.ts";
import { Behaviour, fakeOp } from "./testing/fake-runner.ts";
import { bytesOf, fakeWorker, start } from "./testing/start.ts";

/** DESIGN's bound. */
const SOON_MS = 100;

let worker: Worker;
let executor: Executor;

beforeEach(async () => {
  worker = fakeWorker();
  executor = await start(worker);
  executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
  await executor.idle();
});

afterEach(() => executor.dispose());

/** Everything rejects within the bound from now, and for ever after; nothing else throws. */
async function expectLost(pending: readonly Promise<unknown>[], message: RegExp): Promise<void> {
  const since = performance.now();
  for (const answer of pending) await expect(answer).rejects.toMatchObject({ code: "worker-lost" });
  await expect(executor.idle()).rejects.toThrow(message);
  expect(performance.now() - since).toBeLessThan(SOON_MS);
  executor.submit(fakeOp(Behaviour.copy, 1, 9));
  await expect(executor.read(9)).rejects.toMatchObject({ code: "worker-lost" });
  executor.dispose();
  executor.dispose();
}

// Repeated, as the bound is one of time and other tests run beside these.
describe("a worker is lost", { retry: 2 }, () => {
  test("the worker exits in the middle of a call", async () => {
    executor.submit(fakeOp(Behaviour.exit, 1, 2));
    await expectLost([executor.read(2), executor.read(1), executor.idle()], /exit code 7/);
  });

  test("code in the worker throws where nobody catches", async () => {
    executor.submit(fakeOp(Behaviour.throwLater, 1, 2));
    await executor.read(2);
    executor.submit(fakeOp(Behaviour.hang, 1, 3));
    // Either the error comes first, or the batch that then hangs: only the first is certain to end by itself.
    await once(worker, "error", { signal: AbortSignal.timeout(1000) }).catch(() => worker.terminate());
    await expectLost([executor.read(3)], /boom|terminated/);
  });

  test("the worker is terminated while it waits", async () => {
    const pending = [executor.read(1), executor.idle()];
    void worker.terminate();
    await expectLost(pending, /terminated/);
  });

  test("the worker is terminated while it computes", async () => {
    executor.submit(fakeOp(Behaviour.hang, 1, 2));
    const pending = [executor.read(2), executor.idle()];
    await new Promise((resolve) => setTimeout(resolve, 30));
    pending.push(executor.read(1));
    void worker.terminate();
    await expectLost(pending, /terminated/);
  });

  test("the worker ended while nobody waited", async () => {
    await worker.terminate();
    await expectLost([], /terminated/);
  });

  test("a message that cannot be cloned counts as a lost worker", async () => {
    const bytes = bytesOf(1);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    executor.submit({ kind: "write", id: 2, bytes });
    await expectLost([executor.read(2)], /lost/);
  });
});

import { getEventListeners } from "node:events";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Executor } from "../command.ts";
import { LensletError } from "../errors.ts";
import { Behaviour, fakeOp } from "./testing/fake-runner.ts";
import { bytesOf, fakeWorker, start } from "./testing/start.ts";

let worker: Worker;
let executor: Executor;

beforeEach(async () => {
  worker = fakeWorker();
  executor = await start(worker);
});

afterEach(() => executor.dispose());

/** Counts messages in both directions from now on. */
function countMessages(): { posted: number; received: number } {
  const counts = { posted: 0, received: 0 };
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (...args) => {
    counts.posted++;
    post(...args);
  };
  worker.on("message", () => counts.received++);
  return counts;
}

async function read(id: number): Promise<number | undefined> {
  return new Float32Array(await executor.read(id))[0];
}

describe("batches", () => {
  test("a chain of ten operators and a read are one message each way", async () => {
    const counts = countMessages();
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(42) });
    for (let id = 2; id <= 11; id++) executor.submit(fakeOp(Behaviour.copy, id - 1, id));
    expect(await read(11)).toBe(42);
    expect(counts).toEqual({ posted: 1, received: 1 });
  });

  test("commands and questions keep their order", async () => {
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
    const before = read(1);
    executor.submit({ kind: "free", id: 1 });
    const between = executor.read(1);
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(2) });
    const after = read(1);
    await expect(between).rejects.toMatchObject({ code: "tensor-disposed" });
    expect(await before).toBe(1);
    expect(await after).toBe(2);
  });

  test("batches that cross keep their order", async () => {
    const values: Promise<number | undefined>[] = [];
    for (let id = 1; id <= 20; id++) {
      executor.submit({ kind: "write", id, bytes: bytesOf(id) });
      values.push(read(id));
      await Promise.resolve();
    }
    expect(await Promise.all(values)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  test("written bytes are transferred, also two tensors' of one buffer", async () => {
    const buffer = Float32Array.of(3, 4).buffer;
    executor.submit({ kind: "write", id: 1, bytes: new Uint8Array(buffer, 0, 4) });
    executor.submit({ kind: "write", id: 2, bytes: new Uint8Array(buffer, 4, 4) });
    expect([await read(1), await read(2)]).toEqual([3, 4]);
    expect(buffer.byteLength).toBe(0);
  });

  test("work in the worker does not hold up this thread", { retry: 2 }, async () => {
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
    executor.submit(fakeOp(Behaviour.work, 1, 2));
    const done = executor.read(2);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    await done;
    clearInterval(timer);
    expect(longest).toBeLessThan(80);
  });

  test("memory is the core's as of its last answer", async () => {
    expect(executor.memory().tensors).toBe(0);
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
    expect(executor.memory().tensors).toBe(0);
    await executor.idle();
    expect(executor.memory().tensors).toBe(1);
  });
});

describe("failures of the core", () => {
  test("come out of read, of what follows, and once of idle", async () => {
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
    executor.submit(fakeOp(Behaviour.fail, 1, 2));
    executor.submit(fakeOp(Behaviour.copy, 2, 3));
    for (const id of [2, 3]) {
      const error: unknown = await executor.read(id).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LensletError);
      expect(error).toMatchObject({ code: "out-of-memory", message: "activation: no memory left", argument: "x" });
    }
    await expect(executor.idle()).rejects.toMatchObject({ code: "out-of-memory" });
    await expect(executor.idle()).resolves.toBeUndefined();
    expect(await read(1)).toBe(1);
  });
});

describe("dispose", () => {
  // Repeated, as its bounds are of time and other tests run beside it.
  test("rejects what is pending at once, even in the middle of a call, and ends the thread", { retry: 2 }, async () => {
    const exit = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
    executor.submit(fakeOp(Behaviour.hang, 1, 2));
    const posted = [executor.read(2), executor.idle()];
    await new Promise((resolve) => setTimeout(resolve, 20));
    const queued = [executor.read(1), executor.idle()];
    const before = performance.now();
    executor.dispose();
    expect(performance.now() - before).toBeLessThan(20);
    for (const answer of [...posted, ...queued])
      await expect(answer).rejects.toMatchObject({ code: "engine-disposed" });
    expect(performance.now() - before).toBeLessThan(100);
    await exit;
  });

  test("may be called again; later commands are dropped, later questions rejected", async () => {
    executor.dispose();
    executor.dispose();
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(1) });
    await expect(executor.read(1)).rejects.toMatchObject({ code: "engine-disposed" });
    await expect(executor.idle()).rejects.toMatchObject({ code: "engine-disposed" });
  });

  test("leaves no listeners", async () => {
    executor.dispose();
    // Node's own terminate() listens to "exit".
    for (const event of ["message", "messageerror"]) expect(getEventListeners(worker, event)).toHaveLength(0);
  });
});

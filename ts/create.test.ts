/** What `createEngine` takes, and how it fails; beside the sources, with the built core. */
import { getEventListeners } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine, type EngineOptions } from "./create.ts";
import { LensletError } from "./errors.ts";

const SIMD = new URL("../dist/wasm/simd.wasm", import.meta.url);
const ownWorker = (): Worker => new Worker(new URL("./worker/entry-node.ts", import.meta.url), { execArgv: [] });

let simd: Uint8Array<ArrayBuffer>;
let server: Server;
let origin: string;

beforeAll(async () => {
  simd = Uint8Array.from(await readFile(SIMD));
  server = createServer((request, response) => {
    // The type with parameters is one that streaming compilation refuses.
    const type = { "/right": "application/wasm", "/wrong": "text/plain", "/odd": "application/wasm; charset=utf-8" };
    const path = request.url ?? "";
    if (path === "/never") return;
    if (path === "/half") response.writeHead(200, { "content-type": "application/wasm" }).write(simd.subarray(0, 1000));
    else if (path in type) response.writeHead(200, { "content-type": Reflect.get(type, path) }).end(simd);
    else response.writeHead(404).end("not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Makes an engine, uses it once, and tells what it ran on. */
async function runOn(options: EngineOptions): Promise<string> {
  const engine = await createEngine(options);
  expect(await engine.relu(engine.tensor([-1, 2])).data()).toEqual(Float32Array.of(0, 2));
  engine.dispose();
  return `${engine.info.build} ${engine.info.host}`;
}

async function errorOf(options: unknown): Promise<LensletError> {
  const error: unknown = await createEngine(options as EngineOptions).catch((reason: unknown) => reason);
  if (error instanceof LensletError) return error;
  throw new Error("no LensletError", { cause: error });
}

describe("where and which", () => {
  test("builds, in this thread and in workers", async () => {
    expect(await runOn({})).toBe("relaxed thread");
    expect(await runOn({ build: "simd" })).toBe("simd thread");
    expect(await runOn({ worker: ownWorker })).toBe("relaxed worker-own");
    expect(await runOn({ worker: ownWorker, build: "simd" })).toBe("simd worker-own");
    expect(await runOn({ worker: true, build: "relaxed" })).toBe("relaxed worker-blob");
  });

  test("accuracies", async () => {
    // Plain sums and Winograd's differ in the last bits.
    const values = async (options: EngineOptions): Promise<Float32Array> => {
      const engine = await createEngine(options);
      expect(engine.info.accuracy).toBe(options.accuracy ?? "fast");
      const x = engine.tensor(
        Float32Array.from({ length: 12 * 12 * 32 }, (_, i) => Math.sin(i)),
        [1, 12, 12, 32],
      );
      const filter = engine.tensor(
        Float32Array.from({ length: 9 * 32 * 32 }, (_, i) => Math.cos(i)),
        [3, 3, 32, 32],
      );
      const data = await engine.conv2d(x, filter, { padding: "same" }).data();
      engine.dispose();
      return data as Float32Array;
    };
    const strict = await values({ accuracy: "strict" });
    const fast = await values({});
    expect(await values({ accuracy: "strict", worker: ownWorker })).toEqual(strict);
    expect(await values({ accuracy: "fast", worker: true })).toEqual(fast);
    expect(fast).not.toEqual(strict);
    fast.forEach((value, i) => {
      expect(Math.abs(value - (strict[i] ?? Number.NaN))).toBeLessThan(1e-3);
    });
  });

  test("the core from elsewhere", async () => {
    const padded = new Uint8Array(simd.length + 8);
    padded.set(simd, 4);
    const sources = [
      simd,
      simd.buffer,
      padded.subarray(4, -4),
      await WebAssembly.compile(simd),
      SIMD,
      SIMD.href,
      "dist/wasm/simd.wasm",
      `${origin}/right`,
      new URL(`${origin}/wrong`),
      `${origin}/odd`,
    ];
    for (const wasm of sources) expect(await runOn({ wasm })).toBe("simd thread");
    expect(await runOn({ wasm: simd, worker: ownWorker, build: "simd" })).toBe("simd worker-own");
  });
});

describe("training", () => {
  const trains = async (options: EngineOptions): Promise<string> => {
    const engine = await createEngine(options);
    const { build, training, host } = engine.info;
    expect(await engine.relu(engine.tensor([-1, 2])).data()).toEqual(Float32Array.of(0, 2));
    engine.dispose();
    return `${build} ${host} ${training}`;
  };

  test("cores that train, where they are asked for", async () => {
    expect(await trains({})).toBe("relaxed thread false");
    expect(await trains({ training: false, worker: ownWorker })).toBe("relaxed worker-own false");
    expect(await trains({ training: true })).toBe("relaxed thread true");
    expect(await trains({ training: true, build: "simd" })).toBe("simd thread true");
    expect(await trains({ training: true, worker: ownWorker })).toBe("relaxed worker-own true");
  });

  test("a core from elsewhere that trains says so, asked or not", async () => {
    const wasm = new URL("../dist/wasm/simd-training.wasm", import.meta.url);
    expect(await trains({ wasm })).toBe("simd thread true");
    expect(await trains({ wasm, training: true, worker: ownWorker })).toBe("simd worker-own true");
  });

  test("a core from elsewhere that does not train is refused where training is asked for", async () => {
    for (const worker of [false, ownWorker]) {
      expect(await errorOf({ worker, wasm: simd, training: true })).toMatchObject({
        code: "training-unavailable",
        argument: "training",
        message: expect.stringContaining("`wasm` is a core without it"),
      });
    }
  });

  test("a plain core gives what one that trains gives, bit by bit", async () => {
    const values = async (training: boolean): Promise<unknown> => {
      const engine = await createEngine({ training });
      const x = engine.tensor(
        Float32Array.from({ length: 12 * 12 * 32 }, (_, i) => Math.sin(i)),
        [1, 12, 12, 32],
      );
      const filter = engine.tensor(
        Float32Array.from({ length: 9 * 32 * 32 }, (_, i) => Math.cos(i)),
        [3, 3, 32, 32],
      );
      const data = await engine.gelu(engine.conv2d(x, filter, { padding: "same" })).data();
      engine.dispose();
      return data;
    };
    expect(await values(true)).toEqual(await values(false));
  });
});

describe("wrong options", () => {
  const cases: readonly (readonly [argument: string, options: unknown, message: RegExp])[] = [
    ["options", null, /options is null; expected an object/],
    ["options", 3, /options is 3/],
    ["worker", { worker: "worker.js" }, /worker is "worker.js"; expected true, false or a function/],
    ["worker", { worker: Object.create(null) }, /worker is {}; expected true, false or a function/],
    ["build", { build: "fast" }, /build is "fast"; expected "auto", "simd" or "relaxed"/],
    ["accuracy", { accuracy: "exact" }, /accuracy is "exact"; expected "fast" or "strict"/],
    ["training", { training: 1 }, /training is 1; expected true or false/],
    ["wasm", { wasm: "" }, /wasm is ""; expected/],
    ["wasm", { wasm: {} }, /wasm is {}; expected the core's bytes/],
    ["signal", { signal: "stop" }, /signal is "stop"; expected an AbortSignal/],
  ];
  test.each(cases)("%s of %o", async (argument, options, message) => {
    expect(await errorOf(options)).toMatchObject({
      code: "invalid-argument",
      argument,
      message: expect.stringMatching(message),
    });
  });

  test("a build that is not the one of wasm", async () => {
    for (const worker of [false, ownWorker]) {
      expect(await errorOf({ worker, wasm: simd, build: "relaxed" })).toMatchObject({
        code: "invalid-argument",
        argument: "build",
        message: expect.stringContaining("`wasm` is the simd build"),
      });
    }
  });
});

describe("a core that cannot be had", () => {
  const other = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const cases: readonly (readonly [name: string, wasm: () => unknown, message: RegExp])[] = [
    ["bytes of something else", () => new Uint8Array([1, 2, 3, 4]), /expected magic word/],
    ["no bytes", () => new Uint8Array(), /compile/],
    ["half of the core", () => simd.subarray(0, 5000), /could not be fetched or compiled/],
    ["another module", () => other, /lacks the exports/],
    ["a path that is not there", () => "no/such.wasm", /no\/such\.wasm.*ENOENT/],
    ["an address that is not there", () => `${origin}/none`, /404 Not Found/],
    ["an address that nobody serves", () => "http://127.0.0.1:9/x.wasm", /fetched/],
  ];
  test.each(cases)("%s", async (_name, wasm, message) => {
    const expected = { code: "wasm-load-failed", argument: "wasm", message: expect.stringMatching(message) };
    expect(await errorOf({ wasm: wasm() })).toMatchObject(expected);
    expect(await errorOf({ wasm: wasm(), worker: ownWorker })).toMatchObject(expected);
  });

  test("what was wrong is the error's cause", async () => {
    expect((await errorOf({ wasm: new Uint8Array([1]) })).cause).toBeInstanceOf(WebAssembly.CompileError);
  });
});

describe("abort", () => {
  const stages: readonly (readonly [name: string, options: EngineOptions, delay: number | undefined])[] = [
    ["before", {}, undefined],
    ["before, with a worker", { worker: ownWorker }, undefined],
    ["while the core is fetched", { wasm: "/never" }, 30],
    ["in the middle of the core", { wasm: "/half" }, 30],
    ["while a worker starts", { worker: ownWorker }, 5],
    ["while a worker waits for the core", { worker: ownWorker, wasm: "/never" }, 500],
  ];
  test.each(stages)("%s", async (_name, { wasm, worker }, delay) => {
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error("the user left");
    const options = { signal, worker, wasm: wasm === undefined ? undefined : `${origin}${String(wasm)}` };
    if (delay === undefined) controller.abort(reason);
    else setTimeout(() => controller.abort(reason), delay);
    expect(await errorOf(options)).toMatchObject({ code: "aborted", argument: "signal", cause: reason });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("at any millisecond there is an engine or an error, and no listener is left", async () => {
    for (let delay = 0; delay < 12; delay++) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), delay);
      const outcome = await createEngine({ signal: controller.signal, wasm: simd }).catch((error: unknown) => error);
      if (outcome instanceof LensletError) expect(outcome.code).toBe("aborted");
      else expect(outcome).toMatchObject({ disposed: false });
      expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    }
  });

  test("afterwards changes nothing", async () => {
    const controller = new AbortController();
    const engine = await createEngine({ signal: controller.signal });
    controller.abort();
    await engine.idle();
    engine.dispose();
  });
});

test("engines in one thread are independent", async () => {
  const [first, second] = await Promise.all([createEngine(), createEngine({ worker: ownWorker })]);
  const x = second.tensor([1, 2]);
  first.dispose();
  expect(await x.data()).toEqual(Float32Array.of(1, 2));
  second.dispose();
});

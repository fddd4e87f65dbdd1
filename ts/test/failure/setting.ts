/** What the failure suite is told of the platform it runs on, and the cases that it consists of. */
import { createEngine, type Engine, type EngineOptions, type WorkerLike } from "lenslet";
import { check } from "../conformance/case.ts";

/** What a platform gives. */
export interface Platform {
  /** The core's WebAssembly, as the package ships it. */
  core(build: "simd" | "relaxed"): Promise<Uint8Array<ArrayBuffer>>;
  /** Where it lies. */
  coreUrl(build: "simd" | "relaxed"): URL;
  /** A worker of the caller's own that runs `lenslet/worker`. */
  ownWorker(): WorkerLike;
  /** A worker whose script is not there. */
  missingWorker(): WorkerLike;
  /** A worker that runs `lenslet/worker`, and ends itself when it hears "exit", throws when it hears "throw". */
  fragileWorker(): WorkerLike;
  /** Makes an engine inside a worker, in its thread or in a worker of its own; gives its host and the negative of 5. */
  insideWorker(worker: boolean): Promise<unknown>;
  /** Calls back for every message that comes from a worker. */
  onMessage(worker: WorkerLike, heard: () => void): void;
  /** An address where there is nothing. */
  readonly nowhere: URL;
  /** Collects garbage as far as it can. */
  collect(): Promise<void>;
}

/** A platform, and the kind of engine to test on it. */
export interface Setting extends Platform {
  readonly worker: boolean;
  readonly build: "simd" | "relaxed";
}

/** One way to fail, or to endure. */
export interface FailureCase {
  readonly name: string;
  run(setting: Setting): Promise<void>;
  /** Milliseconds, where the runner's own limit is too little. */
  readonly timeout?: number;
}

/** Runs `use` on an engine of the setting and disposes of it. */
export async function withEngine(
  { worker, build }: Setting,
  use: (engine: Engine) => Promise<void>,
  options: EngineOptions = {},
): Promise<void> {
  const engine = await createEngine({ worker, build, ...options });
  try {
    check((engine.info.host === "thread") === !engine.info.host.startsWith("worker"), engine.info.host);
    await use(engine);
  } finally {
    engine.dispose();
  }
}

/** After a failure of any kind a new engine can be made, and works. */
export async function checkFresh(setting: Setting): Promise<void> {
  await withEngine(setting, async (engine) => {
    const [value] = await engine.square(engine.tensor([3])).data();
    check(value === 9, `3² is ${value}`);
  });
}

/** Resolves after some milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** A convolution that takes a while: about a tenth of a second, or `times` as long. */
export function longWork(engine: Engine, times = 1): ReturnType<Engine["conv2d"]> {
  return engine.scope(() => {
    let x = engine.tensor(new Float32Array(128 * 128 * 64).fill(1e-3), [1, 128, 128, 64]);
    const filter = engine.tensor(new Float32Array(3 * 3 * 64 * 64).fill(1e-3), [3, 3, 64, 64]);
    for (let i = 0; i < 4 * times; i++) x = engine.conv2d(x, filter, { padding: "same" });
    return x;
  });
}

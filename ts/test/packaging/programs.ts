/** Small programs on the installed package, as texts. They report as JSON what they ran on, and a maximum that they pooled. */

/** What one engine reports; or the code and text of the error that it gave. */
export interface Report {
  readonly host?: string;
  readonly build?: string;
  readonly runtime?: string;
  readonly version?: string;
  readonly values?: readonly number[];
  readonly code?: string;
  readonly message?: string;
}

/** The right values, from the core itself: a convolution, an activation and a pool. */
export const VALUES: readonly number[] = [6, 8, 14, 16];

/** Declares `probe(options)`, which runs an engine and gives its report. */
const PROBE = `
import { createEngine } from "lenslet";
async function probe(options) {
  try {
    const engine = await createEngine(options);
    const { host, build, runtime, version } = engine.info;
    const x = engine.tensor(Float32Array.from({ length: 16 }, (_, i) => i), [1, 4, 4, 1]);
    const y = engine.conv2d(x, { data: [1], shape: [1, 1, 1, 1] }, { bias: [1], activation: "relu" });
    const values = Array.from(await engine.maxPool2d(y, { size: 2 }).data());
    engine.dispose();
    return { host, build, runtime, version, values };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}`;

/** For Node: thread, worker, and a worker of one's own. */
export const NODE_PROGRAM = `${PROBE}
import { Worker } from "node:worker_threads";
const own = () => new Worker(new URL("./own-worker.js", import.meta.url));
const report = { thread: await probe(), worker: await probe({ worker: true }), own: await probe({ worker: own }) };
console.log(JSON.stringify(report));
`;

/** A worker of one's own. */
export const OWN_WORKER = `import "lenslet/worker";\n`;

/** For pages: the same. */
export const PAGE_PROGRAM = `${PROBE}
const own = () => new Worker(new URL("./own-worker.js", import.meta.url), { type: "module" });
globalThis.report = { thread: await probe(), worker: await probe({ worker: true }), own: await probe({ worker: own }) };
`;

/** A page that runs `script`. */
export function page(script: string, head = ""): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>lenslet</title><link rel="icon" href="data:,">${head}</head>
<body><script type="module" src="${script}"></script></body>
</html>
`;
}

/** A TypeScript user's file. */
export const TYPED_PROGRAM = `
import { createEngine, type Engine, type EngineOptions, filters, image, LensletError, type Tensor } from "lenslet";
import "lenslet/worker";
export async function edges(pixels: image.Pixels, options: EngineOptions): Promise<Float32Array> {
  const engine: Engine = await createEngine(options);
  try {
    const x: Tensor = image.toTensor(engine, pixels);
    const y = engine.conv2d(x, filters.sobelX({ channels: 3 }), { padding: "same", stride: [1, 2] });
    const { indices } = engine.maxPool2dWithIndices(y, { size: 2 });
    const where: Int32Array = await indices.data();
    return where.length > 0 ? await y.data() : new Float32Array();
  } catch (error) {
    if (error instanceof LensletError && error.code === "out-of-memory") return new Float32Array();
    throw error;
  } finally {
    engine.dispose();
  }
}
// @ts-expect-error: no such padding
void ((engine: Engine, x: Tensor) => engine.conv2d(x, x, { padding: "sam" }));
`;

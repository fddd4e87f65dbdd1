/** What Node gives the failure suite. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { check } from "../conformance/case.ts";
import { type Platform, pause } from "./setting.ts";

/** Node, with the package in the folder `root`. */
export function nodePlatform(root: string): Platform {
  const url = (...path: string[]): URL => pathToFileURL(join(root, ...path));
  return {
    core: async (build) => new Uint8Array(await readFile(url("dist", "wasm", `${build}.wasm`))),
    coreUrl: (build) => url("dist", "wasm", `${build}.wasm`),
    ownWorker: () => new Worker(url("dist", "node", "worker.js")),
    missingWorker: () => new Worker(url("dist", "node", "no-such-worker.js")),
    fragileWorker: () =>
      new Worker(
        `const { parentPort } = require("node:worker_threads");
        parentPort.on("message", (message) => {
          if (message === "exit") process.exit(3);
          if (message === "throw") throw new Error("a fault of the test's");
        });
        import("${url("dist", "node", "worker.js").href}");`,
        { eval: true },
      ),
    insideWorker: (nested) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(
          `import("${url("dist", "node", "index.js").href}").then(async ({ createEngine }) => {
            const engine = await createEngine({ worker: ${nested} });
            const [value] = await engine.neg(engine.tensor([5])).data();
            require("node:worker_threads").parentPort.postMessage([engine.info.host, value]);
            engine.dispose();
          });`,
          { eval: true },
        );
        worker.once("message", resolve);
        worker.once("error", reject);
      }),
    onMessage(worker, heard) {
      check(worker instanceof Worker, "a worker of Node's");
      worker.on("message", heard);
    },
    nowhere: url("dist", "wasm", "no-such-core.wasm"),
    collect: collector(),
  };
}

/** The garbage collector, which Node shows only to those who ask. */
function collector(): () => Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  check(typeof collect === "function", "no garbage collector");
  return async () => {
    collect();
    await pause(0);
    collect();
  };
}

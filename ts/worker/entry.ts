/**
 * `lenslet/worker`: import it in a worker of your own, and hand that to `createEngine({ worker: () => new Worker(...) })`.
 * It listens from then on, and has no exports.
 *
 * @module
 */
import type { Endpoint } from "comlink";
import { CommandRunner } from "../core/runner.ts";
import { serve } from "./serve.ts";

serve(endpoint(), (module, accuracy) => CommandRunner.create(module, accuracy));

function endpoint(): Endpoint {
  // This text is also what Node starts where the worker's own file is lost; what imports of "node:" give, it must ask for.
  const port = globalThis.process?.getBuiltinModule?.("node:worker_threads").parentPort;
  // Node's port has the methods of an EventTarget too, which its types leave out.
  if (port) return port as unknown as Endpoint;
  // A page would take every message for a call.
  if ("DedicatedWorkerGlobalScope" in globalThis) return globalThis as unknown as Endpoint;
  throw new Error('"lenslet/worker" runs in a dedicated worker only');
}

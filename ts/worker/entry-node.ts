/** `lenslet/worker` in Node, and in Deno and Bun, whose workers are of either kind. */
import { parentPort } from "node:worker_threads";
import type { Endpoint } from "comlink";
import { CommandRunner } from "../core/runner.ts";
import { serve } from "./serve.ts";

serve(endpoint(), CommandRunner.create);

function endpoint(): Endpoint {
  // Node's port has the methods of an EventTarget too, which its types leave out.
  if (parentPort !== null) return parentPort as unknown as Endpoint;
  if ("DedicatedWorkerGlobalScope" in globalThis) return globalThis as unknown as Endpoint;
  throw new Error('"lenslet/worker" runs in a worker only');
}

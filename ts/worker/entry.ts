/**
 * `lenslet/worker`: import it in a worker of your own, and hand that to `createEngine({ worker: () => new Worker(...) })`.
 * It listens from then on, and has no exports.
 *
 * @module
 */
import type { Endpoint } from "comlink";
import { CommandRunner } from "../core/runner.ts";
import { serve } from "./serve.ts";

// A page would take every message for a call.
if (!("DedicatedWorkerGlobalScope" in globalThis)) throw new Error('"lenslet/worker" runs in a dedicated worker only');
serve(globalThis as unknown as Endpoint, CommandRunner.create);

/** A worker that serves the fake core. */
import { parentPort } from "node:worker_threads";
import type { Endpoint } from "comlink";
import { serve } from "../serve.ts";
import { FakeRunner } from "./fake-runner.ts";

serve(parentPort as unknown as Endpoint, FakeRunner.create);

/** The worker's side: one core behind one comlink endpoint. */
import { type Endpoint, expose, transfer } from "comlink";
import type { Accuracy, Outcome } from "../command.ts";
import type { CommandRunner } from "../core/runner.ts";
import { type ErrorValue, LensletError } from "../errors.ts";
import { version } from "../version.ts";
import type { Answer, Batch, Hello, Opened, Question, Ready, Reply, WorkerApi } from "./protocol.ts";

/** What a worker runs commands with. */
export type Runner = Pick<CommandRunner, "build" | "run" | "read" | "takeFailure" | "memory">;

type RunnerMaker = (module: WebAssembly.Module, accuracy: Accuracy) => Promise<Runner>;

/** Serves one engine. */
export function serve(endpoint: Endpoint, createRunner: RunnerMaker): void {
  expose(new Server(createRunner), endpoint);
  // Unheard, the engine would wait for an answer for ever: an uncaught error tells it.
  endpoint.addEventListener("messageerror", () => {
    throw new Error("lenslet's worker could not read a message");
  });
  const ready: Ready = { type: "lenslet-ready" };
  endpoint.postMessage(ready);
}

class Server implements WorkerApi {
  /** By name: a second greeting asks for the same lock, a second engine for another. */
  readonly #locks = new Map<string, Promise<boolean>>();
  #opening = false;
  #runner: Runner | undefined;
  readonly #createRunner: RunnerMaker;

  constructor(createRunner: RunnerMaker) {
    this.#createRunner = createRunner;
  }

  async hello(lock: string | undefined): Promise<Hello> {
    if (lock === undefined) return { version, holdsLock: false };
    const held = this.#locks.get(lock) ?? hold(lock);
    this.#locks.set(lock, held);
    return { version, holdsLock: await held };
  }

  async open(module: WebAssembly.Module, accuracy: Accuracy): Promise<Outcome<Opened>> {
    if (this.#opening) return failed(new LensletError("worker-load-failed", BUSY, { argument: "worker" }));
    this.#opening = true;
    try {
      const runner = await this.#createRunner(module, accuracy);
      this.#runner = runner;
      return { ok: true, value: { build: runner.build, memory: runner.memory() } };
    } catch (error) {
      this.#opening = false;
      return failed(error);
    }
  }

  run(batch: Batch): Reply {
    const runner = this.#runner;
    if (runner === undefined) throw new Error("run before open");
    const answers: Answer[] = [];
    const buffers: ArrayBuffer[] = [];
    for (const entry of batch) {
      if (entry.kind !== "read" && entry.kind !== "idle") {
        runner.run([entry]);
        continue;
      }
      const answer = answerOf(runner, entry);
      answers.push(answer);
      if (answer.ok && answer.value !== undefined) buffers.push(answer.value);
    }
    return transfer({ answers, memory: runner.memory() }, buffers);
  }
}

const BUSY = "the worker serves an engine already; `worker` must return a new one each time";

function answerOf(runner: Runner, question: Question): Answer {
  try {
    if (question.kind === "read") return { ok: true, value: runner.read(question.id) };
    const failure = runner.takeFailure();
    return failure === undefined ? { ok: true, value: undefined } : failed(failure);
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): { readonly ok: false; readonly error: ErrorValue } {
  if (error instanceof LensletError) return { ok: false, error: error.toValue() };
  return { ok: false, error: { code: "core-trapped", message: String(error) } };
}

/** Takes a Web Lock until the worker ends; false where there are none, as in insecure contexts and in Node. */
async function hold(name: string): Promise<boolean> {
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) return false;
  return new Promise((resolve) => {
    const keep = (): Promise<never> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request(name, keep).catch(() => resolve(false));
  });
}

/** The worker's side: one core behind one comlink endpoint. */
import { type Endpoint, expose, transfer } from "comlink";
import type { Accuracy, Outcome, RunReport } from "../command.ts";
import { CommandQueue, type Runner } from "../core/queue.ts";
import { type ErrorValue, LensletError } from "../errors.ts";
import { version } from "../version.ts";
import type {
  Answer,
  Batch,
  Hello,
  Opened,
  Progress,
  Question,
  Ready,
  Reply,
  RunQuestion,
  WorkerApi,
} from "./protocol.ts";

type RunnerMaker = (module: WebAssembly.Module, accuracy: Accuracy) => Promise<Runner>;

/** Serves one engine. */
export function serve(endpoint: Endpoint, createRunner: RunnerMaker): void {
  expose(new Server(createRunner, (progress) => endpoint.postMessage(progress)), endpoint);
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
  #core: { readonly runner: Runner; readonly queue: CommandQueue } | undefined;
  /** Of runs that can be aborted, by their numbers. */
  readonly #aborts = new Map<number, AbortController>();
  readonly #createRunner: RunnerMaker;
  readonly #tell: (progress: Progress) => void;

  constructor(createRunner: RunnerMaker, tell: (progress: Progress) => void) {
    this.#createRunner = createRunner;
    this.#tell = tell;
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
      this.#core = { runner, queue: new CommandQueue(runner) };
      return { ok: true, value: { build: runner.build, training: runner.training, memory: runner.memory() } };
    } catch (error) {
      this.#opening = false;
      return failed(error);
    }
  }

  async run(batch: Batch): Promise<Reply> {
    if (this.#core === undefined) throw new Error("run before open");
    const { runner, queue } = this.#core;
    const pending: Promise<Answer>[] = [];
    for (const entry of batch) {
      if (isQuestion(entry)) pending.push(this.#answer(queue, entry).then(succeeded, failed));
      else queue.submit(entry);
    }
    const answers = await Promise.all(pending);
    const values = answers.map((answer) => (answer.ok ? answer.value : undefined));
    const buffers = values.filter((value) => value instanceof ArrayBuffer);
    return transfer({ answers, memory: runner.memory() }, buffers);
  }

  abort(run: number): void {
    this.#aborts.get(run)?.abort();
  }

  #answer(queue: CommandQueue, question: Question): Promise<Value> {
    if (question.kind === "read") return queue.read(question.id);
    if (question.kind === "explain") return queue.explain(question.op, question.words, question.alone);
    if (question.kind === "run") return this.#runProgram(queue, question);
    return queue.idle().then(() => undefined);
  }

  async #runProgram(queue: CommandQueue, { request, run, watched, timed }: RunQuestion): Promise<RunReport> {
    if (run === undefined) return queue.run(request);
    const controller = new AbortController();
    this.#aborts.set(run, controller);
    const onStep = (done: number, total: number): void => this.#tell({ type: "lenslet-progress", run, done, total });
    try {
      return await queue.run(request, { signal: controller.signal, onStep: watched ? onStep : undefined, timed });
    } finally {
      this.#aborts.delete(run);
    }
  }
}

type Value = (Answer & { readonly ok: true })["value"];

function isQuestion(entry: Batch[number]): entry is Question {
  return entry.kind === "read" || entry.kind === "idle" || entry.kind === "explain" || entry.kind === "run";
}

const BUSY = "the worker serves an engine already; `worker` must return a new one each time";

function succeeded(value: Value): Answer {
  return { ok: true, value };
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

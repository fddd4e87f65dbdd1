import { type Endpoint, wrap } from "comlink";
import type { Accuracy, Outcome } from "../command.ts";
import { LensletError } from "../errors.ts";
import type { WorkerLink } from "../platform/platform.ts";
import type { Batch, Hello, Opened, Reply, WorkerApi } from "./protocol.ts";

/** The worker's functions as they are called from here. */
export interface WorkerCalls {
  hello(lock: string | undefined): Promise<Hello>;
  open(module: WebAssembly.Module, accuracy: Accuracy): Promise<Outcome<Opened>>;
  run(batch: Batch): Promise<Reply>;
  abort(run: number): Promise<void>;
}

/**
 * Calls to one worker, none of which outlives it: comlink leaves a call pending for ever if its worker dies, so every
 * call is known here and rejected then.
 */
export class Channel {
  readonly #link: WorkerLink;
  readonly #calls: WorkerCalls;
  readonly #pending = new Set<(error: LensletError) => void>();
  #listeners: ((event: MessageEvent) => void)[] = [];
  #ended: LensletError | undefined;

  constructor(link: WorkerLink) {
    this.#link = link;
    // The proxies live as long as the channel: comlink makes, and registers with the collector, one an access.
    const { hello, open, run, abort } = wrap<WorkerApi>(this.#endpoint());
    this.#calls = { hello, open, run, abort };
    link.listen({
      message: (data) => {
        for (const listener of this.#listeners) listener({ data } as MessageEvent);
      },
      lost: (cause) => this.end(lostError(cause)),
    });
  }

  /** Why no calls can be made any more. */
  get ended(): LensletError | undefined {
    return this.#ended;
  }

  /** What `start` asks of the worker; rejects as soon as the channel ends. */
  call<T>(start: (worker: WorkerCalls) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      if (this.#pending.size === 0) this.#link.keepAlive(true);
      this.#pending.add(reject);
      // Only a message that cannot be cloned, or a fault in the worker's code, rejects: the worker's state is unknown then.
      start(this.#calls).then(
        (value) => {
          this.#settle(reject);
          resolve(value);
        },
        (cause: unknown) => this.end(lostError(cause)),
      );
    });
  }

  /** Runs `heard` for each message that is no answer to a call. */
  onMessage(heard: (data: unknown) => void): void {
    this.#listeners.push(({ data }) => heard(data));
  }

  /** Begins to watch the Web Lock that the worker holds. */
  watchLock(): void {
    if (this.#ended === undefined) this.#link.watchLock();
  }

  /** Ends the worker and rejects what is pending. Only the first time counts. */
  end(error: LensletError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#listeners = [];
    this.#link.close();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const reject of pending) reject(error);
  }

  #settle(reject: (error: LensletError) => void): void {
    this.#pending.delete(reject);
    if (this.#pending.size === 0 && this.#ended === undefined) this.#link.keepAlive(false);
  }

  #endpoint(): Endpoint {
    type Listener = (event: MessageEvent) => void;
    return {
      postMessage: (message, transfer = []) => {
        // comlink says farewell when its proxies are collected, which may be long after the end.
        if (this.#ended === undefined) this.#link.post(message, transfer);
      },
      addEventListener: (_type, listener) => {
        this.#listeners.push(listener as Listener);
      },
      removeEventListener: (_type, listener) => {
        this.#listeners = this.#listeners.filter((known) => known !== listener);
      },
    };
  }
}

/** The error of everything that a lost worker leaves undone. */
function lostError(cause: unknown): LensletError {
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  const text = `the engine's worker was lost${reason}; create another engine with createEngine()`;
  return new LensletError("worker-lost", text, { cause });
}

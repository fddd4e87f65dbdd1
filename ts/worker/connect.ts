/** From no worker to one that answered: every way that the platform has, or the caller's own worker. */
import { platform } from "#platform";
import { abortError } from "../abort.ts";
import type { Executor } from "../command.ts";
import { LensletError } from "../errors.ts";
import type { WorkerLike, WorkerLink } from "../platform/platform.ts";
import { version } from "../version.ts";
import { Channel } from "./channel.ts";
import type { Hello } from "./protocol.ts";

/** How long a worker may take to answer: long enough for a slow network, as its script is small. */
const PATIENCE_MS = 15_000;

/** A worker that answered. */
export interface Connection {
  readonly channel: Channel;
  readonly host: Exclude<Executor["host"], "thread">;
}

/** Starts the package's worker in the first way that works. */
export async function startWorker(signal: AbortSignal, patience: number = PATIENCE_MS): Promise<Connection> {
  const failures: { readonly way: string; readonly cause: unknown }[] = [];
  for (const { host, way, start } of platform.workers) {
    try {
      return { channel: await greet(await start(), signal, patience), host };
    } catch (cause) {
      if (signal.aborted) throw abortError(signal);
      failures.push({ way, cause });
    }
  }
  const reasons = failures.map(({ way, cause }) => `${way} (${reasonOf(cause)})`);
  const text = `createEngine: the worker could not be started ${reasons.join(" nor ")}; ${platform.workerRemedy}`;
  throw new LensletError("worker-load-failed", text, { argument: "worker", cause: failures.at(-1)?.cause });
}

/** Takes over a worker that the caller made. */
export async function adoptWorker(
  make: () => WorkerLike,
  signal: AbortSignal,
  patience: number = PATIENCE_MS,
): Promise<Connection> {
  try {
    return { channel: await greet(linkTo(make()), signal, patience), host: "worker-own" };
  } catch (cause) {
    if (signal.aborted) throw abortError(signal);
    if (cause instanceof LensletError && cause.code === "invalid-argument") throw cause;
    const text = `createEngine: the worker that \`worker\` returned could not be used (${reasonOf(cause)}); its script must import "lenslet/worker"`;
    throw new LensletError("worker-load-failed", text, { argument: "worker", cause });
  }
}

/** Workers that an engine has, or had: two engines at one worker would end it for each other. */
const taken = new WeakSet<WorkerLike>();

function linkTo(worker: WorkerLike): WorkerLink {
  const link = typeof worker === "object" && worker !== null ? platform.adoptWorker(worker) : undefined;
  if (link !== undefined) {
    if (taken.has(worker)) throw new Error("it is the worker of another engine; return a new one each time");
    taken.add(worker);
    return link;
  }
  const text = "createEngine: what `worker` returned is not a Worker; expected `() => new Worker(...)`";
  throw new LensletError("invalid-argument", text, { argument: "worker" });
}

/** Waits for the worker's first answer. */
async function greet(link: WorkerLink, signal: AbortSignal, patience: number): Promise<Channel> {
  const channel = new Channel(link);
  const abort = (): void => channel.end(abortError(signal));
  const giveUp = (): void =>
    channel.end(new LensletError("worker-load-failed", `no answer within ${patience / 1000} s`));
  const timer = setTimeout(giveUp, patience);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  try {
    const hello = await firstHello(channel, link.lock);
    if (hello.version !== version) {
      const text = `it runs lenslet ${hello.version}, this is ${version}`;
      throw new LensletError("worker-load-failed", text);
    }
    if (hello.holdsLock) channel.watchLock();
    return channel;
  } catch (error) {
    channel.end(error instanceof LensletError ? error : new LensletError("worker-load-failed", String(error)));
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** A worker that began to listen late has missed the first greeting, so it is greeted again when it says that it does. */
function firstHello(channel: Channel, lock: string | undefined): Promise<Hello> {
  return new Promise((resolve, reject) => {
    const say = (): void => {
      channel.call((to) => to.hello(lock)).then(resolve, reject);
    };
    let again = true;
    channel.onMessage((data) => {
      if (!again || !isReady(data)) return;
      again = false;
      say();
    });
    say();
  });
}

function isReady(data: unknown): boolean {
  return typeof data === "object" && data !== null && "type" in data && data.type === "lenslet-ready";
}

/** An error's text in the middle of a sentence; scripts that could not be loaded give none. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof LensletError && cause.code === "worker-lost" ? cause.cause : cause;
  if (inner === undefined || inner === null) return "its script could not be loaded";
  return (inner instanceof Error ? inner.message : String(inner)).replace(/\.$/, "");
}

/** Browsers, and whatever else has their globals. */
import { decodeImage, encodeImage } from "./browser-image.ts";
import type { Platform, WorkerLink } from "./platform.ts";
import { isWebWorker, webWorkerLink } from "./web-worker.ts";

/** The runtime that these files were built for. */
export const platform: Platform = {
  runtime: "browser",
  terminal: undefined,
  workers: [
    { host: "worker-url", way: "from its URL", start: startFromUrl },
    { host: "worker-blob", way: "from a Blob", start: startFromBlob },
  ],
  workerRemedy:
    "if the page's Content-Security-Policy forbids it, allow `worker-src blob:`, or hand over a worker of your own, " +
    '`createEngine({ worker: () => new Worker(...) })`, whose script imports "lenslet/worker"',
  adoptWorker: (worker) => (isWebWorker(worker) ? webWorkerLink(worker) : undefined),
  request,
  listFolder: undefined,
  inflate,
  decodeImage: (source) => decodeImage(source, request),
  encodeImage,
};

function startFromUrl(): WorkerLink {
  // Bundlers look for exactly this expression.
  return webWorkerLink(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
}

async function startFromBlob(): Promise<WorkerLink> {
  const { default: source } = await import("#worker-source");
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const policy = watchPolicy();
  const done = (): void => {
    URL.revokeObjectURL(url);
    policy.stop();
  };
  try {
    const link = webWorkerLink(new Worker(url, { type: "module" }), done);
    const listen: WorkerLink["listen"] = (to) =>
      link.listen({ message: (data) => to.message(data), lost: (cause) => to.lost(policy.violation() ?? cause) });
    return { ...link, listen };
  } catch (error) {
    done();
    throw policy.violation() ?? error;
  }
}

/** Watches for a Content-Security-Policy that forbids the Blob: the worker's own error event does not say so. */
function watchPolicy(): { violation(): Error | undefined; stop(): void } {
  const end = new AbortController();
  let directive: string | undefined;
  const seen = (event: Event): void => {
    if (!("blockedURI" in event && "effectiveDirective" in event)) return;
    if (String(event.blockedURI).startsWith("blob")) directive = String(event.effectiveDirective);
  };
  globalThis.addEventListener("securitypolicyviolation", seen, { signal: end.signal });
  return {
    violation: () =>
      directive === undefined ? undefined : new Error(`the Content-Security-Policy's ${directive} forbids blob:`),
    stop: () => end.abort(),
  };
}

async function request(source: string | URL, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(source, signal === undefined ? {} : { signal });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  return response;
}

async function inflate(base64: string): Promise<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  // Ten times as fast as Uint8Array.from.
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(inflated).arrayBuffer();
}

/** Node, and Deno and Bun, which have its modules. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { inflateRawSync } from "node:zlib";
import type { Runtime } from "../command.ts";
import { decodeImage, encodeImage } from "./node-image.ts";
import { isNodeWorker, nodeWorkerLink } from "./node-worker.ts";
import type { FolderEntry, Platform, WorkerLink } from "./platform.ts";
import { isWebWorker, webWorkerLink } from "./web-worker.ts";

/** The runtime that these files were built for. */
export const platform: Platform = {
  runtime: runtime(),
  // What a program prints may be read by another; its progress is not meant for that.
  terminal: {
    get columns() {
      return process.stderr.isTTY ? process.stderr.columns : undefined;
    },
    write(text) {
      process.stderr.write(text);
    },
  },
  workers: [
    {
      host: "worker-url",
      way: "from its file",
      start: () => startNodeWorker(new URL("./worker.js", import.meta.url)),
    },
    {
      // Where a bundler moved the package's code away from that file.
      host: "worker-blob",
      way: "from its source",
      async start() {
        const { default: source } = await import("#worker-source");
        return startNodeWorker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
      },
    },
  ],
  workerRemedy:
    "if a bundler moved the package's code, leave lenslet out of the bundle (external), or hand over a worker of your own, " +
    '`createEngine({ worker: () => new Worker(...) })`, whose script imports "lenslet/worker"',
  adoptWorker(worker) {
    if (isNodeWorker(worker)) return nodeWorkerLink(worker);
    return isWebWorker(worker) ? webWorkerLink(worker) : undefined;
  },
  request,
  listFolder,
  // 2 ms for the core, where Node's DecompressionStream takes 35.
  inflate: (base64) => inflateRawSync(Buffer.from(base64, "base64")),
  decodeImage: (source) => decodeImage(source, request),
  encodeImage,
};

function startNodeWorker(script: URL): WorkerLink {
  // The program's own flags (loaders, an inspector's port) are not for this worker.
  return nodeWorkerLink(new Worker(script, { execArgv: [] }));
}

function runtime(): Runtime {
  const { versions } = process;
  if ("deno" in versions) return "deno";
  return "bun" in versions ? "bun" : "node";
}

/** A URL's file, from disk or network; any other string is a path. A scheme has two letters at least: `C:` is a disk. */
async function request(source: string | URL, signal?: AbortSignal): Promise<Response> {
  const address = source instanceof URL || /^[a-z][a-z\d+.-]+:/i.test(source) ? new URL(source) : source;
  const options = signal === undefined ? {} : { signal };
  if (typeof address === "string" || address.protocol === "file:")
    return new Response(await readFile(address, options));
  const response = await fetch(address, options);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  return response;
}

/** Links are followed by whoever opens them: one to a folder is no folder here, and no loop. */
async function listFolder(folder: string | URL): Promise<readonly FolderEntry[]> {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  const entries = await readdir(path, { withFileTypes: true });
  return entries.map((entry) => ({
    name: entry.name,
    path: join(path, entry.name),
    isFolder: entry.isDirectory(),
  }));
}

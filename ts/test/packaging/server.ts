/** Serves a folder to a browser, with the headers that a test wants. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Options of {@link serveFolder}. */
export interface ServeOptions {
  /** Sent with everything. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Paths that are not there, though they are. */
  readonly missing?: RegExp;
  /** Types by extension, other than the usual ones. */
  readonly types?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface FolderServer extends AsyncDisposable {
  /** Its address, which ends with a slash. */
  readonly url: string;
}

/** Serves `folder` on a free port of this machine. */
export async function serveFolder(folder: string, options: ServeOptions = {}): Promise<FolderServer> {
  const { headers = {}, missing, types = {} } = options;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = normalize(decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
    const body = missing?.test(path) === true ? Promise.reject(new Error("missing")) : readFile(join(folder, path));
    body.then(
      (bytes) => {
        const extension = extname(path);
        const type = types[extension] ?? TYPES[extension] ?? "application/octet-stream";
        response.writeHead(200, { ...headers, "content-type": type }).end(bytes);
      },
      () => response.writeHead(404, headers).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

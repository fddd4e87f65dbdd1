/** Chromium with a page of ours: bundles its script, serves it isolated from other origins. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { basename, delimiter, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { UsageError } from "../options.ts";

const BENCH = fileURLToPath(new URL("..", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

type Files = ReadonlyMap<string, Uint8Array>;

export interface PageHost {
  readonly page: Page;
  /** `Chromium 140.0` */
  readonly engine: string;
  close(): Promise<void>;
}

/** Opens a page that runs the script `entry` (a path in this folder's parent). */
export async function openPage(entry: string, note: (line: string) => void): Promise<PageHost> {
  const { chromium } = await import("playwright-core");
  const server = serve(await bundled(entry), entry);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the page's server did not start");
  const executablePath = installedChromium();
  const browser = await chromium
    .launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    })
    .catch((error: unknown) => {
      server.close();
      throw new UsageError(`--browser: no Chromium starts (${said(error)}); set CHROMIUM to its path`);
    });
  const close = async (): Promise<void> => {
    await browser.close();
    server.close();
  };
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => note(`page: ${said(error)}`));
    await page.exposeFunction("benchProgress", note);
    await page.goto(`http://127.0.0.1:${address.port}/`);
    return { page, engine: `Chromium ${browser.version()}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function said(error: unknown): string {
  return ((error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "").slice(0, 160);
}

async function bundled(entry: string): Promise<Files> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(BENCH, entry)],
    bundle: true,
    write: false,
    format: "esm",
    splitting: true,
    platform: "browser",
    target: "esnext",
    outdir: "/",
    // What the peers ask for in hosts other than a page, and never reach here.
    external: ["onnxruntime-node", "fs", "path", "crypto", "os", "worker_threads", "perf_hooks", "node:*"],
    logLevel: "error",
  });
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
}

/** The page, its bundle, and what is installed: to this machine only, with the headers that isolate an origin. */
function serve(files: Files, entry: string): Server {
  const script = `${basename(entry, extname(entry))}.js`;
  const html = `<!doctype html><meta charset=utf-8><title>lenslet bench</title><script type=module src=/page/${script}></script>`;
  return createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://bench").pathname);
    const headers = (type: string): Record<string, string> => ({
      "content-type": type,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    const chunk = path.startsWith("/page/") ? files.get(path.slice("/page/".length)) : undefined;
    const installed = path.startsWith("/node_modules/") ? join(BENCH, path) : undefined;
    if (path === "/") response.writeHead(200, headers("text/html")).end(html);
    else if (chunk !== undefined) response.writeHead(200, headers("text/javascript")).end(chunk);
    else if (installed !== undefined && existsSync(installed) && statSync(installed).isFile()) {
      response.writeHead(200, headers(TYPES[extname(installed)] ?? "application/octet-stream"));
      createReadStream(installed).pipe(response);
    } else response.writeHead(404).end();
  });
}

/** A Chromium of the system; without one, Playwright looks for its own. */
function installedChromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  if (named !== undefined) return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

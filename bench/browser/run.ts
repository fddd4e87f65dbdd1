/** The same suite in Chromium: bundles the page, serves it isolated from other origins, collects its report. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { basename, delimiter, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { reason } from "../measure.ts";
import { type Options, UsageError } from "../options.ts";
import type { SuiteResult } from "../suite.ts";
import type { PageOptions } from "./page.ts";

const BENCH = fileURLToPath(new URL("..", import.meta.url));
const PAGE =
  "<!doctype html><meta charset=utf-8><title>lenslet bench</title><script type=module src=/page/page.js></script>";
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

type Files = ReadonlyMap<string, Uint8Array>;

export async function runInBrowser(
  options: Options,
  note: (line: string) => void,
): Promise<{ result: SuiteResult; engine: string }> {
  const { chromium } = await import("playwright-core");
  const server = serve(await bundled());
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
      throw new UsageError(`--browser: no Chromium starts (${reason(error)}); set CHROMIUM to its path`);
    });
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => note(`page: ${reason(error)}`));
    await page.exposeFunction("benchProgress", note);
    await page.goto(`http://127.0.0.1:${address.port}/`);
    await page.waitForFunction("globalThis.runBench !== undefined");
    const asked: PageOptions = {
      cases: options.cases,
      peers: options.peers,
      rounds: options.rounds,
      budget: options.budget,
      build: options.build,
    };
    const result: SuiteResult = await page.evaluate((each) => globalThis.runBench(each), asked);
    return { result, engine: `Chromium ${browser.version()}` };
  } finally {
    await browser.close();
    server.close();
  }
}

async function bundled(): Promise<Files> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(BENCH, "browser/page.ts")],
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
function serve(files: Files): Server {
  return createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://bench").pathname);
    const headers = (type: string): Record<string, string> => ({
      "content-type": type,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    const chunk = path.startsWith("/page/") ? files.get(path.slice("/page/".length)) : undefined;
    const installed = path.startsWith("/node_modules/") ? join(BENCH, path) : undefined;
    if (path === "/") response.writeHead(200, headers("text/html")).end(PAGE);
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

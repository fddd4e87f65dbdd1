/** The package as it is published: what is in the tarball, and that it runs where users install it. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import pkg from "../../../package.json" with { type: "json" };
import { version } from "../../version.ts";
import { reportOf, startBrowser } from "./browser.ts";
import { reportOfNodeProject } from "./node.ts";
import { NODE_PROGRAM, OWN_WORKER, PAGE_PROGRAM, page, type Report, TYPED_PROGRAM, VALUES } from "./programs.ts";
import { createProject, pack, runScript, runTool, type Tarball, temporaryFolder } from "./project.ts";
import { serveFolder } from "./server.ts";

type Reports = Readonly<Record<"thread" | "worker" | "own", Report>>;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let tarball: Tarball;

beforeAll(async () => {
  folder = await temporaryFolder();
  tarball = await pack(folder.path);
});

afterAll(() => folder[Symbol.asyncDispose]());

/** A folder of its own for a project. */
async function newFolder(name: string): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(path);
  return path;
}

/** Bundles a project into its folder `bundled`. */
async function bundle(cwd: string, input: Record<string, string>, platform: "node" | "browser"): Promise<void> {
  const conditionNames = platform === "node" ? ["node", "import"] : ["browser", "import"];
  const output = { dir: join(cwd, "bundled"), entryFileNames: "[name].js" };
  // Node's own resolution would find sharp, which is optional, in no fresh project.
  await build({ cwd, input, platform, external: ["sharp"], resolve: { conditionNames }, output });
}

/** What every engine of a fresh project must report. */
function expectReports(reports: Reports, runtime: "node" | "browser", workerHost: RegExp): void {
  const common = { build: "relaxed", runtime, version, values: VALUES };
  expect(reports.thread).toEqual({ ...common, host: "thread" });
  expect(reports.worker).toEqual({ ...common, host: expect.stringMatching(workerHost) });
  expect(reports.own).toEqual({ ...common, host: "worker-own" });
}

describe("the tarball", () => {
  test("holds what users need, and nothing else", () => {
    const paths = tarball.files.map(({ path }) => path);
    const expected = /^(package\.json|README\.md|CHANGELOG\.md|LICENSE-(APACHE|MIT)|dist\/.+)$/;
    expect(paths.filter((path) => !expected.test(path))).toEqual([]);
    const dist = paths.filter((path) => path.startsWith("dist/") && !path.startsWith("dist/types/")).sort();
    // What models need comes in parts of its own, under names that the bundler finds.
    const [bundles, others] = [true, false].map((bundle) =>
      dist.filter((path) => /^dist\/(browser|node)\/\w+\.js$/.test(path) === bundle),
    );
    const entries = ["browser", "node"].flatMap((platform) =>
      ["index", "load", "worker"].map((entry) => `dist/${platform}/${entry}.js`),
    );
    expect(bundles).toEqual(expect.arrayContaining(entries));
    expect(others).toEqual([
      "dist/wasm/exports.d.ts",
      // Cores that train come as modules only: who serves files himself serves small ones.
      ...["relaxed-training", "relaxed", "simd-training", "simd"].flatMap((name) =>
        ["d.ts", "js", ...(name.endsWith("training") ? [] : ["wasm"])].map((type) => `dist/wasm/${name}.${type}`),
      ),
      "dist/worker-source.d.ts",
      "dist/worker-source.js",
    ]);
    expect(paths.filter((path) => /test|\.map$/.test(path))).toEqual([]);
  });

  test("is under a megabyte and a half, of which training takes a third, and needs no other package", () => {
    expect(tarball.size).toBeLessThan(1_500_000);
    expect(pkg).not.toHaveProperty("dependencies");
    expect(pkg).not.toHaveProperty("optionalDependencies");
    expect(Object.keys(pkg.peerDependencies)).toEqual(Object.keys(pkg.peerDependenciesMeta));
  });

  test.each(["simd", "relaxed"])("has a %s core of 132 kB at most, as servers send it", async (core) => {
    const wasm = await readFile(join(import.meta.dirname, "../../../dist/wasm", `${core}.wasm`));
    expect(gzipSync(wasm, { level: 9 }).length).toBeLessThan(132_000);
  });

  test("has the version that the engine tells", () => {
    expect(version).toBe(pkg.version);
  });

  test("has a package.json without faults", async () => {
    const { messages } = await publint({ pkgDir: join(import.meta.dirname, "../../.."), strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });
});

test("its declarations hold in a strict TypeScript project, with the web's types or Node's", async () => {
  const path = await newFolder("typescript");
  await createProject(path, tarball, { "program.ts": TYPED_PROGRAM });
  const base = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "program.ts"];
  const tsc = "typescript/bin/tsc";
  await runTool(path, tsc, [...base, "--module", "nodenext", "--lib", "es2022,dom,esnext.disposable", "--types", ""]);
  await runTool(path, tsc, [...base, "--module", "preserve", "--lib", "es2022,dom,esnext.disposable", "--types", ""]);
}, 60_000);

test("it runs in a fresh Node project: thread, worker, own worker", async () => {
  expectReports(await reportOfNodeProject(), "node", /^worker-url$/);
}, 60_000);

test("it runs in a Node program that a bundler moved away from the package", async () => {
  const path = await newFolder("bundled");
  await createProject(path, tarball, { "program.js": NODE_PROGRAM, "own-worker.js": OWN_WORKER });
  await bundle(path, { program: "program.js", "own-worker": "own-worker.js" }, "node");
  await rm(join(path, "node_modules"), { recursive: true });
  expectReports((await runScript(join(path, "bundled"), "program.js")) as Reports, "node", /^worker-blob$/);
}, 60_000);

describe("in Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test("a fresh Vite project, built", async () => {
    const path = await newFolder("vite");
    const files = { "index.html": page("./app.js"), "app.js": PAGE_PROGRAM, "own-worker.js": OWN_WORKER };
    await createProject(path, tarball, files);
    const args = ["build", "--logLevel", "warn", "--base", "./"];
    // Top-level await is the program's.
    await runTool(path, "vite/bin/vite.js", [...args, "--outDir", "built"]);
    await using server = await serveFolder(join(path, "built"));
    expectReports(await reportOf<Reports>(browser, server.url), "browser", /^worker-(url|blob)$/);
  }, 60_000);

  test("a fresh project, built by a bundler that leaves the worker behind", async () => {
    const path = await newFolder("rolldown");
    await createProject(path, tarball, { "app.js": PAGE_PROGRAM, "own-worker.js": OWN_WORKER });
    await bundle(path, { app: "app.js", "own-worker": "own-worker.js" }, "browser");
    await writeFile(join(path, "bundled", "index.html"), page("./app.js"));
    await using server = await serveFolder(join(path, "bundled"));
    expectReports(await reportOf<Reports>(browser, server.url), "browser", /^worker-blob$/);
  }, 60_000);

  describe("a page without a bundler", () => {
    let path: string;

    beforeAll(async () => {
      path = await newFolder("plain");
      const imports = { lenslet: "./node_modules/lenslet/dist/browser/index.js" };
      const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
      // Workers have no import map.
      const worker = 'import "./node_modules/lenslet/dist/browser/worker.js";';
      const files = { "index.html": page("./app.js", map), "app.js": PAGE_PROGRAM, "own-worker.js": worker };
      await createProject(path, tarball, files);
    });

    async function reports(options: Parameters<typeof serveFolder>[1]): Promise<Reports> {
      await using server = await serveFolder(path, options);
      // Not before the page is done does the server close.
      return await reportOf<Reports>(browser, server.url);
    }

    test("as it stands", async () => {
      expectReports(await reports({}), "browser", /^worker-url$/);
    });

    test("where the worker's file is missing: from a Blob", async () => {
      const missing = /browser\/worker\.js$/;
      const { worker, thread } = await reports({ missing });
      expect(thread.host).toBe("thread");
      expect(worker).toMatchObject({ host: "worker-blob", values: VALUES });
    });

    test("isolated from other origins: by URL and from a Blob", async () => {
      const headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
      expectReports(await reports({ headers }), "browser", /^worker-url$/);
      const { worker } = await reports({ headers, missing: /browser\/worker\.js$/ });
      expect(worker).toMatchObject({ host: "worker-blob", values: VALUES });
    });

    test("under a strict Content-Security-Policy", async () => {
      const policy = "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src data:";
      const { thread, worker } = await reports({ headers: { "content-security-policy": policy } });
      expect([thread.host, worker.host]).toEqual(["thread", "worker-url"]);
    });

    test("under one that forbids both kinds of worker: the error says so", async () => {
      const headers = { "content-security-policy": "worker-src 'self'" };
      const { worker, own } = await reports({ headers, missing: /browser\/worker\.js$/ });
      expect(worker).toEqual({
        code: "worker-load-failed",
        message:
          "createEngine: the worker could not be started from its URL (its script could not be loaded) nor from a Blob " +
          "(the Content-Security-Policy's worker-src forbids blob:); if the page's Content-Security-Policy forbids it, " +
          "allow `worker-src blob:`, or hand over a worker of your own, `createEngine({ worker: () => new Worker(...) })`, " +
          'whose script imports "lenslet/worker"',
      });
      expect(own.code).toBe("worker-load-failed");
    });

    test("under one that forbids WebAssembly: the error says so", async () => {
      const { thread } = await reports({ headers: { "content-security-policy": "script-src 'self' 'unsafe-inline'" } });
      expect(thread).toMatchObject({ code: "wasm-load-failed", message: expect.stringContaining("wasm-unsafe-eval") });
    });
  });
});

/**
 * The built page in Chromium, for the tests of a file: import this, and each test may `open()` it anew. Whatever the
 * console complains about fails the test. Screenshots go to `screenshots`.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { image } from "lenslet";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
// biome-ignore lint/style/noRestrictedImports: all browser tests find and start Chromium in the same way.
import { CHROMIUM_FLAGS, findChromium, installChromium } from "../../ts/test/runners/chromium.ts";

const root = import.meta.dirname;
export const screenshots = join(root, "../../target/test/demo");
const FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

let server: PreviewServer;
let browser: Browser;
let built = "";
let address = "";
/** The page of the present test. */
export let page: Page;
/** What the console said; a test that expects something takes it out. */
export const complaints: string[] = [];

beforeAll(async () => {
  await installChromium();
  await mkdir(screenshots, { recursive: true });
  built = await mkdtemp(join(screenshots, "page-"));
  const configFile = join(root, "vite.config.ts");
  await build({ configFile, logLevel: "warn", build: { outDir: built, emptyOutDir: true } });
  server = await preview({
    configFile,
    logLevel: "warn",
    build: { outDir: built },
    preview: { port: 0, host: "127.0.0.1" },
  });
  address = server.resolvedUrls?.local[0] ?? "";
  const executablePath = findChromium();
  browser = await chromium.launch({
    args: [...CHROMIUM_FLAGS, ...FAKE_CAMERA],
    ...(executablePath === undefined ? {} : { executablePath }),
  });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(built, { recursive: true, force: true });
});

afterEach(async () => {
  await page.context().close();
  expect(complaints.splice(0)).toEqual([]);
});

/** Opens the page as a new visitor, and waits for its first result. */
export async function open(options: BrowserContextOptions = {}): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    permissions: ["camera"],
    ...options,
  });
  page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  await size("451 × 300");
  await eventually(() => text("#engine-text")).toContain("SIMD");
}

/** The text of an element. */
export const text = async (selector: string): Promise<string> => (await page.locator(selector).textContent()) ?? "";

/** Waits until the output has this size. */
export async function size(wanted: string): Promise<void> {
  await eventually(() => text("#output-size")).toBe(wanted);
}

/** An expectation that may take a while to come true: other tests keep the machine busy too. */
export const eventually = <T>(look: () => T | Promise<T>, message?: string) =>
  expect.poll(look, { timeout: 20_000, interval: 20, ...(message === undefined ? {} : { message }) });

/** The red bytes of a canvas. */
export function reds(canvas: "input" | "output"): Promise<number[]> {
  return page.locator(`#${canvas}`).evaluate((node) => {
    if (!(node instanceof HTMLCanvasElement)) throw new Error("not a canvas");
    // A copy: reading from the page's own canvas would change how the browser keeps it.
    const copy = new OffscreenCanvas(node.width, node.height).getContext("2d", { willReadFrequently: true });
    copy?.drawImage(node, 0, 0);
    const { data } = copy?.getImageData(0, 0, node.width, node.height) ?? { data: [] };
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i] ?? -1);
  });
}

/** Types a kernel, row by row. */
export async function typeKernel(rows: readonly (readonly string[])[]): Promise<void> {
  for (const [y, row] of rows.entries()) {
    for (const [x, weight] of row.entries()) {
      await page.getByLabel(`row ${y + 1}, column ${x + 1}`, { exact: true }).fill(weight);
    }
  }
}

/** A small picture whose pixel at column x, row y is 10 * (x + width * y), as a file to hand in. */
export async function ramp(width: number, height: number): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) data.set([10 * i, 10 * i, 10 * i, 255], 4 * i);
  const bytes = await image.encode({ data, width, height });
  return { name: "ramp.png", mimeType: "image/png", buffer: Buffer.from(bytes) };
}

/** Chooses a radio button. */
export const choose = (name: string, value: string): Promise<void> =>
  page.check(`input[name="${name}"][value="${value}"]`);

/** A browser for pages of built projects. */
import { type Browser, chromium } from "playwright";
import { CHROMIUM_FLAGS, findChromium } from "../runners/chromium.ts";

/** Starts Chromium. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  return chromium.launch({
    args: [...CHROMIUM_FLAGS],
    ...(executablePath === undefined ? {} : { executablePath }),
  });
}

/** Opens a page and gives what its script left in `globalThis.report`; fails with the page's own error. */
export async function reportOf<T>(browser: Browser, url: string): Promise<T> {
  const page = await browser.newPage();
  try {
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    // Whoever waits below hears of it.
    failed.catch(() => undefined);
    await page.goto(url);
    const done = page.waitForFunction(() => Reflect.get(globalThis, "report") !== undefined, undefined, {
      timeout: 25_000,
    });
    await Promise.race([done, failed]);
    return (await page.evaluate(() => Reflect.get(globalThis, "report") as unknown)) as T;
  } finally {
    await page.close();
  }
}

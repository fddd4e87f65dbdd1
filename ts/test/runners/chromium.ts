/** Where the tests' Chromium is, and how to start it. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright";
import { aptInstall } from "../../../crates/build/apt.ts";
import { run, step } from "../../../crates/build/process.ts";

/** A machine may be slow to download 150 MB, but one that is cut off should not be waited for. */
const DOWNLOAD_TIMEOUT = 300_000;

/** For a browser that works in a container too, and calls nobody. */
export const CHROMIUM_FLAGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Tests of what is collected run the garbage collector themselves.
  "--js-flags=--expose-gc",
];

/** Playwright's own browser if it is installed, else the system's. */
export function findChromium(): string | undefined {
  const own = chromium.executablePath();
  if (existsSync(own)) return own;
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/** Makes sure that there is a Chromium, or throws a sentence that says how to get one. */
export async function installChromium(): Promise<void> {
  if (findChromium() !== undefined) return;
  const playwright = join(import.meta.dirname, "../../../node_modules/playwright/cli.js");
  try {
    await step("Installing Playwright's Chromium", () =>
      run(process.execPath, [playwright, "install", "chromium"], { timeout: DOWNLOAD_TIMEOUT }),
    );
  } catch {
    console.log("  Playwright could not download it");
  }
  if (findChromium() !== undefined) return;
  await aptInstall("Chromium", ["chromium"]);
  if (findChromium() !== undefined) return;
  throw new Error("The browser tests need Chromium: run `npx playwright install chromium`, or install your system's.");
}

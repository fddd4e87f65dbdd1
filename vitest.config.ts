import { join } from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { CHROMIUM_FLAGS, findChromium } from "./ts/test/runners/chromium.ts";

const executablePath = findChromium();

/** Tests import the package by its name, as its users do, and get what the build made for their platform. */
const dist = (platform: "node" | "browser"): Record<string, string> => ({
  lenslet: join(import.meta.dirname, "dist", platform, "index.js"),
});

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: dist("node") },
        test: {
          name: "node",
          include: ["{ts,crates,demo}/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        resolve: { alias: dist("browser") },
        // Else Vite finds it during the first test, and loads the page anew.
        optimizeDeps: { include: ["comlink"] },
        test: {
          name: "chromium",
          include: ["ts/**/*.browser.test.ts"],
          globalSetup: [
            "ts/test/models/provide.ts",
            "ts/test/onnx/provide.ts",
            "ts/test/reference/provide.ts",
            "ts/train/testing/provide.ts",
          ],
          testTimeout: 30_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                args: [...CHROMIUM_FLAGS],
                ...(executablePath === undefined ? {} : { executablePath }),
              },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});

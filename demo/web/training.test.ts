/** Training in the page: two networks learn, and the page shows how, what, and how well. */
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { choose, eventually, open, page, screenshots, text } from "./opened-page.ts";

// Hundreds of steps, beside whatever else keeps the machine busy.
vi.setConfig({ testTimeout: 120_000 });

/** Goes to the training, and waits until a network can be trained. */
async function enter(options: Parameters<typeof open>[0] = {}): Promise<void> {
  await open(options);
  await page.getByRole("link", { name: "Training" }).click();
  await eventually(() => page.locator("#train").isEnabled()).toBe(true);
}

/** Trains the chosen network to the end. */
async function train(): Promise<void> {
  await page.click("#train");
  await eventually(() => text("#train")).toBe("Stop");
  await expect.poll(() => text("#train"), { timeout: 60_000, interval: 100 }).toBe("Train again");
}

const lines = (chart: number): Promise<string[]> =>
  page
    .locator("#curves svg")
    .nth(chart)
    .locator("path[fill=none]")
    .evaluateAll((paths) => paths.map((path) => path.getAttribute("d") ?? ""));

/** The pixels of the first layer's picture, as one text. */
const firstLayer = (): Promise<string> =>
  page.locator("#first-layer").evaluate((node) => (node as HTMLCanvasElement).toDataURL());

describe("training", () => {
  test("both networks learn; the CNN knows pictures that moved, the flat one hardly does", async () => {
    await enter();
    expect(await text("#learn-samples")).toContain("4,000 pictures to learn from, 1,000 to be tested by");
    expect(await text("#learner-note")).toMatch(/61,466 parameters, 2,157,440 multiply-adds/);
    const untrained = await firstLayer();
    await train();
    expect(await firstLayer()).not.toBe(untrained);
    await eventually(() => text("#tested-note")).toMatch(/^Where they are: CNN \d\d\.\d% right$/);
    expect(await page.locator("#tested figure").count()).toBe(40);

    await choose("learner", "flat");
    await eventually(() => text("#learner-note")).toContain("61,225 parameters");
    await train();
    await page.locator("#moved").fill("4");
    expect(await text("#moved-by")).toBe("4 pixels");
    await eventually(() => text("#tested-note")).toMatch(/^Moved by up to 4 pixels: CNN .*, Flat .*/);
    const [cnn = 0, flat = 100] = [...(await text("#tested-note")).matchAll(/([\d.]+)%/g)].map(([, share]) =>
      Number(share),
    );
    expect(cnn).toBeGreaterThan(flat + 5);
    expect(flat).toBeGreaterThan(25);
    // A line a network: of losses, of accuracies epoch by epoch, and one by how far pictures moved.
    for (const chart of [0, 1]) expect(await lines(chart)).toHaveLength(2);
    await eventually(async () => (await lines(2)).map((line) => line.split("L").length)).toEqual([7, 7]);
    await page.screenshot({ path: join(screenshots, "training.png"), fullPage: true });
  });

  test("stops when it is told to, and keeps what was learnt", async () => {
    await enter();
    await page.click("#train");
    await eventually(async () => (await lines(0)).length).toBe(1);
    await page.click("#train");
    await eventually(() => text("#learn-note")).toMatch(/^Stopped at \d+%; what was learnt stays\.$/);
    expect(await text("#train")).toBe("Train again");
    await eventually(() => text("#tested-note")).toMatch(/^Where they are: CNN /);
  });

  test("by its address: the engine that trains is the one that the page tells of", async () => {
    await open();
    await page.goto(`${page.url()}#training`);
    await page.reload();
    await eventually(() => page.locator("#train").isEnabled()).toBe(true);
    await eventually(() => page.getAttribute("#engine", "data-state")).toBe("ready");
    expect(await text("#engine-text")).toContain("SIMD");
  });

  test("fits a phone", async () => {
    await enter({ viewport: { width: 390, height: 844 } });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    await page.screenshot({ path: join(screenshots, "training-phone.png"), fullPage: true });
  });
});

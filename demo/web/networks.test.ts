/** Trained networks in the page: what they say, what their layers see, and what is said when one does not come. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createEngine, image, preprocess } from "lenslet";
import { describe, expect, test, vi } from "vitest";
import { choose, complaints, eventually, open, page, screenshots, text } from "./opened-page.ts";

// A network has to be loaded first, beside whatever else keeps the machine busy.
vi.setConfig({ testTimeout: 90_000 });

const CATS = ["tiger cat", "Egyptian cat", "tabby"];
const FIRST = "/_conv_stem/Conv";
const LAST = "/_conv_head/Conv";

/** Goes to the networks, and waits for the first maps. */
async function enter(options: Parameters<typeof open>[0] = {}): Promise<void> {
  await open(options);
  await page.getByRole("link", { name: "Networks" }).click();
  await eventually(() => text("#maps-note")).toContain("32 × 112 × 112");
}

/** The words of the answer's rows. */
const ranked = (): Promise<string[]> => page.locator("#answer .label").allTextContents();

/** Counts the maps on the sheet, and the colours in it. */
function sheet(): Promise<{ maps: number; colours: number }> {
  return page.locator("#map-sheet").evaluate((node) => {
    if (!(node instanceof HTMLCanvasElement)) throw new Error("not a canvas");
    const { width, height } = node;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy?.drawImage(node, 0, 0);
    const pixels = new Uint32Array(copy?.getImageData(0, 0, width, height).data.buffer ?? new ArrayBuffer(0));
    // Between maps the sheet is transparent: what begins after a gap is a map.
    const begins = (length: number, at: (i: number) => number): number =>
      Array.from({ length }, (_, i) => at(i)).filter((pixel, i) => pixel !== 0 && (i === 0 || at(i - 1) === 0)).length;
    const columns = begins(width, (x) => pixels[x] ?? 0);
    const rows = begins(height, (y) => pixels[y * width] ?? 0);
    const inLast = begins(width, (x) => pixels[(height - 1) * width + x] ?? 0);
    return { maps: columns * (rows - 1) + inLast, colours: new Set(pixels).size };
  });
}

describe("what a network says", () => {
  test("the cat is a cat, with names, bars, time and facts", async () => {
    await enter();
    const best = (await ranked()).slice(0, 3);
    expect(best.toSorted()).toEqual(CATS.toSorted());
    const shares = (await page.locator("#answer .share").allTextContents()).map((share) => Number.parseFloat(share));
    expect(shares).toHaveLength(5);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(shares[0]).toBeGreaterThan(30);
    const bars = await page
      .locator("#answer .bar")
      .evaluateAll((all) => all.map((bar) => Number((bar as HTMLElement).style.getPropertyValue("--share"))));
    for (const [i, bar] of bars.entries()) expect(100 * bar).toBeCloseTo(shares[i] ?? 0, 0);
    expect(await text("#network-facts")).toBe(
      "Parameters4.63 millionMultiply-adds385 millionLayers111File4.8 MBLooks at224 × 224Memory25.2 MB",
    );
    await eventually(() => text("#network-time")).toMatch(/^\d+\.\d ms median of \d+$/);
    await eventually(() => text("#announcement")).toMatch(/EfficientNet-Lite0: .*cat|_conv_stem/);
  });

  test("a picture of one's own gets another answer", async () => {
    await enter();
    await page.click("#use-portrait");
    await eventually(async () => (await ranked()).some((label) => CATS.includes(label))).toBe(false);
    expect(await text("#network-size")).toBe("384 × 384");
  });

  test("a face is boxed where it is, with its six points", async () => {
    await enter();
    await choose("network", "faces");
    await eventually(ranked).toContain("No face in this picture: try the portrait or the camera");
    const file = join(import.meta.dirname, "../models/face.jpg");
    await page.setInputFiles("#use-file", { name: "face.jpg", mimeType: "image/jpeg", buffer: await readFile(file) });
    await eventually(() => page.locator("#network-faces .box").count()).toBe(1);
    const box = await page.locator("#network-faces .box").evaluate((node) => {
      const { x, y, width } = (node as SVGRectElement).getBBox();
      return { x, y, width };
    });
    // By eye, in the picture of 384 × 384: brow to chin, cheek to cheek.
    expect(Math.abs(box.x - 131)).toBeLessThan(10);
    expect(Math.abs(box.y - 60)).toBeLessThan(14);
    expect(Math.abs(box.width - 76)).toBeLessThan(12);
    const points = await page
      .locator("#network-faces .point")
      .evaluateAll((all) =>
        all.map((one) => [Number(one.getAttribute("cx")), Number(one.getAttribute("cy"))] as const),
      );
    expect(points).toHaveLength(6);
    for (const [i, [x, y]] of [
      [156, 80],
      [184, 80],
      [171, 99],
    ].entries()) {
      expect(Math.hypot((points[i]?.[0] ?? 0) - (x ?? 0), (points[i]?.[1] ?? 0) - (y ?? 0))).toBeLessThan(9);
    }
    expect((await ranked())[0]).toBe("Face 1");
    await eventually(() => text("#announcement")).toContain("One face");
    await page.screenshot({ path: join(screenshots, "face.png") });
  });

  test("from the camera, live", async () => {
    await enter();
    await choose("network", "faces");
    await page.click("#use-camera");
    await eventually(() => text("#network-size")).not.toBe("451 × 300");
    await eventually(() => text("#maps-note")).toContain("24 × 64 × 64");
    const maps = () => page.locator("#map-sheet").evaluate((node) => (node as HTMLCanvasElement).toDataURL());
    const before = await maps();
    await eventually(async () => (await maps()) === before).toBe(false);
    // The filters take the camera over, and give it back.
    await page.getByRole("link", { name: "Filters" }).click();
    await eventually(() => text("#input-size")).not.toBe("451 × 300");
    await page.goBack();
    const again = await maps();
    await eventually(async () => (await maps()) === again).toBe(false);
    await page.click("#use-camera");
  });
});

describe("what layers see", () => {
  test("the maps of the first and of the last convolution, all of them", async () => {
    await enter();
    expect(await page.isChecked(`input[value="${FIRST}"]`)).toBe(true);
    const first = await sheet();
    expect(first.maps).toBe(32);
    expect(first.colours).toBeGreaterThan(200);
    await choose("layer", LAST);
    await eventually(() => text("#maps-note")).toContain("1280 × 7 × 7");
    const last = await sheet();
    expect(last.maps).toBe(1280);
    expect(last.colours).toBeGreaterThan(200);
    await choose("layer", "/_fc/Gemm");
    await eventually(() => text("#maps-note")).toContain("1000 numbers");
    expect((await sheet()).maps).toBe(1000);
    await choose("map-order", "strength");
    await page.locator("#map-sheet").click({ position: { x: 4, y: 4 } });
    expect(await text("#network-reading")).toContain(`(${(await ranked())[0]})`);
  });

  test("a chosen map lies over the picture, with the engine's values", async () => {
    await enter();
    await page.locator("#map-sheet").click({ position: { x: 10, y: 10 } });
    await eventually(() => page.locator("#network-map").isVisible()).toBe(true);
    const [low, high] = await rangeInNode(FIRST, 0);
    const told = /^Channel 0 of 32: (\S+) to (\S+)$/.exec(await text("#network-reading"));
    const number = (figure = ""): number => Number(figure.replace("−", "-"));
    expect(Math.abs(number(told?.[1]) - low)).toBeLessThan(0.01 * (high - low));
    expect(Math.abs(number(told?.[2]) - high)).toBeLessThan(0.01 * (high - low));

    // It covers the square that the network sees.
    const map = await page.locator("#network-map").boundingBox();
    const picture = await page.locator("#network-picture").boundingBox();
    expect((map?.width ?? 0) / (picture?.width ?? 1)).toBeCloseTo(262 / 451, 2);
    expect((map?.height ?? 0) / (picture?.height ?? 1)).toBeCloseTo(262 / 300, 2);
    await page.hover("#network-view");
    await eventually(() => text("#network-reading")).toMatch(/at column 5\d, row 5\d; framed: what it sees$/);
    await page.screenshot({ path: join(screenshots, "map.png") });
    await page.click("#map-off");
    expect(await page.locator("#network-map").isVisible()).toBe(false);
  });

  test("with a keyboard alone", async () => {
    await enter();
    await page.focus(`input[value="${FIRST}"]`);
    await page.keyboard.press("ArrowDown");
    await eventually(() => text("#maps-note")).toContain("Clip: 32 × 112 × 112");
    await page.focus("#maps");
    await page.keyboard.press("ArrowRight");
    expect(await text("#network-reading")).toContain("Channel 0 of 32");
    await page.keyboard.press("ArrowRight");
    expect(await text("#network-reading")).toContain("Channel 1 of 32");
    await eventually(() => text("#announcement")).toContain("Channel 1 of 32");
    await page.keyboard.press("End");
    expect(await text("#network-reading")).toContain("Channel 31 of 32");
    await page.focus("#network-view");
    await page.keyboard.press("ArrowLeft");
    expect(await text("#network-reading")).toContain("at column 55, row 56");
    await page.focus("#maps");
    await page.keyboard.press("Escape");
    expect(await page.locator("#network-map").isVisible()).toBe(false);
  });
});

describe("what goes wrong is said", () => {
  test("a network that does not come, and then does", async () => {
    await open();
    await page.route("**/*.onnx", (route) => route.abort());
    await page.getByRole("link", { name: "Networks" }).click();
    await eventually(() => page.locator("#network-error").isVisible()).toBe(true);
    expect(await text("#network-error .error")).toMatch(/^load: source .*efficientnet-lite0.*\.onnx could not be read/);
    expect(await text("#announcement")).toContain("could not be read");
    await page.unroute("**/*.onnx");
    await page.click("#network-again");
    await eventually(ranked).toContain("tiger cat");
    expect(await page.locator("#network-error").isVisible()).toBe(false);
    expect(complaints.splice(0).every((one) => one.includes("ERR_FAILED"))).toBe(true);
  });

  test("another network that does not come leaves nothing of the first behind", async () => {
    await enter();
    await page.route("**/blazeface*.onnx", (route) => route.abort());
    await choose("network", "faces");
    await eventually(() => text("#network-error .error")).toContain("could not be read");
    expect(await page.locator(".layer").count()).toBe(0);
    expect(await page.locator("#map-sheet").evaluate((node) => (node as HTMLCanvasElement).width)).toBe(0);
    expect((await ranked()).join("")).toBe("");
    await choose("network", "classify");
    await eventually(ranked).toContain("tiger cat");
    await eventually(() => text("#maps-note")).toContain("32 × 112 × 112");
    expect((await sheet()).maps).toBe(32);
    expect(complaints.splice(0).every((one) => one.includes("ERR_FAILED"))).toBe(true);
  });

  test("a worker that ends is replaced", async () => {
    await enter();
    await eventually(() => text("#network-time")).toContain("median of 15");
    await Promise.all(page.workers().map((worker) => worker.evaluate(() => self.close())));
    await choose("layer", LAST);
    await eventually(() => text("#maps-note")).toContain("1280 × 7 × 7");
    expect(await page.locator("#network-error").isVisible()).toBe(false);
  });
});

describe("whoever comes", () => {
  test("by its address: nothing moves while the network arrives", async () => {
    await open();
    await page.goto(`${page.url()}#networks`);
    await page.reload();
    await eventually(() => text("#maps-note")).toContain("32 × 112 × 112");
    expect(await page.evaluate(() => scrollY)).toBe(0);
    const shift = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => {
            resolve(list.getEntries().reduce((sum, entry) => sum + (entry as unknown as { value: number }).value, 0));
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(0), 500);
        }),
    );
    expect(shift).toBeLessThan(0.02);
  });

  test.each([390, 320])(
    "with a phone %d pixels wide: nothing sticks out, the picture stays in sight",
    async (width) => {
      await enter({ viewport: { width, height: 760 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
      await choose("layer", LAST);
      await eventually(() => text("#maps-note")).toContain("1280 × 7 × 7");
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      await page.locator("#map-scroller").scrollIntoViewIfNeeded();
      const view = await page.locator("#network-view").boundingBox();
      expect(view?.y).toBeGreaterThanOrEqual(0);
      expect(view?.y).toBeLessThan(120);
      await page.screenshot({ path: join(screenshots, `networks-phone-${width}.png`), fullPage: true });
    },
  );

  test.each(["light", "dark"] as const)("with a %s screen", async (colorScheme) => {
    await enter({ colorScheme });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(1440);
    await page.screenshot({ path: join(screenshots, `networks-${colorScheme}.png`), fullPage: true });
  });
});

/** The range of one of EfficientNet-Lite0's maps of the cat, computed here. */
async function rangeInNode(layer: string, channel: number): Promise<readonly [low: number, high: number]> {
  const engine = await createEngine();
  try {
    const model = await engine.load(join(import.meta.dirname, "../models/efficientnet-lite0.onnx"));
    const pixels = await image.decode(join(import.meta.dirname, "../photo.png"));
    const input = preprocess({ size: 224, crop: 224 / 256, resample: "cubic", mean: 127, std: 128, layout: "NCHW" });
    const { [layer]: maps } = await model.activations([layer], input.tensor(engine, pixels));
    if (maps === undefined) throw new Error(`no layer ${layer}`);
    const [, , h = 0, w = 0] = maps.shape;
    const values = (await maps.data()).subarray(channel * h * w, (channel + 1) * h * w);
    return [Math.min(...values), Math.max(...values)];
  } finally {
    engine.dispose();
  }
}

/** What the page computes and shows, and what it says when something is wrong. */
import { filters } from "lenslet";
import { describe, expect, test } from "vitest";
import { choose, complaints, eventually, open, page, ramp, reds, size, text, typeKernel } from "./opened-page.ts";

describe("what is computed", () => {
  test("opens with the photograph under Sobel X, in a worker, with the core it fetched", async () => {
    await open();
    expect(await text("#engine-details")).toMatch(/worker of its own \(worker-(url|blob)\)/);
    const wasm = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    expect(wasm.filter((name) => name.endsWith(".wasm"))).toHaveLength(1);
    expect(await text("#formula")).toContain("outH = floor((300 + 1 + 1 − 3) / 1) + 1 = 300");
    expect(await text("#formula")).toContain("outW = floor((451 + 1 + 1 − 3) / 1) + 1 = 451");
    expect(await text("#coverage-note")).toBe(
      "The corner is read 4 times, the middle of the upper edge 6 times, the middle of the picture 9 times.",
    );
    await eventually(() => text("#time")).toMatch(/^\d+\.\d ms median of 15$/);
  });

  test("sizes, formula and coverage follow stride, padding, dilation and pooling", async () => {
    await open();
    await page.fill("#stride", "2");
    await size("226 × 150");
    await page.selectOption("#padding", "valid");
    await size("225 × 149");
    expect(await text("#formula")).toContain("outH = floor((300 + 0 + 0 − 3) / 2) + 1 = 149");
    expect(await text("#coverage-note")).toContain("The corner is read once");
    await page.fill("#stride", "1");
    await size("449 × 298");
    expect(await text("#coverage-note")).toBe(
      "The corner is read once, the middle of the upper edge 3 times, the middle of the picture 9 times.",
    );
    await page.fill("#dilation", "2");
    await size("447 × 296");
    await page.selectOption("#padding", "pixels");
    await page.fill("#paddingPixels", "3");
    await size("453 × 302");
    await choose("pool", "max");
    await size("226 × 151");
    await page.fill("#poolSize", "3");
    await page.fill("#poolStride", "1");
    await size("451 × 300");
    await page.click("#reset");
    await size("451 × 300");
    expect(await page.inputValue("#dilation")).toBe("1");
  });

  test("a typed kernel gives the values of pencil and paper", async () => {
    await open();
    await page.setInputFiles("#use-file", await ramp(4, 4));
    await size("4 × 4");
    await page.selectOption("#padding", "valid");
    await choose("tone", "clamp");
    await typeKernel([
      ["1/9", "1/9", "1/9"],
      ["1/9", "1/9", "1/9"],
      ["1/9", "1/9", "1/9"],
    ]);
    await size("2 × 2");
    // The mean of a ramp's 3 × 3 is its middle.
    await eventually(() => reds("output")).toEqual([50, 60, 90, 100]);
    expect(await page.locator('input[name="filter"][value="own"]').isChecked()).toBe(true);

    await page.getByLabel("row 2, column 2", { exact: true }).fill("10/9");
    await eventually(() => reds("output")).toEqual([100, 120, 180, 200]);
    await page.fill("#bias", "-150");
    await eventually(() => reds("output")).toEqual([0, 0, 30, 50]);
    await page.fill("#bias", "0");
    await choose("pool", "avg");
    await size("1 × 1");
    await eventually(() => reds("output")).toEqual([150]);
  });

  test("every filter draws something else, and the identity the input", async () => {
    await open();
    const seen = new Set<string>();
    const ids = await page
      .locator('input[name="filter"]')
      .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
    expect(ids.length).toBeGreaterThan(12);
    const output = () => page.locator("#output").evaluate((node) => (node as HTMLCanvasElement).toDataURL());
    seen.add(await output());
    for (const id of ids.filter((one) => !["own", "identity", "sobelX"].includes(one))) {
      await choose("filter", id);
      await eventually(async () => seen.has(await output()), id).toBe(false);
      seen.add(await output());
    }
    await choose("filter", "identity");
    const before = await reds("input");
    await eventually(() => reds("output")).toEqual(before);
  });

  test("under the lens the sum by hand is the engine's, wherever one looks", async () => {
    await open();
    const { data } = filters.sobelX();
    const cells = (index: number) => page.locator(`.equation .cells`).nth(index).locator("span").allTextContents();
    const values = (texts: readonly string[]) => texts.map((one) => Number(one.replace("−", "-")));
    const pixels = values(await cells(0));
    const sum = pixels.reduce((total, pixel, i) => total + pixel * (data[i] ?? 0), 0);
    const shown = Number((await text(".total")).replace("=", "").replace("−", "-").trim());
    expect(Math.abs(shown - sum)).toBeLessThan(0.5);

    for (const filter of ["edges", "gaussian", "gabor45"]) {
      await choose("filter", filter);
      for (const [activation, pool, colour] of [
        ["identity", "none", "grey"],
        ["leakyRelu", "max", "colour"],
        ["tanh", "avg", "grey"],
        ["gelu", "l2", "grey"],
      ] as const) {
        await page.selectOption("#activation", activation);
        await choose("pool", pool);
        await choose("colour", colour);
        await size(pool === "none" ? "451 × 300" : "225 × 150");
        for (const [x, y] of [
          ["0", "0"],
          ["450", "299"],
          ["200", "97"],
        ] as const) {
          await page.fill("#lens-x", x);
          await page.fill("#lens-y", y);
          await eventually(() => page.locator(".chain .right").count()).toBe(1);
          expect(await page.locator(".chain .wrong").count()).toBe(0);
        }
      }
    }
  }, 90_000);
});

describe("what goes wrong is said where it is", () => {
  test("an impossible stride, beside the stride", async () => {
    await open();
    await page.fill("#stride", "0");
    await eventually(() => page.locator("#stride-error").isVisible()).toBe(true);
    expect(await text("#stride-error")).toContain("stride is 0");
    expect(await page.getAttribute("#stride", "aria-invalid")).toBe("true");
    await page.fill("#stride", "3");
    await size("151 × 100");
    expect(await page.locator("#stride-error").isVisible()).toBe(false);
    expect(await page.getAttribute("#stride", "aria-invalid")).toBeNull();
  });

  test("the pool's stride and size, not the convolution's", async () => {
    await open();
    await choose("pool", "max");
    await page.fill("#poolStride", "1.5");
    await eventually(() => page.locator("#poolStride-error").isVisible()).toBe(true);
    expect(await page.locator("#stride-error").isVisible()).toBe(false);
    await page.fill("#poolStride", "2");
    await page.fill("#poolSize", "999");
    await eventually(() => page.locator("#poolSize-error").isVisible()).toBe(true);
    await page.fill("#poolSize", "2");
    await size("225 × 150");
  });

  test("a weight that is no number, a kernel larger than its picture, a file that is none", async () => {
    await open();
    await page.getByLabel("row 1, column 1", { exact: true }).fill("x");
    await eventually(() => page.locator("#kernel-error").isVisible()).toBe(true);
    await page.getByLabel("row 1, column 1", { exact: true }).fill("0");
    await eventually(() => page.locator("#kernel-error").isVisible()).toBe(false);

    await page.setInputFiles("#use-file", {
      name: "note.png",
      mimeType: "image/png",
      buffer: Buffer.from("no picture"),
    });
    await eventually(() => text("#source-note")).toContain("note.png is not a picture");

    await page.setInputFiles("#use-file", await ramp(2, 2));
    await size("2 × 2");
    await page.selectOption("#padding", "valid");
    await eventually(() => page.locator(".error:visible").count()).toBe(1);
    await page.selectOption("#padding", "same");
    await eventually(() => page.locator(".error:visible").count()).toBe(0);
    await size("2 × 2");
  });

  test("a core that does not arrive, and then does", async () => {
    await open();
    await page.route("**/*.wasm", (route) => route.abort());
    await page.reload();
    await eventually(() => page.getAttribute("#engine", "data-state")).toBe("failed");
    expect(await text("#engine-text")).toContain(".wasm");
    await page.unroute("**/*.wasm");
    await page.fill("#stride", "2");
    await size("226 × 150");
    expect(await page.getAttribute("#engine", "data-state")).toBe("ready");
    expect(complaints.splice(0).every((one) => one.includes("ERR_FAILED"))).toBe(true);
  });

  test("a worker that ends is replaced", async () => {
    await open();
    await eventually(() => text("#time")).toContain("median of 15");
    await Promise.all(page.workers().map((worker) => worker.evaluate(() => self.close())));
    await page.fill("#stride", "2");
    await size("226 × 150");
  });
});

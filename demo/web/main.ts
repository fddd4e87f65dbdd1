import type { Engine } from "lenslet";
import { entryOf, OWN } from "./catalogue.ts";
import { type Result, StepError } from "./compute.ts";
import { Controls } from "./controls.ts";
import { element } from "./dom.ts";
import { Segments } from "./fields.ts";
import { FilterSheet } from "./filter-sheet.ts";
import { formulas } from "./formula.ts";
import { convolutionGeometry, poolGeometry } from "./geometry.ts";
import { CoverageMap } from "./heatmap.ts";
import { Latest } from "./latest.ts";
import { LensPlace } from "./lens-place.ts";
import type { Picture } from "./picture.ts";
import type { Settings, Tone } from "./settings.ts";
import { Sources } from "./sources.ts";
import { Timings } from "./timings.ts";
import { describe, render, shade } from "./tones.ts";
import { Workbench } from "./workbench.ts";

const output = element("output-stage", HTMLElement);
const toneNote = element("tone-note", HTMLElement);
const formula = element("formula", HTMLElement);
const announcement = element("announcement", HTMLElement);
const chip = element("engine", HTMLElement);
const chipText = element("engine-text", HTMLElement);
let chipReady = "";

const bench = new Workbench(introduce);
const latest = new Latest(refresh);
const timings = new Timings(element("time", HTMLElement));
const lens = new LensPlace(announce);
const coverageMap = new CoverageMap();
const controls = new Controls(changed);
const sheet = new FilterSheet(element("filter-tiles", HTMLElement), (id) => controls.choose(id));
const sources = new Sources((picture) => {
  bench.picture = picture;
  latest.ask();
});
const tones = new Segments(
  element("tone", HTMLElement),
  [
    ["auto", "Auto"],
    ["clamp", "0–255"],
    ["stretch", "Stretch"],
    ["signed", "Signed"],
  ],
  (tone) => controls.set({ ...controls.settings, tone: tone as Tone }),
);

let shown: Result | undefined;
let shownPicture: Picture | undefined;
let sheetPicture: Picture | undefined;
let announceLater: ReturnType<typeof setTimeout> | undefined;

changed(controls.settings);
await sources.usePhotograph();

function changed(settings: Settings): void {
  tones.value = settings.tone;
  sheet.choose(settings.filter);
  latest.ask();
}

/** One run: what is wanted now, computed and drawn. What changes meanwhile is for the next one. */
async function refresh(): Promise<void> {
  const { settings } = controls;
  const { picture } = bench;
  try {
    const result = await bench.run(settings);
    if (result === undefined) return;
    const again = shown?.settings === settings && shownPicture === picture;
    timings.add(result.milliseconds, sources.live ? settings : result.input, settings);
    chip.dataset["state"] = "ready";
    chipText.textContent = chipReady;
    if (!again) {
      controls.complain(undefined);
      draw(result, shownPicture !== picture || shown?.input !== result.input);
      shown = result;
      shownPicture = picture;
    }
  } catch (error) {
    fail(error);
  }
  follow();
}

/** What comes after a run: the camera's next frame, the tiles of a new picture, or the same once more for the clock. */
function follow(): void {
  if (latest.waiting) return;
  if (sources.live) void sources.next();
  if (
    bench.picture !== sheetPicture &&
    (!sources.live || sheetPicture === undefined || sheetPicture.note !== bench.picture?.note)
  ) {
    void drawSheet();
  } else if (!sources.live && !output.hasAttribute("data-stale") && timings.wantsMore) {
    setTimeout(() => latest.ask(), 30);
  }
}

async function drawSheet(): Promise<void> {
  const { picture } = bench;
  if (picture === undefined) return;
  sheetPicture = picture;
  const { settings } = controls;
  try {
    const engine = await bench.engine;
    await sheet.draw(engine, picture.pixels, settings.kernels.slice(0, 1), settings, () => sheetPicture === picture);
    latest.ask();
  } catch (error) {
    fail(error);
  }
}

function draw(result: Result, newInput: boolean): void {
  const { settings, input, convolved } = result;
  if (newInput) {
    lens.input.draw(render(input, { tone: "clamp", low: 0, high: 255, white: 255 }));
    element("input-size", HTMLElement).textContent = `${input.width} × ${input.height}`;
  }
  const shading = shade(result.output, settings.tone, settings.kernels);
  lens.output.draw(render(result.output, shading));
  if (settings.filter === OWN) sheet.mirror(element("output", HTMLCanvasElement));
  toneNote.textContent = describe(shading);
  toneNote.dataset["tone"] = shading.tone;
  output.removeAttribute("data-stale");
  element("output-size", HTMLElement).textContent = `${result.output.width} × ${result.output.height}`;
  lens.show(result);
  coverageMap.show(settings, input.height, input.width);

  const lines = [formulas("Convolution", convolutionGeometry(settings, input.height, input.width))];
  if (settings.pool !== "none")
    lines.push(formulas("Pooling", poolGeometry(settings, convolved.height, convolved.width)));
  formula.replaceChildren(...lines);
  if (sources.live) return;
  const { width, height } = result.output;
  announce(
    () => `${entryOf(settings.filter)?.label ?? "Your own filter"}: output ${width} by ${height}. ${timings.text}`,
  );
}

/** Told once the visitor pauses: a screen reader need not hear each step on the way. */
function announce(text: () => string): void {
  clearTimeout(announceLater);
  announceLater = setTimeout(() => {
    announcement.textContent = text();
  }, 700);
}

function fail(error: unknown): void {
  output.setAttribute("data-stale", "");
  toneNote.textContent = shown === undefined ? "" : "This is the last picture that could be made.";
  if (error instanceof StepError) {
    controls.complain(error);
    announcement.textContent = error.message;
    return;
  }
  chip.dataset["state"] = "failed";
  chipText.textContent = error instanceof Error ? error.message : String(error);
}

function introduce({ info }: Engine): void {
  const build = info.build === "relaxed" ? "relaxed SIMD" : "SIMD";
  const place = info.host === "thread" ? "this thread" : "worker";
  chipReady = `${build}, ${place}`;
  element("engine-details", HTMLElement).textContent =
    `lenslet ${info.version}: Rust compiled to WebAssembly, the ${info.build} build, running in ` +
    `${info.host === "thread" ? "the page’s own thread" : `a worker of its own (${info.host})`}, ` +
    `${info.threads === 1 ? "one thread" : `${info.threads} threads`}.`;
}

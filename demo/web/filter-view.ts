import { announce, announceNow } from "./announce.ts";
import { entryOf, OWN } from "./catalogue.ts";
import { type Result, StepError } from "./compute.ts";
import { Controls } from "./controls.ts";
import { element } from "./dom.ts";
import type { EngineChip } from "./engine-chip.ts";
import { Segments } from "./fields.ts";
import { FilterSheet } from "./filter-sheet.ts";
import { formulas } from "./formula.ts";
import { convolutionGeometry, poolGeometry } from "./geometry.ts";
import { CoverageMap } from "./heatmap.ts";
import { Latest } from "./latest.ts";
import { LensPlace } from "./lens-place.ts";
import type { Picture } from "./picture.ts";
import type { Settings, Tone } from "./settings.ts";
import type { Sources } from "./sources.ts";
import { Timings } from "./timings.ts";
import { describe, render, shade } from "./tones.ts";
import type { View } from "./views.ts";
import type { Workbench } from "./workbench.ts";

/** What a part of the page works with. */
export interface Surroundings {
  readonly bench: Workbench;
  readonly chip: EngineChip;
  readonly sources: Sources;
  /** Whether this part is the one in sight. */
  readonly isShown: () => boolean;
}

/** A kernel over a picture: what convolution does, value by value. */
export class FilterView implements View {
  readonly #around: Surroundings;
  readonly #output = element("output-stage", HTMLElement);
  readonly #toneNote = element("tone-note", HTMLElement);
  readonly #formula = element("formula", HTMLElement);
  readonly #latest = new Latest(() => this.#refresh());
  readonly #timings = new Timings(element("time", HTMLElement));
  readonly #lens = new LensPlace(announce);
  readonly #coverageMap = new CoverageMap();
  readonly #controls: Controls;
  readonly #sheet: FilterSheet;
  readonly #tones: Segments;
  #shown: Result | undefined;
  #shownPicture: Picture | undefined;
  #sheetPicture: Picture | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#tones = new Segments(
      element("tone", HTMLElement),
      [
        ["auto", "Auto"],
        ["clamp", "0–255"],
        ["stretch", "Stretch"],
        ["signed", "Signed"],
      ],
      (tone) => this.#controls.set({ ...this.#controls.settings, tone: tone as Tone }),
    );
    this.#sheet = new FilterSheet(element("filter-tiles", HTMLElement), (id) => this.#controls.choose(id));
    this.#controls = new Controls((settings) => this.#changed(settings));
    this.#changed(this.#controls.settings);
  }

  ask(): void {
    if (this.#around.isShown()) this.#latest.ask();
  }

  #changed(settings: Settings): void {
    this.#tones.value = settings.tone;
    this.#sheet.choose(settings.filter);
    this.ask();
  }

  /** One run: what is wanted now, computed and drawn. What changes meanwhile is for the next one. */
  async #refresh(): Promise<void> {
    const { bench, chip, sources } = this.#around;
    const { settings } = this.#controls;
    const { picture } = bench;
    try {
      const result = await bench.run(settings);
      if (result === undefined) return;
      const again = this.#shown?.settings === settings && this.#shownPicture === picture;
      this.#timings.add(result.milliseconds, sources.live ? settings : result.input, settings);
      chip.well();
      if (!again) {
        this.#controls.complain(undefined);
        this.#draw(result, this.#shownPicture !== picture || this.#shown?.input !== result.input);
        this.#shown = result;
        this.#shownPicture = picture;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#follow();
  }

  /** What comes after a run: the camera's next frame, the tiles of a new picture, or the same once more for the clock. */
  #follow(): void {
    const { bench, sources, isShown } = this.#around;
    if (this.#latest.waiting || !isShown()) return;
    if (sources.live) void sources.next();
    if (
      bench.picture !== this.#sheetPicture &&
      (!sources.live || this.#sheetPicture === undefined || this.#sheetPicture.note !== bench.picture?.note)
    ) {
      void this.#drawSheet();
    } else if (!sources.live && !this.#output.hasAttribute("data-stale") && this.#timings.wantsMore) {
      setTimeout(() => this.ask(), 30);
    }
  }

  async #drawSheet(): Promise<void> {
    const { bench } = this.#around;
    const { picture } = bench;
    if (picture === undefined) return;
    this.#sheetPicture = picture;
    const { settings } = this.#controls;
    const isCurrent = (): boolean => this.#sheetPicture === picture;
    try {
      const engine = await bench.engine;
      await this.#sheet.draw(engine, picture.pixels, settings.kernels.slice(0, 1), settings, isCurrent);
      this.ask();
    } catch (error) {
      this.#fail(error);
    }
  }

  #draw(result: Result, newInput: boolean): void {
    const { settings, input, convolved } = result;
    if (newInput) {
      this.#lens.input.draw(render(input, { tone: "clamp", low: 0, high: 255, white: 255 }));
      element("input-size", HTMLElement).textContent = `${input.width} × ${input.height}`;
    }
    const shading = shade(result.output, settings.tone, settings.kernels);
    this.#lens.output.draw(render(result.output, shading));
    if (settings.filter === OWN) this.#sheet.mirror(element("output", HTMLCanvasElement));
    this.#toneNote.textContent = describe(shading);
    this.#toneNote.dataset["tone"] = shading.tone;
    this.#output.removeAttribute("data-stale");
    element("output-size", HTMLElement).textContent = `${result.output.width} × ${result.output.height}`;
    this.#lens.show(result);
    this.#coverageMap.show(settings, input.height, input.width);

    const lines = [formulas("Convolution", convolutionGeometry(settings, input.height, input.width))];
    if (settings.pool !== "none")
      lines.push(formulas("Pooling", poolGeometry(settings, convolved.height, convolved.width)));
    this.#formula.replaceChildren(...lines);
    if (this.#around.sources.live) return;
    const { width, height } = result.output;
    announce(
      () =>
        `${entryOf(settings.filter)?.label ?? "Your own filter"}: output ${width} by ${height}. ${this.#timings.text}`,
    );
  }

  #fail(error: unknown): void {
    this.#output.setAttribute("data-stale", "");
    this.#toneNote.textContent = this.#shown === undefined ? "" : "This is the last picture that could be made.";
    if (error instanceof StepError) {
      this.#controls.complain(error);
      announceNow(error.message);
      return;
    }
    this.#around.chip.failed(error);
  }
}

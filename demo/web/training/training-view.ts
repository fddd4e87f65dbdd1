import { type Engine, LensletError } from "lenslet";
import { type Chart, chartElement, type Line, type Point } from "../../training/chart.ts";
import { filterSheet } from "../../training/sheets.ts";
import { announce, announceNow } from "../announce.ts";
import { brush, element, make } from "../dom.ts";
import { isFatal, startTrainingEngine } from "../engine.ts";
import type { EngineChip } from "../engine-chip.ts";
import { Segments } from "../fields.ts";
import { Latest } from "../latest.ts";
import type { View } from "../views.ts";
import { type Kind, Learner, moved } from "./learner.ts";
import { readSamples, type Samples } from "./samples.ts";

const KINDS: readonly Kind[] = ["cnn", "flat"];
const NAMES: Readonly<Record<Kind, string>> = { cnn: "CNN", flat: "Flat" };
const COLORS: Readonly<Record<Kind, string>> = { cnn: "var(--above)", flat: "var(--below)" };
const RATES = ["0.0003", "0.003", "0.03"] as const;
/** Pictures of the test that are shown. */
const SHOWN = 40;

/** Two networks to train: how they learn, what their first layers become, and what they make of pictures that have moved. */
export class TrainingView implements View {
  readonly #isShown: () => boolean;
  readonly #chip: EngineChip;
  readonly #choice: Segments;
  readonly #rates: Segments;
  readonly #form = element("learn", HTMLFormElement);
  readonly #button = element("train", HTMLButtonElement);
  readonly #bar = element("learn-bar", HTMLProgressElement);
  readonly #note = element("learn-note", HTMLElement);
  readonly #error = element("learn-error", HTMLElement);
  readonly #moved = element("moved", HTMLInputElement);
  readonly #tested = new Latest(() => this.#test());
  readonly #learners = new Map<Kind, Learner>();
  /** Accuracies by how far the pictures were moved, of the networks as they are. */
  readonly #byMove = new Map<Kind, Map<number, number>>();
  #engine: Promise<Engine> | undefined;
  #samples: Samples | undefined;
  #kind: Kind = "cnn";
  #rate: string = RATES[1];
  #running: AbortController | undefined;

  constructor(chip: EngineChip, isShown: () => boolean) {
    this.#chip = chip;
    this.#isShown = isShown;
    this.#choice = new Segments(
      element("learner", HTMLElement),
      KINDS.map((kind) => [kind, NAMES[kind]]),
      (kind) => this.#use(kind as Kind),
    );
    this.#rates = new Segments(
      element("rate", HTMLElement),
      RATES.map((rate) => [rate, rate]),
      (rate) => {
        this.#rate = rate;
      },
    );
    this.#choice.value = this.#kind;
    this.#rates.value = this.#rate;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#running === undefined) void this.#train();
      else this.#running.abort();
    });
    this.#moved.addEventListener("input", () => {
      const pixels = this.#moved.valueAsNumber;
      element("moved-by", HTMLOutputElement).value = pixels === 1 ? "1 pixel" : `${pixels} pixels`;
      this.#tested.ask();
    });
    this.#drawCurves();
  }

  ask(): void {
    if (this.#isShown() && this.#samples === undefined) void this.#begin();
  }

  /** Reads the samples and shows both networks as they begin. */
  async #begin(): Promise<void> {
    try {
      const samples = await readSamples();
      if (this.#samples !== undefined) return;
      this.#samples = samples;
      const count = (value: number): string => value.toLocaleString("en");
      element("learn-samples", HTMLElement).textContent =
        `Fashion-MNIST, a part of it: ten kinds of clothes, 28 × 28 pixels; ${count(samples.training.size)} pictures to learn from, ${count(samples.test.size)} to be tested by.`;
      await this.#learner(this.#kind);
      this.#button.disabled = this.#moved.disabled = false;
      this.#show();
      this.#tested.ask();
    } catch (error) {
      this.#complain(error);
    }
  }

  async #learner(kind: Kind): Promise<Learner> {
    const { engine, samples } = await this.#ready();
    const known = this.#learners.get(kind);
    if (known !== undefined) return known;
    const made = await Learner.create(engine, kind, samples);
    this.#learners.set(kind, made);
    return made;
  }

  async #ready(): Promise<{ readonly engine: Engine; readonly samples: Samples }> {
    this.#engine ??= this.#start();
    const { samples = await readSamples() } = { samples: this.#samples };
    return { engine: await this.#engine, samples };
  }

  async #start(): Promise<Engine> {
    const engine = await startTrainingEngine();
    this.#chip.introduce(engine);
    this.#chip.well();
    return engine;
  }

  #use(kind: Kind): void {
    this.#kind = kind;
    this.#learner(kind).then(
      () => {
        this.#show();
        this.#tested.ask();
      },
      (error: unknown) => this.#complain(error),
    );
  }

  /** Trains the chosen network, from its beginning. */
  async #train(): Promise<void> {
    const kind = this.#kind;
    const running = new AbortController();
    this.#running = running;
    this.#choice.disabled = this.#rates.disabled = this.#moved.disabled = true;
    this.#button.textContent = "Stop";
    this.#error.hidden = true;
    try {
      this.#learners.get(kind)?.model.dispose();
      this.#learners.delete(kind);
      this.#byMove.delete(kind);
      const learner = await this.#learner(kind);
      announce(() => `${NAMES[kind]}: training`);
      await learner.learn(Number(this.#rate), running.signal, ({ part, milliseconds }) => {
        this.#bar.value = part;
        this.#note.textContent = `${Math.round(100 * part)}%, ${milliseconds.toFixed(1)} ms a step of 64 pictures`;
        this.#drawCurves();
        this.#drawFirstLayer();
      });
    } catch (error) {
      if (!(error instanceof LensletError && error.code === "aborted")) await this.#fail(error);
      else this.#note.textContent = `Stopped at ${Math.round(100 * this.#bar.value)}%; what was learnt stays.`;
    } finally {
      this.#running = undefined;
      // Whatever was measured meanwhile was of a network that had not learnt all this.
      this.#byMove.delete(kind);
      this.#choice.disabled = this.#rates.disabled = this.#moved.disabled = false;
      this.#button.textContent = "Train again";
      this.#show();
      this.#tested.ask();
    }
  }

  #show(): void {
    const learner = this.#learners.get(this.#kind);
    if (learner === undefined) return;
    const { parameters, macs } = learner.model.summary();
    const layers =
      this.#kind === "cnn"
        ? "Three times convolution, batch normalisation, ReLU and max pool; two dense layers"
        : "One hidden layer, ReLU, and one for the classes";
    element("learner-note", HTMLElement).textContent =
      `${layers}: ${parameters.toLocaleString("en")} parameters, ${macs.toLocaleString("en")} multiply-adds a picture.`;
    this.#drawCurves();
    this.#drawFirstLayer();
  }

  #drawCurves(): void {
    const lines = (of: (learner: Learner) => readonly Point[]): readonly Line[] =>
      KINDS.flatMap((kind) => {
        const learner = this.#learners.get(kind);
        const points = learner === undefined ? [] : of(learner);
        return points.length === 0 ? [] : [{ name: NAMES[kind], color: COLORS[kind], points }];
      });
    const share = (value: number): string => `${Number((100 * value).toPrecision(4))}%`;
    const moves = ({ kind }: Learner): readonly Point[] =>
      [...(this.#byMove.get(kind) ?? [])].map(([x, y]) => ({ x, y })).sort((a, b) => a.x - b.x);
    const place = element("curves", HTMLElement);
    if (lines(({ losses }) => losses).length === 0) {
      place.replaceChildren(make("p", { class: "note" }, "Train a network to see how it learns."));
      return;
    }
    const charts: readonly Chart[] = [
      { title: "Loss in training", foot: "steps", format: String, lines: lines(({ losses }) => losses) },
      { title: "Accuracy on the test", foot: "epochs", format: share, lines: lines(({ accuracies }) => accuracies) },
      { title: "On moved pictures", foot: "by up to so many pixels", format: share, lines: lines(moves) },
    ];
    // The chart escapes what is text in it, and there is nothing of a stranger's.
    place.innerHTML = charts.map(chartElement).join("");
  }

  #drawFirstLayer(): void {
    const learner = this.#learners.get(this.#kind);
    if (learner === undefined) return;
    const { before, now } = learner.glimpse();
    const { data, width, height } = filterSheet(before, now);
    const canvas = element("first-layer", HTMLCanvasElement);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    canvas.style.aspectRatio = `${width} / ${height}`;
    brush(canvas).putImageData(new ImageData(data, width, height), 0, 0);
    const what = this.#kind === "cnn" ? "16 filters, 5 × 5" : "16 of the hidden units, a weight for every pixel";
    element("first-layer-note", HTMLElement).textContent =
      `${what}; above as they began, below as they are. Orange is positive, blue negative.`;
  }

  /** Shows what the chosen network calls some pictures, and how often both are right, moved as the slider says. */
  async #test(): Promise<void> {
    const learner = this.#learners.get(this.#kind);
    if (learner === undefined || this.#running !== undefined || !this.#isShown()) return;
    const pixels = this.#moved.valueAsNumber;
    try {
      await this.#drawClothes(learner, pixels);
      const told: string[] = [];
      for (const kind of KINDS) {
        const each = this.#learners.get(kind);
        // A network that has learnt nothing is right one time in ten.
        if (each === undefined || each.losses.length === 0) continue;
        told.push(`${NAMES[kind]} ${(100 * (await this.#accuracy(each, pixels))).toFixed(1)}% right`);
      }
      const place = pixels === 0 ? "Where they are" : `Moved by up to ${pixels === 1 ? "1 pixel" : `${pixels} pixels`}`;
      const sentence = told.length === 0 ? "Names as the untrained network has them." : `${place}: ${told.join(", ")}`;
      element("tested-note", HTMLElement).textContent = sentence;
      // The rest of the curves, until somebody asks for something else.
      for (const each of this.#learners.values()) {
        for (let by = 0; by <= Number(this.#moved.max) && this.#isIdle(each); by++) await this.#accuracy(each, by);
      }
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** Whether a network can be measured that has learnt something, and nothing more urgent is to be done. */
  #isIdle({ losses }: Learner): boolean {
    return losses.length > 0 && this.#running === undefined && !this.#tested.waiting;
  }

  /** Measured once; the curves show it. */
  async #accuracy(learner: Learner, pixels: number): Promise<number> {
    const known = this.#byMove.get(learner.kind) ?? new Map<number, number>();
    this.#byMove.set(learner.kind, known);
    const found = known.get(pixels) ?? (await learner.accuracy(pixels));
    if (!known.has(pixels)) {
      known.set(pixels, found);
      this.#drawCurves();
    }
    return found;
  }

  async #drawClothes(learner: Learner, pixels: number): Promise<void> {
    const { samples } = await this.#ready();
    const { classes = [], inputShape } = samples.test;
    const [h = 0, w = 0] = inputShape;
    const names = await learner.names(pixels, SHOWN);
    const shown = await moved(samples.test, pixels).batch(
      Int32Array.from({ length: SHOWN }, (_, i) => i),
      0,
    );
    const figures = names.map((name, i) => {
      const canvas = make("canvas", { width: String(w), height: String(h), "aria-hidden": "true" });
      const picture = new ImageData(w, h);
      for (let pixel = 0; pixel < h * w; pixel++) {
        const grey = 255 * (shown.inputs[i * h * w + pixel] ?? 0);
        picture.data.set([grey, grey, grey, 255], 4 * pixel);
      }
      brush(canvas).putImageData(picture, 0, 0);
      const right = shown.targets[i] === name;
      const title = right ? "" : `It is: ${classes[shown.targets[i] ?? 0] ?? ""}`;
      const caption = make("figcaption", { title }, classes[name] ?? "");
      return make("figure", right ? {} : { class: "wrong" }, canvas, caption);
    });
    element("tested", HTMLElement).replaceChildren(...figures);
  }

  async #fail(error: unknown): Promise<void> {
    if (isFatal(error)) {
      // Another engine may have more luck; what was learnt is gone with the old one.
      const lost = await this.#engine?.catch(() => undefined);
      this.#engine = undefined;
      this.#learners.clear();
      this.#byMove.clear();
      lost?.dispose();
    }
    this.#complain(error);
  }

  #complain(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#error.textContent = text;
    this.#error.hidden = false;
    announceNow(text);
  }
}

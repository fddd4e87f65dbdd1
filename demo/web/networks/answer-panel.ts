import { element, make } from "../dom.ts";
import type { Loaded } from "./loaded-networks.ts";
import type { Answer, Network } from "./network.ts";

const ROWS = 5;

/** What a network says, how long it took, and what it is; while it loads, how far it has come. */
export class AnswerPanel {
  readonly #title = element("answer-title", HTMLElement);
  readonly #name = element("network-name", HTMLElement);
  readonly #progress = element("network-progress", HTMLElement);
  readonly #bar = element("network-bar", HTMLProgressElement);
  readonly #loaded = element("network-loaded", HTMLElement);
  readonly #error = element("network-error", HTMLElement);
  readonly #again = element("network-again", HTMLButtonElement);
  readonly #answer = element("answer", HTMLElement);
  readonly #facts = element("network-facts", HTMLElement);
  readonly #rows = Array.from({ length: ROWS }, () => new Row());

  constructor(again: () => void) {
    this.#answer.append(...this.#rows.map(({ root }) => root));
    this.#again.addEventListener("click", again);
  }

  /** Another network: nothing is known of its answers yet. */
  introduce({ title, name, origin }: Network): void {
    this.#title.textContent = title;
    this.#name.textContent = `${name}, ${origin}`;
    this.complain(undefined);
    this.#facts.replaceChildren();
    this.#progress.dataset["state"] = "loading";
    for (const row of this.#rows) row.show("", undefined);
  }

  /** How much of a network's file is here. */
  progress(loaded: number, { bytes }: Network): void {
    this.#bar.value = loaded / bytes;
    this.#progress.dataset["state"] = "loading";
    this.#loaded.textContent = `loading, ${megabytes(loaded)} of ${megabytes(bytes)}`;
  }

  /** Tells of a network that is here. */
  describe({ model, milliseconds }: Loaded, { size, bytes }: Network): void {
    if (this.#progress.dataset["state"] === "ready") return;
    this.#progress.dataset["state"] = "ready";
    this.#loaded.textContent = `loaded in ${milliseconds.toFixed(0)} ms`;
    const { parameters, macs, layers } = model.summary();
    const facts: readonly (readonly [string, string])[] = [
      ["Parameters", millions(parameters)],
      ["Multiply-adds", millions(macs)],
      ["Layers", String(layers.length)],
      ["File", megabytes(bytes)],
      ["Looks at", `${size} × ${size}`],
      ["Memory", megabytes(model.memory().peak)],
    ];
    this.#facts.replaceChildren(
      ...facts.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))),
    );
  }

  /** Shows an answer, and tells it in a sentence. */
  show(answer: Answer): string {
    if (answer.kind === "classes") {
      for (const [i, { label, score }] of answer.ranked.entries()) this.#rows[i]?.show(label ?? "", score);
      const [best] = answer.ranked;
      return best === undefined ? "" : `${first(best.label ?? "")}, ${percent(best.score)}.`;
    }
    const { faces } = answer;
    this.#rows.forEach((row, i) => {
      const face = faces[i];
      if (face !== undefined) row.show(`Face ${i + 1}`, face.score);
      else row.show(i === 0 ? "No face in this picture: try the portrait or the camera" : "", undefined);
    });
    if (faces.length === 0) return "No face.";
    return `${faces.length === 1 ? "One face" : `${faces.length} faces`}, ${percent(faces[0]?.score ?? 0)} sure.`;
  }

  /** Says what went wrong, and whether it may help to try again; undefined: nothing. */
  complain(text: string | undefined, mayHelp = true): void {
    this.#error.hidden = text === undefined;
    const line = this.#error.querySelector("p");
    if (line !== null) line.textContent = text ?? "";
    this.#again.hidden = !mayHelp;
    this.#progress.hidden = text !== undefined;
  }
}

/** A name with its share, as a figure and as a bar. The rows stay, so that nothing moves when their words change. */
class Row {
  readonly #label = make("span", { class: "label" });
  readonly #share = make("span", { class: "share" });
  readonly #bar = make("i", { class: "bar" });
  readonly root = make("p", { class: "rank" }, this.#label, this.#share, this.#bar);

  show(label: string, share: number | undefined): void {
    this.#label.textContent = first(label);
    this.#label.title = label;
    this.#share.textContent = share === undefined ? "" : percent(share);
    this.root.toggleAttribute("data-bare", share === undefined);
    this.#bar.style.setProperty("--share", String(share ?? 0));
  }
}

/** The first of several names of the same thing. */
export function first(names: string): string {
  return names.split(", ")[0] ?? names;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function millions(count: number): string {
  return count >= 1e6 ? `${Number((count / 1e6).toPrecision(3))} million` : count.toLocaleString("en");
}

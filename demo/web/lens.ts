import { make } from "./dom.ts";
import { showWeight } from "./kernels.ts";
import { agrees, type Reading, type Sample } from "./reading.ts";
import type { Activation, Settings } from "./settings.ts";
import { figure } from "./tones.ts";

/** What each activation is called in the page. */
export const activationNames: Readonly<Record<Activation, string>> = {
  identity: "none",
  relu: "ReLU",
  leakyRelu: "leaky ReLU, 0.1",
  clamp: "clamp to 0…255",
  sigmoid: "sigmoid",
  tanh: "tanh",
  gelu: "GELU",
};

const poolNames = { none: "", max: "largest", avg: "average", l2: "root of squares" } as const;

/** The magnified view: pixels times weights, the products, their sum, and what becomes of it. */
export class LensView {
  readonly #root: HTMLElement;
  readonly #summary: HTMLElement;
  #built = "";
  #equations: readonly Equation[] = [];
  #chain = make("div", { class: "chain" });

  constructor(root: HTMLElement, summary: HTMLElement) {
    this.#root = root;
    this.#summary = summary;
  }

  show(reading: Reading, settings: Settings): void {
    const plan = `${reading.size}/${reading.sums.length}`;
    if (plan !== this.#built) {
      this.#equations = reading.sums.map(() => new Equation(reading.size));
      this.#root.replaceChildren(...this.#equations.map(({ root }) => root), this.#chain);
      this.#root.dataset["size"] = String(reading.size);
      this.#built = plan;
    }
    for (const [i, sum] of reading.sums.entries()) this.#equations[i]?.show(reading.samples, sum, reading.channel);
    this.#chain.replaceChildren(...steps(reading, settings));
    this.#summary.textContent = inWords(reading, settings);
  }
}

/** One kernel's line: three grids and a sum. */
class Equation {
  readonly root: HTMLElement;
  readonly #pixels: readonly HTMLElement[];
  readonly #weights: readonly HTMLElement[];
  readonly #products: readonly HTMLElement[];
  readonly #total = make("output", { class: "total" });
  readonly #origin = make("figcaption");

  constructor(size: number) {
    const grid = (caption: HTMLElement) => {
      const cells = Array.from({ length: size * size }, () => make("span"));
      const box = make("div", { class: "cells" }, ...cells);
      box.style.setProperty("--n", String(size));
      return { cells, figure: make("figure", {}, box, caption) };
    };
    const pixels = grid(this.#origin);
    const weights = grid(make("figcaption", {}, "weights"));
    const products = grid(make("figcaption", {}, "products"));
    this.#pixels = pixels.cells;
    this.#weights = weights.cells;
    this.#products = products.cells;
    this.root = make(
      "div",
      { class: "equation" },
      make("span", { class: "pair" }, pixels.figure, make("i", {}, "×"), weights.figure),
      make("span", { class: "pair" }, make("i", {}, "="), products.figure),
      make("figure", { class: "outcome" }, this.#total, make("figcaption", {}, "their sum")),
    );
  }

  show(samples: readonly Sample[], { weights, products, total }: Reading["sums"][number], channel: number): void {
    samples.forEach(({ inside, value }, i) => {
      const cell = this.#pixels[i];
      if (cell === undefined) return;
      cell.textContent = figure(Math.round(value * 10) / 10);
      cell.className = inside ? (value > 140 ? "pixel bright" : "pixel") : "outside";
      cell.dataset["channel"] = String(channel);
      cell.style.setProperty("--value", String(value));
    });
    const [first] = samples;
    this.#origin.textContent = first === undefined ? "" : `pixels from ${figure(first.x)}, ${figure(first.y)}`;
    const most = Math.max(...weights.map(Math.abs), 1e-9);
    for (const [i, weight] of weights.entries()) tint(this.#weights[i], weight, most, showWeight(weight));
    const large = Math.max(...products.map(Math.abs), 1e-9);
    for (const [i, product] of products.entries())
      tint(this.#products[i], product, large, figure(Math.round(product * 10) / 10));
    this.#total.textContent = figure(total);
  }
}

function tint(cell: HTMLElement | undefined, value: number, largest: number, text: string): void {
  if (cell === undefined) return;
  cell.textContent = text;
  cell.className = value < 0 ? "below" : value > 0 ? "above" : "zero";
  cell.style.setProperty("--much", String(Math.abs(value) / largest));
}

/** What happens after the sum, a step a box, the engine's own figure last. */
function steps(reading: Reading, settings: Settings): HTMLElement[] {
  const boxes: HTMLElement[] = [];
  const add = (label: string, value: number, kind = "") =>
    boxes.push(make("span", { class: `step ${kind}` }, make("small", {}, label), make("b", {}, figure(value))));
  const [first, second] = reading.sums;
  if (first !== undefined && second !== undefined) {
    add("√(x² + y²)", Math.hypot(first.total, second.total));
  }
  if (settings.bias !== 0) add(`${settings.bias < 0 ? "−" : "+"} bias ${figure(Math.abs(settings.bias))}`, reading.raw);
  if (settings.activation !== "identity") add(activationNames[settings.activation], reading.value);
  const right = agrees(reading);
  add(right ? "the engine’s value, the same" : "the engine’s value", reading.engine, right ? "right" : "wrong");
  const { pooled } = reading;
  if (pooled !== undefined) {
    const size = `${settings.poolSize} × ${settings.poolSize}`;
    add(
      pooled.reads
        ? `${poolNames[settings.pool]} of its ${size}`
        : `the nearest ${size}, without it: ${poolNames[settings.pool]}`,
      pooled.engine,
    );
  }
  return boxes;
}

function inWords(reading: Reading, settings: Settings): string {
  const parts = [
    `Output at column ${reading.x}, row ${reading.y}: products add up to ${figure(reading.sums[0]?.total ?? 0)}`,
  ];
  if (settings.activation !== "identity")
    parts.push(`after ${activationNames[settings.activation]} ${figure(reading.value)}`);
  if (reading.pooled !== undefined) parts.push(`after pooling ${figure(reading.pooled.engine)}`);
  return `${parts.join(", ")}.`;
}

import { make } from "./dom.ts";
import { parseWeight, showWeight } from "./kernels.ts";
import type { Kernel } from "./settings.ts";

/** The square of typed weights. */
export class KernelGrid {
  readonly #root: HTMLElement;
  readonly #change: (kernel: Kernel) => void;
  #size = 0;
  #weights: number[] = [];
  #cells: HTMLInputElement[] = [];

  constructor(root: HTMLElement, change: (kernel: Kernel) => void) {
    this.#root = root;
    this.#change = change;
  }

  /** Whether every cell holds a number. */
  get complete(): boolean {
    return this.#weights.every((weight) => !Number.isNaN(weight));
  }

  show({ size, weights }: Kernel): void {
    if (size !== this.#size) this.#build(size);
    for (const [i, weight] of weights.entries()) this.#write(i, weight);
  }

  #build(size: number): void {
    this.#size = size;
    this.#root.style.setProperty("--n", String(size));
    this.#cells = Array.from({ length: size * size }, (_, i) => {
      const cell = make("input", {
        type: "text",
        autocomplete: "off",
        autocapitalize: "off",
        spellcheck: "false",
        enterkeyhint: "next",
        "aria-label": `row ${Math.floor(i / size) + 1}, column ${(i % size) + 1}`,
      });
      cell.addEventListener("focus", () => cell.select());
      cell.addEventListener("input", () => this.#typed(i, parseWeight(cell.value)));
      cell.addEventListener("blur", () => this.#write(i, this.#weights[i] ?? Number.NaN, true));
      cell.addEventListener("keydown", (event) => this.#key(event, i));
      return cell;
    });
    this.#weights = this.#cells.map(() => 0);
    this.#root.replaceChildren(...this.#cells);
  }

  /** Writes a weight into its cell, unless somebody is typing there. */
  #write(i: number, weight: number, always = false): void {
    const cell = this.#cells[i];
    if (cell === undefined) return;
    const same = Object.is(this.#weights[i], weight);
    this.#weights[i] = weight;
    if (always || !same || document.activeElement !== cell) {
      if (!Number.isNaN(weight)) cell.value = showWeight(weight);
      cell.title = String(weight);
    }
    this.#tint();
  }

  #typed(i: number, weight: number): void {
    this.#weights[i] = weight;
    this.#tint();
    this.#change({ size: this.#size, weights: [...this.#weights] });
  }

  /** The strongest weight has the full colour. */
  #tint(): void {
    const largest = Math.max(...this.#weights.map((weight) => Math.abs(weight) || 0), 1e-9);
    this.#cells.forEach((cell, i) => {
      const weight = this.#weights[i] ?? 0;
      cell.toggleAttribute("data-wrong", Number.isNaN(weight));
      cell.dataset["sign"] = weight < 0 ? "below" : weight > 0 ? "above" : "zero";
      cell.style.setProperty("--much", String(Math.abs(weight || 0) / largest));
    });
  }

  #key(event: KeyboardEvent, i: number): void {
    const cell = this.#cells[i];
    if (cell === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const { key } = event;
    const upright = key === "ArrowUp" || key === "ArrowDown";
    if (event.shiftKey && upright) {
      const weight = (this.#weights[i] || 0) + (key === "ArrowUp" ? 1 : -1);
      cell.value = showWeight(weight);
      this.#typed(i, weight);
      cell.select();
    } else if (event.shiftKey) {
      return;
    } else if (upright || key === "Enter") {
      this.#focus(i + (key === "ArrowUp" ? -this.#size : this.#size));
    } else if (key === "ArrowLeft" && cell.selectionStart === 0) {
      this.#focus(i - 1);
    } else if (key === "ArrowRight" && cell.selectionEnd === cell.value.length) {
      this.#focus(i + 1);
    } else {
      return;
    }
    event.preventDefault();
  }

  #focus(i: number): void {
    this.#cells[i]?.focus();
  }
}

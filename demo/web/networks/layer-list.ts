import { element, make } from "../dom.ts";
import { type Layer, sizeOf } from "./layers.ts";

/** The layers of a network, one to be chosen; arrow keys walk through the depth. */
export class LayerList {
  readonly #root = element("layer-list", HTMLElement);
  readonly #choose: (layer: Layer) => void;
  #layers: readonly Layer[] = [];

  constructor(choose: (layer: Layer) => void) {
    this.#choose = choose;
  }

  /** Shows a network's layers; does nothing if they are there. */
  show(layers: readonly Layer[], chosen: Layer | undefined): void {
    if (layers !== this.#layers) {
      this.#layers = layers;
      this.#root.replaceChildren(...layers.map((layer) => this.#row(layer)));
    }
    if (chosen === undefined) return;
    for (const input of this.#root.querySelectorAll("input")) {
      if (input.value !== chosen.name || input.checked) continue;
      input.checked = true;
      // Only the list is scrolled, not the page.
      const row = input.parentElement;
      if (row !== null) this.#root.scrollTop = row.offsetTop - this.#root.clientHeight / 2;
    }
  }

  #row(layer: Layer): HTMLElement {
    const input = make("input", { type: "radio", name: "layer", value: layer.name });
    input.addEventListener("change", () => this.#choose(layer));
    return make(
      "label",
      { class: "layer", title: layer.name },
      input,
      make("span", { class: "row-of-layer" }, make("b", {}, layer.op), make("span", {}, sizeOf(layer))),
      make("small", {}, layer.label),
    );
  }
}

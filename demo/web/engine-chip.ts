import type { Engine } from "lenslet";
import { element } from "./dom.ts";

/** Which engine runs and whether it does: a word at the top of the page, a sentence at its foot. */
export class EngineChip {
  readonly #chip = element("engine", HTMLElement);
  readonly #text = element("engine-text", HTMLElement);
  readonly #details = element("engine-details", HTMLElement);
  #ready = "";

  introduce({ info }: Engine): void {
    const build = info.build === "relaxed" ? "relaxed SIMD" : "SIMD";
    const place = info.host === "thread" ? "this thread" : "worker";
    this.#ready = `${build}, ${place}`;
    this.#details.textContent =
      `lenslet ${info.version}: Rust compiled to WebAssembly, the ${info.build} build, running in ` +
      `${info.host === "thread" ? "the page’s own thread" : `a worker of its own (${info.host})`}, ` +
      `${info.threads === 1 ? "one thread" : `${info.threads} threads`}.`;
  }

  /** The engine has just answered. */
  well(): void {
    this.#chip.dataset["state"] = "ready";
    this.#text.textContent = this.#ready;
  }

  failed(error: unknown): void {
    this.#chip.dataset["state"] = "failed";
    this.#text.textContent = error instanceof Error ? error.message : String(error);
  }
}

import { element } from "./dom.ts";

/** The parts of the page, as addresses name them. No element has these ids: the browser would scroll to it. */
export type ViewName = "filtering" | "networks" | "training";

/** What the link at the top of the page skips to, in each part. */
const FIRST_CONTROLS: Readonly<Record<ViewName, readonly [id: string, text: string]>> = {
  filtering: ["controls", "Skip to the controls"],
  networks: ["layers", "Skip to the layers"],
  training: ["learn", "Skip to the controls"],
};
const NAMES: readonly ViewName[] = ["filtering", "networks", "training"];

/** A part of the page: does nothing while it is not in sight. */
export interface View {
  /** Shows the picture at hand, or does so anew. */
  ask(): void;
}

/** One part at a time: the one that the address names, or that holds what it names. Where pictures come from goes along. */
export class Views {
  readonly #changed: () => void;
  readonly #links = [...document.querySelectorAll<HTMLAnchorElement>(".views a")];
  readonly #sources = element("sources", HTMLElement);
  readonly #skip = element("skip", HTMLAnchorElement);
  #current: ViewName = "filtering";

  constructor(changed: () => void) {
    this.#changed = changed;
    for (const link of this.#links) {
      link.addEventListener("click", (event) => {
        // By the address alone the browser would scroll the top of the page away.
        event.preventDefault();
        history.pushState(undefined, "", link.hash);
        scrollTo(0, 0);
        this.#follow();
      });
    }
    addEventListener("popstate", () => this.#follow());
    this.#show(named(location.hash));
  }

  get current(): ViewName {
    return this.#current;
  }

  #follow(): void {
    const wanted = named(location.hash);
    if (wanted === this.#current) return;
    this.#show(wanted);
    this.#changed();
  }

  #show(wanted: ViewName): void {
    this.#current = wanted;
    for (const name of NAMES) partOf(name).hidden = name !== wanted;
    for (const link of this.#links) {
      if (named(link.hash) === wanted) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const [first, text] = FIRST_CONTROLS[wanted];
    this.#skip.hash = first;
    this.#skip.textContent = text;
    partOf(wanted).querySelector(".sources-slot")?.append(this.#sources);
  }
}

function partOf(name: ViewName): HTMLElement {
  return element(`${name}-part`, HTMLElement);
}

function named(hash: string): ViewName {
  const id = hash.slice(1);
  const target = document.getElementById(id);
  return NAMES.find((name) => name === id || (target !== null && partOf(name).contains(target))) ?? "filtering";
}

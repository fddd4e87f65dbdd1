import { element } from "./dom.ts";

const region = element("announcement", HTMLElement);
let later: ReturnType<typeof setTimeout> | undefined;

/** Told once the visitor pauses: a screen reader need not hear each step on the way. */
export function announce(text: () => string): void {
  clearTimeout(later);
  later = setTimeout(() => announceNow(text()), 700);
}

/** Told at once: something is wrong. */
export function announceNow(text: string): void {
  clearTimeout(later);
  region.textContent = text;
}

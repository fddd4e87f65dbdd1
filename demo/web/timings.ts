import { make } from "./dom.ts";
import { figure } from "./tones.ts";

const ENOUGH = 15;
/** Milliseconds that repeating for the clock's sake may cost. */
const BUDGET = 1500;

/** How long the same work takes: the median, which one slow run does not move. */
export class Timings {
  readonly #root: HTMLElement;
  #times: number[] = [];
  #keys: readonly unknown[] = [];

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Whether a few more runs would make the median better founded. */
  get wantsMore(): boolean {
    return this.#times.length < ENOUGH && this.#times.reduce((sum, time) => sum + time, 0) < BUDGET;
  }

  get text(): string {
    return `${figure(Number(median(this.#times).toFixed(1)))} milliseconds.`;
  }

  /** Adds a run; another key means other work, and counting starts afresh. */
  add(milliseconds: number, ...keys: readonly unknown[]): void {
    if (keys.some((key, i) => key !== this.#keys[i])) this.#times = [];
    this.#keys = keys;
    this.#times.push(milliseconds);
    if (this.#times.length > 2 * ENOUGH) this.#times.shift();
    const runs = this.#times.length;
    this.#root.replaceChildren(
      make("b", {}, `${median(this.#times).toFixed(1)} ms`),
      runs === 1 ? "" : ` median of ${runs}`,
    );
    this.#root.title = "From the call to the values, to the worker and back";
  }
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

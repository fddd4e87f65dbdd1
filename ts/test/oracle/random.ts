/** Seeded random numbers, the same on every machine, so that a printed seed brings a failure back. */
import { at, type Nd, sizeOf } from "./nd.ts";

/** A generator: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.int(0, choices.length - 1)];
    if (choice === undefined) throw new RangeError("nothing to pick from");
    return choice;
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** Float32 numbers in [low, high). */
  nd(shape: readonly number[], low = -1, high = 1): Nd {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => low + this.next() * (high - low));
    return { shape, data };
  }

  /** The numbers 0 .. length-1 in random order. */
  permutation(length: number): number[] {
    const order = Array.from({ length }, (_, index) => index);
    for (let i = length - 1; i > 0; i--) {
      const j = this.int(0, i);
      const kept = at(order, i);
      order[i] = at(order, j);
      order[j] = kept;
    }
    return order;
  }
}

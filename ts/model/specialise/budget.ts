/** How much evaluation may cost: a small file may ask for tensors of any size, and for any amount of work. */
import { type Constant, constantBytes } from "../constant.ts";

/** What may be evaluated before a network runs. Nodes beyond that are left to the core. */
export class Budget {
  #bytes: number;
  #work: number;

  /** Of `bytes` of results, and `work` elements touched. */
  constructor(bytes: number, work: number) {
    this.#bytes = bytes;
    this.#work = work;
  }

  /**
   * In proportion to what the graph holds: int8 weights grow by 4, and may be moved once more; 16 MiB on top are enough for
   * the coordinates that detectors compute. The work takes about a second at most, and some seconds with large weights.
   */
  static of(constants: ReadonlyMap<string, Constant>): Budget {
    let held = 0;
    for (const constant of constants.values()) held += constantBytes(constant);
    return new Budget(8 * held + 2 ** 24, 64 * held + 2 ** 27);
  }

  /** Takes a result off, if it is still within the budget. */
  take(bytes: number, work: number): boolean {
    if (bytes > this.#bytes || work > this.#work) return false;
    this.#bytes -= bytes;
    this.#work -= work;
    return true;
  }
}

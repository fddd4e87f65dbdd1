/** First values of weights. */
import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { invalid, list } from "../../options.ts";

/**
 * How weights begin. `"heUniform"` draws from ±sqrt(6 / fanIn), for layers followed by ReLU (He et al. 2015,
 * https://arxiv.org/abs/1502.01852); `"glorotUniform"` from ±sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio 2010).
 * fanIn counts the products that make one output, fanOut the outputs that one input reaches in a window.
 */
export type Initialiser = "heUniform" | "glorotUniform" | "zeros" | "ones";

const NAMES: readonly Initialiser[] = ["heUniform", "glorotUniform", "zeros", "ones"];

/** Draws the weights of one network, layer after layer. */
export class Initialisers {
  readonly #random: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number) {
    this.#random = xoroshiro128plus(seed);
  }

  /** `length` weights. */
  draw(call: string, initialiser: Initialiser, length: number, fanIn: number, fanOut: number): Float32Array {
    const weights = new Float32Array(length);
    const limit = bound(call, initialiser, fanIn, fanOut);
    if (initialiser === "zeros") return weights;
    if (initialiser === "ones") return weights.fill(1);
    // Multiples of 2^-23 times a float32: products and roots are exactly rounded everywhere, so the bits are the same.
    for (let i = 0; i < length; i++) weights[i] = (2 * uniformFloat32(this.#random) - 1) * limit;
    return weights;
  }
}

function bound(call: string, initialiser: Initialiser, fanIn: number, fanOut: number): number {
  if (initialiser === "heUniform") return Math.sqrt(6 / fanIn);
  if (initialiser === "glorotUniform") return Math.sqrt(6 / (fanIn + fanOut));
  if (!NAMES.includes(initialiser))
    throw invalid(call, "initialiser", initialiser, list(NAMES.map((name) => JSON.stringify(name))));
  return 0;
}

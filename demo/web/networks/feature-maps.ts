import { shade } from "../tones.ts";
import type { Layer } from "./layers.ts";

/** Whether all maps of a layer share one scale of colours, or each goes to its own largest value. */
export type Scale = "layer" | "map";
/** Channels as they come, or those first that find most of what they look for. */
export type Order = "channel" | "strength";

/** What a layer answered to a picture. */
export class FeatureMaps {
  readonly layer: Layer;
  /** Of the layer; NaN apart. */
  readonly low: number;
  readonly high: number;
  readonly #values: Float32Array;
  readonly #white: number;

  /** `values` are [count, height, width]. */
  constructor(layer: Layer, values: Float32Array) {
    this.layer = layer;
    this.#values = values;
    const { low, high, white } = shade({ ...layer, channels: 1, values }, "signed", []);
    this.low = low;
    this.high = high;
    this.#white = white;
  }

  /** The values of a map, row after row. */
  of(channel: number): Float32Array {
    const size = this.layer.height * this.layer.width;
    return this.#values.subarray(channel * size, (channel + 1) * size);
  }

  /** The value that has the full colour. */
  white(channel: number, scale: Scale): number {
    if (scale === "layer") return this.#white;
    const [low, high] = rangeOf(this.of(channel));
    return Math.max(-low, high) || 1;
  }

  /** The channels in the order wanted. */
  channels(order: Order): readonly number[] {
    const all = Array.from({ length: this.layer.count }, (_, channel) => channel);
    if (order === "channel") return all;
    const strengths = all.map((channel) => strengthOf(this.of(channel)));
    return all.sort((a, b) => (strengths[b] ?? 0) - (strengths[a] ?? 0) || a - b);
  }
}

/** What is above zero, for activations cut off the rest; where nothing is, how near to zero it comes. */
function strengthOf(values: Float32Array): number {
  const sum = values.reduce((total, value) => total + Math.max(value, 0), 0);
  return sum > 0 ? sum : rangeOf(values)[1];
}

/** The smallest and the largest of some values. */
export function rangeOf(values: Float32Array): readonly [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

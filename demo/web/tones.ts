import type { Plane } from "./compute.ts";
import { sumOf } from "./kernels.ts";
import type { Kernel, Tone } from "./settings.ts";

/** How a result was turned into brightness, so that the page can say it. */
export interface Shading {
  readonly tone: Exclude<Tone, "auto">;
  readonly low: number;
  readonly high: number;
  /** The value that is shown at full strength. */
  readonly white: number;
}

type Colour = readonly [number, number, number];
/** Weights and values below zero are blue, above zero orange, everywhere on the page. */
const BELOW: Colour = [92, 155, 255];
const ABOVE: Colour = [255, 148, 64];

/** Chooses a tone if it is left to us: pictures stay pictures, signed values get the two colours. */
export function shade({ values }: Plane, tone: Tone, kernels: readonly Kernel[]): Shading {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const chosen = tone === "auto" ? automatic(low, high, kernels) : tone;
  return { tone: chosen, low, high, white: chosen === "clamp" ? 255 : strong(values, low, high) };
}

function automatic(low: number, high: number, [kernel]: readonly Kernel[]): Exclude<Tone, "auto"> {
  const sum = kernel === undefined ? 0 : sumOf(kernel);
  // Weights that add up to about 1 keep a picture's brightness; it may overshoot a little.
  if (sum > 0.5 && sum < 2 && high > 64) return "clamp";
  return low < 0 && -low > 0.05 * high ? "signed" : "stretch";
}

const SAMPLE = 200_000;

/** A value that all but one in 70 stay below: neither single peaks nor the border darken the rest. */
function strong(values: Float32Array, low: number, high: number): number {
  const top = Math.max(Math.abs(low), Math.abs(high));
  if (!(top > 0) || !Number.isFinite(top)) return 1;
  const bins = new Uint32Array(512);
  // A sample will do: large pictures have millions of values.
  const step = Math.ceil(values.length / SAMPLE);
  const scale = 511.99 / top;
  for (let i = 0; i < values.length; i += step) {
    const bin = (Math.abs(values[i] ?? 0) * scale) | 0;
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  let rest = values.length / step / 70;
  let bin = 511;
  while (bin > 0) {
    rest -= bins[bin] ?? 0;
    if (rest <= 0) break;
    bin--;
  }
  return ((bin + 1) / 512) * top;
}

/** The picture's pixels. */
export function render({ values, width, height, channels }: Plane, { tone, white }: Shading): ImageData {
  const pixels = new ImageData(width, height);
  const { data } = pixels;
  const scale = 255 / white;
  const next = channels === 3 ? 1 : 0;
  for (let i = 0, at = 0; i < data.length; i += 4, at += channels) {
    if (tone === "signed" && channels === 1) {
      const value = values[at] ?? 0;
      const strength = Math.min(1, Math.abs(value) / white) ** 0.7;
      const [r, g, b] = value < 0 ? BELOW : ABOVE;
      data[i] = r * strength;
      data[i + 1] = g * strength;
      data[i + 2] = b * strength;
    } else if (tone === "signed") {
      data[i] = 128 + 0.5 * scale * (values[at] ?? 0);
      data[i + 1] = 128 + 0.5 * scale * (values[at + next] ?? 0);
      data[i + 2] = 128 + 0.5 * scale * (values[at + 2 * next] ?? 0);
    } else {
      data[i] = scale * (values[at] ?? 0);
      data[i + 1] = scale * (values[at + next] ?? 0);
      data[i + 2] = scale * (values[at + 2 * next] ?? 0);
    }
    data[i + 3] = 255;
  }
  return pixels;
}

/** The same in words. */
export function describe({ tone, low, high, white }: Shading): string {
  const values = `values ${figure(low)} to ${figure(high)}`;
  if (tone === "clamp") return `${values}; 0 is black, 255 white`;
  if (tone === "stretch") return `${values}; ${figure(white)} and above is white`;
  return `${values}; blue below zero, orange above`;
}

/** A figure with as many digits as it deserves, and a true minus sign. */
export function figure(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  const text = Number(size.toFixed(digits)).toString();
  return value < 0 && text !== "0" ? `−${text}` : text;
}

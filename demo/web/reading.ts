import { activated, type Plane, type Result } from "./compute.ts";
import { convolutionGeometry, type Geometry, poolGeometry, windowStart } from "./geometry.ts";

/** One output of the convolution, taken apart. */
export interface Reading {
  readonly x: number;
  readonly y: number;
  readonly channel: number;
  readonly size: number;
  readonly samples: readonly Sample[];
  /** One for each kernel: what is multiplied, and what it adds up to. */
  readonly sums: readonly {
    readonly weights: readonly number[];
    readonly products: readonly number[];
    readonly total: number;
  }[];
  /** The sums joined, and the bias. */
  readonly raw: number;
  readonly value: number;
  /** What the engine gave at this place. */
  readonly engine: number;
  readonly window: Rect;
  readonly pooled?: Pooled;
}

/** A pixel under a weight; outside of the picture it counts as 0. */
export interface Sample {
  readonly x: number;
  readonly y: number;
  readonly inside: boolean;
  readonly value: number;
}

/** The pooling window that this output falls into. */
export interface Pooled {
  readonly x: number;
  readonly y: number;
  readonly window: Rect;
  readonly values: readonly number[];
  readonly engine: number;
  /** False if the stride leaves this output out. */
  readonly reads: boolean;
}

/** In pixels of the picture that it lies on. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Follows one output back to its pixels, in plain arithmetic: what the engine did, done again by hand. */
export function readingAt(result: Result, column: number, row: number, channel: number): Reading {
  const { input, convolved, settings } = result;
  const geometry = convolutionGeometry(settings, input.height, input.width);
  const [vertical, horizontal] = geometry;
  const y = within(row, vertical.output);
  const x = within(column, horizontal.output);
  const top = windowStart(vertical, y);
  const left = windowStart(horizontal, x);
  const { dilation, kernels, bias, activation } = settings;
  const size = kernels[0]?.size ?? 0;

  const samples = Array.from({ length: size * size }, (_, i) =>
    sampleOf(input, left + (i % size) * dilation, top + Math.floor(i / size) * dilation, channel),
  );
  const sums = kernels.map(({ weights }) => {
    const products = samples.map(({ value }, i) => value * (weights[i] ?? 0));
    return { weights, products, total: products.reduce((sum, product) => sum + product, 0) };
  });
  const joined = sums.length > 1 ? Math.hypot(...sums.map(({ total }) => total)) : (sums[0]?.total ?? 0);
  const raw = joined + bias;
  const pooled = pooledAt(result, x, y, channel);
  return {
    x,
    y,
    channel,
    size,
    samples,
    sums,
    raw,
    value: activated(raw, activation),
    engine: readAt(convolved, x, y, channel),
    window: spanned(geometry, x, y),
    ...(pooled === undefined ? {} : { pooled }),
  };
}

/** Whether the engine's figure is ours, as far as sums of 32-bit numbers can agree: rounding grows with what is added up. */
export function agrees({ sums, value, engine, samples }: Reading): boolean {
  const added = sums.flatMap(({ products }) => products).reduce((sum, product) => sum + Math.abs(product), 0);
  return Math.abs(value - engine) <= 2 ** -23 * samples.length * added + 1e-5 * Math.abs(value) + 1e-6;
}

function pooledAt({ convolved, output, settings }: Result, x: number, y: number, channel: number): Pooled | undefined {
  if (settings.pool === "none") return undefined;
  const geometry = poolGeometry(settings, convolved.height, convolved.width);
  const [vertical, horizontal] = geometry;
  const py = within(Math.floor(y / vertical.stride), vertical.output);
  const px = within(Math.floor(x / horizontal.stride), horizontal.output);
  const window = spanned(geometry, px, py);
  const values: number[] = [];
  for (let dy = 0; dy < window.height; dy++) {
    for (let dx = 0; dx < window.width; dx++) values.push(readAt(convolved, window.x + dx, window.y + dy, channel));
  }
  const reads = x - window.x < window.width && y - window.y < window.height;
  return { x: px, y: py, window, values, engine: readAt(output, px, py, channel), reads };
}

/** The pixels that an output reaches, gaps included. */
function spanned([vertical, horizontal]: Geometry, x: number, y: number): Rect {
  return {
    x: windowStart(horizontal, x),
    y: windowStart(vertical, y),
    width: horizontal.dilation * (horizontal.kernel - 1) + 1,
    height: vertical.dilation * (vertical.kernel - 1) + 1,
  };
}

function sampleOf(plane: Plane, x: number, y: number, channel: number): Sample {
  const inside = x >= 0 && y >= 0 && x < plane.width && y < plane.height;
  return { x, y, inside, value: inside ? readAt(plane, x, y, channel) : 0 };
}

function readAt({ values, width, channels }: Plane, x: number, y: number, channel: number): number {
  return values[(y * width + x) * channels + channel] ?? Number.NaN;
}

function within(index: number, size: number): number {
  return Math.min(size - 1, Math.max(0, index));
}

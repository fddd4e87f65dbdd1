import { type Engine, LensletError, type NdArray, type Tensor } from "lenslet";
import { type Activation, type Kernel, paddingOf, type Settings } from "./settings.ts";

/** Values of a picture, [height, width, channels]. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float32Array;
}

/** What one run gave. `convolved` is before pooling; without pooling it is `output`. */
export interface Result {
  readonly settings: Settings;
  readonly input: Plane;
  readonly convolved: Plane;
  readonly output: Plane;
  readonly milliseconds: number;
}

/** Which control an error belongs to: both steps have a stride. */
export class StepError extends Error {
  readonly step: "convolution" | "pooling";
  override readonly cause: LensletError;

  constructor(step: "convolution" | "pooling", cause: LensletError) {
    super(cause.message);
    this.step = step;
    this.cause = cause;
  }
}

/** Sends the whole chain to the engine and waits once. The input stays in the engine from run to run. */
export async function compute(engine: Engine, picture: Tensor, input: Plane, settings: Settings): Promise<Result> {
  const start = performance.now();
  const [convolved, output] = engine.scope(() => {
    const first = step("convolution", () => convolve(engine, picture, settings));
    return [first, step("pooling", () => pool(engine, first, settings))] as const;
  });
  try {
    const [before, after] = await Promise.all([planeOf(convolved), output === convolved ? undefined : planeOf(output)]);
    return { settings, input, convolved: before, output: after ?? before, milliseconds: performance.now() - start };
  } finally {
    convolved.dispose();
    output.dispose();
  }
}

function convolve(engine: Engine, picture: Tensor, settings: Settings): Tensor {
  const { stride, dilation, bias, activation, kernels } = settings;
  const channels = picture.shape[3] ?? 1;
  const padding = paddingOf(settings);
  const [one, other] = kernels;
  if (one === undefined) throw new Error("there is no kernel");
  const shift = bias === 0 ? {} : { bias: new Float32Array(channels).fill(bias) };
  if (other === undefined) {
    return engine.conv2d(picture, filterOf(one, channels), {
      stride,
      dilation,
      padding,
      activation: activationOf(activation),
      ...shift,
    });
  }
  const [x, y] = [one, other].map((kernel) =>
    engine.conv2d(picture, filterOf(kernel, channels), { stride, dilation, padding }),
  );
  if (x === undefined || y === undefined) throw new Error("there are not two kernels");
  const strength = engine.hypot(x, y);
  return activate(engine, bias === 0 ? strength : engine.add(strength, bias), activation);
}

function pool(engine: Engine, x: Tensor, { pool: kind, poolSize: size, poolStride: stride }: Settings): Tensor {
  switch (kind) {
    case "none":
      return x;
    case "max":
      return engine.maxPool2d(x, { size, stride });
    case "avg":
      return engine.avgPool2d(x, { size, stride });
    case "l2":
      return engine.l2Pool2d(x, { size, stride });
  }
}

/** The same kernel for each channel on its own: one group a channel. */
function filterOf({ size, weights }: Kernel, channels: number): NdArray {
  const data = new Float32Array(weights.length * channels);
  for (const [i, weight] of weights.entries()) data.fill(weight, i * channels, (i + 1) * channels);
  return { data, shape: [size, size, 1, channels], groups: channels };
}

const LEAK = 0.1;
const WHITE = 255;

function activationOf(activation: Activation) {
  if (activation === "leakyRelu") return { type: "leakyRelu", alpha: LEAK } as const;
  if (activation === "clamp") return { type: "clamp", min: 0, max: WHITE } as const;
  return activation;
}

function activate(engine: Engine, x: Tensor, activation: Activation): Tensor {
  switch (activation) {
    case "identity":
      return x;
    case "leakyRelu":
      return engine.leakyRelu(x, { alpha: LEAK });
    case "clamp":
      return engine.clamp(x, { min: 0, max: WHITE });
    default:
      return engine[activation](x);
  }
}

/** The same in plain arithmetic, for the figures under the lens. */
export function activated(value: number, activation: Activation): number {
  switch (activation) {
    case "identity":
      return value;
    case "relu":
      return Math.max(value, 0);
    case "leakyRelu":
      return value < 0 ? LEAK * value : value;
    case "clamp":
      return Math.min(Math.max(value, 0), WHITE);
    case "sigmoid":
      return 1 / (1 + Math.exp(-value));
    case "tanh":
      return Math.tanh(value);
    case "gelu":
      return value * normalBelow(value);
  }
}

/** Chance that a normal variable is below x (Abramowitz and Stegun 7.1.26, wrong by at most 1e-7). */
function normalBelow(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const below = 1 - 0.5 * tail * Math.exp(-z * z);
  return x < 0 ? 1 - below : below;
}

async function planeOf(tensor: Tensor): Promise<Plane> {
  const [, height = 0, width = 0, channels = 0] = tensor.shape;
  return { height, width, channels, values: await tensor.data() };
}

function step<T>(name: "convolution" | "pooling", run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof LensletError ? new StepError(name, error) : error;
  }
}

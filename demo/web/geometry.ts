import { featureMapSize } from "lenslet";
import { paddingOf, type Settings } from "./settings.ts";

/** How one axis of a window operation reads its input. */
export interface Axis {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  readonly output: number;
}

/** The two axes, rows first. */
export type Geometry = readonly [Axis, Axis];

/** Pixels that the kernel spans: with dilation there are gaps between its weights. */
export function reach({ kernel, dilation }: Pick<Axis, "kernel" | "dilation">): number {
  return dilation * (kernel - 1) + 1;
}

/** The convolution's geometry. The output sizes are the package's own answer. */
export function convolutionGeometry(settings: Settings, height: number, width: number): Geometry {
  const { stride, dilation } = settings;
  const kernel = settings.kernels[0]?.size ?? 0;
  const padding = paddingOf(settings);
  const [outH, outW] = featureMapSize({ input: [height, width], kernel, stride, padding, dilation });
  const axis = (input: number, output: number): Axis => {
    const bare = { input, kernel, stride, dilation, output };
    if (padding === "valid") return { ...bare, before: 0, after: 0 };
    if (typeof padding === "number") return { ...bare, before: padding, after: padding };
    const total = Math.max((output - 1) * stride + reach(bare) - input, 0);
    const before = padding === "same" ? Math.floor(total / 2) : Math.ceil(total / 2);
    return { ...bare, before, after: total - before };
  };
  return [axis(height, outH), axis(width, outW)];
}

/** The pooling's geometry: no padding, whole windows only. */
export function poolGeometry({ poolSize, poolStride }: Settings, height: number, width: number): Geometry {
  const [outH, outW] = featureMapSize({ input: [height, width], kernel: poolSize, stride: poolStride });
  const axis = (input: number, output: number): Axis => ({
    input,
    kernel: poolSize,
    stride: poolStride,
    dilation: 1,
    before: 0,
    after: 0,
    output,
  });
  return [axis(height, outH), axis(width, outW)];
}

/** The output whose window is centred nearest to an input position. */
export function outputAt(axis: Axis, input: number): number {
  const centre = (input + axis.before - (reach(axis) - 1) / 2) / axis.stride;
  return Math.min(axis.output - 1, Math.max(0, Math.round(centre)));
}

/** Where an output's window begins in the input; negative in the padding. */
export function windowStart({ stride, before }: Axis, output: number): number {
  return output * stride - before;
}

/** What the controls say; what is computed follows from this and the picture alone. */
export interface Settings {
  readonly filter: string;
  /** One kernel, or two whose answers are joined as √(a² + b²). */
  readonly kernels: readonly Kernel[];
  readonly colour: "grey" | "colour";
  readonly stride: number;
  readonly padding: "valid" | "same" | "same-lower" | "pixels";
  /** Pixels on each side, if `padding` is "pixels". */
  readonly paddingPixels: number;
  readonly dilation: number;
  readonly bias: number;
  readonly activation: Activation;
  readonly pool: "none" | "max" | "avg" | "l2";
  readonly poolSize: number;
  readonly poolStride: number;
  readonly tone: Tone;
}

/** A square of weights, row after row. */
export interface Kernel {
  readonly size: number;
  readonly weights: readonly number[];
}

export type Activation = "identity" | "relu" | "leakyRelu" | "clamp" | "sigmoid" | "tanh" | "gelu";

/** How values become brightness. */
export type Tone = "auto" | "clamp" | "stretch" | "signed";

/** What reaches the core as its `padding`. */
export function paddingOf(settings: Settings): "valid" | "same" | "same-lower" | number {
  return settings.padding === "pixels" ? settings.paddingPixels : settings.padding;
}

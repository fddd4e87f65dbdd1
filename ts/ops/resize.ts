/** Images in another size. */
import { LensletError } from "../errors.ts";
import { checkOptions, invalid, type LayoutOption, MAX_AXIS, oneOf, pair, type Pair, parseLayout } from "../options.ts";
import type { Tensor } from "../tensor.ts";
import { type ImageInput, imageInput, imageOutput, type Plan } from "./plan.ts";

/** How a resize finds its elements. */
export interface ResizeMethod extends LayoutOption {
  /**
   * `"linear"`: between the four nearest elements; `"nearest"`: the nearest. Neither averages over more when it shrinks:
   * to less than half, pool first. Default `"linear"`.
   */
  readonly mode?: "nearest" | "linear" | undefined;
  /**
   * Where output element i lies in the input. `"half-pixel"`: `(i + 0.5) / scale - 0.5`, pixels as areas, as canvas,
   * PyTorch (`align_corners=False`) and ONNX do; `"align-corners"`: `i * (in - 1) / (out - 1)`, first and last elements
   * fall on one another; `"asymmetric"`: `i / scale`, TensorFlow 1's. The scale is out / in. Default `"half-pixel"`.
   */
  readonly coordinates?: "half-pixel" | "align-corners" | "asymmetric" | undefined;
}

/** Options of `resize`: a size or a scale, and the method. */
export type ResizeOptions = ResizeMethod &
  (
    | {
        /** Rows and columns of the output. */
        readonly size: Pair;
        readonly scale?: undefined;
      }
    | {
        /** Output size over input size, rounded down; one number or `[h, w]`. */
        readonly scale: number | readonly [h: number, w: number];
        readonly size?: undefined;
      }
  );

/** Modes; the core's code is the place here. */
const MODES = ["nearest", "linear"] as const;
/** Coordinates; the core's code is the place here. */
const COORDINATES = ["half-pixel", "align-corners", "asymmetric"] as const;

/** Images in another size. */
export function resize(call: string, x: Tensor, options: ResizeOptions): Plan {
  checkOptions(call, options, ["size", "scale", "mode", "coordinates", "layout"]);
  const { layout = "NHWC", mode = "linear", coordinates = "half-pixel" } = options;
  const image = imageInput(call, x, parseLayout(call, layout));
  const [outH, outW] = outputSize(call, image, options);
  const { n, h, w, c } = image;
  const codes = [
    MODES.indexOf(oneOf(call, "mode", mode, MODES)),
    COORDINATES.indexOf(oneOf(call, "coordinates", coordinates, COORDINATES)),
  ];
  return {
    call,
    op: "resize2d",
    inputs: [image],
    outputs: [imageOutput(call, layout, { n, h: outH, w: outW, c })],
    words: [layout === "NHWC" ? 0 : 1, n, h, w, c, outH, outW, ...codes],
  };
}

function outputSize(call: string, { h, w }: ImageInput, { size, scale }: ResizeOptions): readonly [number, number] {
  if (size !== undefined && scale !== undefined)
    throw invalid(call, "scale", scale, "nothing beside size: the one follows from the other");
  if (scale === undefined && size === undefined)
    throw invalid(call, "size", size, "rows and columns of the output, or a scale");
  if (scale === undefined) return pair(call, "size", size);
  const scales: readonly unknown[] = Array.isArray(scale) ? scale : [scale, scale];
  const [scaleH, scaleW] = scales;
  const isScale = (value: unknown): value is number => typeof value === "number" && value > 0 && Number.isFinite(value);
  if (scales.length !== 2 || !isScale(scaleH) || !isScale(scaleW))
    throw invalid(call, "scale", scale, "a positive number or [scaleH, scaleW]");
  return [scaled(call, h, scaleH, "rows"), scaled(call, w, scaleW, "columns")];
}

function scaled(call: string, size: number, scale: number, axis: string): number {
  // 100 * 0.29 is 28.999999999999996: a product that is whole but for rounding counts as whole.
  const out = Math.floor(size * scale * (1 + 1e-12));
  if (out >= 1 && out <= MAX_AXIS) return out;
  const [code, text] = out < 1 ? (["empty-output", "none"] as const) : (["too-large", String(out)] as const);
  throw new LensletError(
    code,
    `${call}: scale is ${scale}, which makes of ${size} ${axis} ${text}; expected 1 to ${MAX_AXIS}`,
    { argument: "scale" },
  );
}

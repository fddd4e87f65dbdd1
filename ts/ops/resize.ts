/** Images in another size. */
import { LensletError } from "../errors.ts";
import {
  checkOptions,
  flag,
  invalid,
  type LayoutOption,
  MAX_AXIS,
  numeric,
  oneOf,
  pair,
  type Pair,
  parseLayout,
} from "../options.ts";
import type { Tensor } from "../tensor.ts";
import { type ImageInput, imageInput, imageOutput, type Plan } from "./plan.ts";

/** How a resize finds its elements. */
export interface ResizeMethod extends LayoutOption {
  /**
   * `"linear"`: between the four nearest elements; `"cubic"`: a cubic of the 16 nearest; `"nearest"`: the nearest. None of
   * them averages over more when it shrinks, unless with `antialias`. Default `"linear"`.
   */
  readonly mode?: "nearest" | "linear" | "cubic" | undefined;
  /**
   * Where output element i lies in the input. `"half-pixel"`: `(i + 0.5) / scale - 0.5`, pixels as areas, as canvas,
   * PyTorch (`align_corners=False`) and ONNX do; `"align-corners"`: `i * (in - 1) / (out - 1)`, first and last elements
   * fall on one another; `"asymmetric"`: `i / scale`, TensorFlow 1's; `"pytorch-half-pixel"`: half-pixel, but an output
   * of one element takes the first. The scale is out / in. Default `"half-pixel"`.
   */
  readonly coordinates?: "half-pixel" | "align-corners" | "asymmetric" | "pytorch-half-pixel" | undefined;
  /**
   * For linear and cubic: where the image shrinks, the filter widens, so that every element counts and fine patterns turn
   * grey rather than coarse. As Pillow, and PyTorch with `antialias=True`. Default false.
   */
  readonly antialias?: boolean | undefined;
  /**
   * For nearest, which is taken: the nearest, and half way between two the lower (`"round-prefer-floor"`) or the upper
   * (`"round-prefer-ceil"`, as TensorFlow 2); always the lower (`"floor"`, as PyTorch's "nearest"), or the upper (`"ceil"`).
   * Default `"floor"` with asymmetric coordinates, else `"round-prefer-floor"`.
   */
  readonly rounding?: "round-prefer-floor" | "round-prefer-ceil" | "floor" | "ceil" | undefined;
  /**
   * For cubic, its parameter: -0.75 is OpenCV's, PyTorch's and ONNX's, -0.5 Pillow's and TensorFlow's (Catmull-Rom).
   * Default -0.75, with `antialias` -0.5, as PyTorch has it.
   */
  readonly cubicCoefficient?: number | undefined;
  /**
   * For linear and cubic: whether what would lie outside the image is left out, and the other weights grow; else the border
   * is repeated. Default: with `antialias` true, as PyTorch has it, else false.
   */
  readonly excludeOutside?: boolean | undefined;
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
const MODES = ["nearest", "linear", "cubic"] as const;
/** Coordinates; the core's code is the place here. */
const COORDINATES = ["half-pixel", "align-corners", "asymmetric", "pytorch-half-pixel"] as const;
/** Roundings; the core's code is the place here. */
const ROUNDINGS = ["round-prefer-floor", "round-prefer-ceil", "floor", "ceil"] as const;

const KEYS = ["size", "scale", "mode", "coordinates", "antialias", "rounding", "cubicCoefficient", "excludeOutside"];

/** Images in another size. */
export function resize(call: string, x: Tensor, options: ResizeOptions): Plan {
  checkOptions(call, options, [...KEYS, "layout"]);
  const { layout = "NHWC", mode = "linear", coordinates = "half-pixel" } = options;
  const image = imageInput(call, x, parseLayout(call, layout));
  const [outH, outW] = outputSize(call, image, options);
  const { n, h, w, c } = image;
  const codes = [
    MODES.indexOf(oneOf(call, "mode", mode, MODES)),
    COORDINATES.indexOf(oneOf(call, "coordinates", coordinates, COORDINATES)),
    ...particulars(call, options),
  ];
  return {
    call,
    op: "resize2d",
    inputs: [image],
    outputs: [imageOutput(call, layout, { n, h: outH, w: outW, c })],
    words: [layout === "NHWC" ? 0 : 1, n, h, w, c, outH, outW, ...codes],
  };
}

/** What the core is told only where it is not the usual. */
function particulars(call: string, options: ResizeMethod): readonly number[] {
  const antialias = flag(call, "antialias", options.antialias ?? false);
  const usual = options.coordinates === "asymmetric" ? "floor" : "round-prefer-floor";
  const rounding = oneOf(call, "rounding", options.rounding ?? usual, ROUNDINGS);
  const coefficient = options.cubicCoefficient ?? (antialias ? -0.5 : -0.75);
  numeric(call, "cubicCoefficient", coefficient, "a finite number", true);
  const excludeOutside = flag(call, "excludeOutside", options.excludeOutside ?? antialias);
  if (rounding === usual && coefficient === -0.75 && !excludeOutside && !antialias) return [];
  // No scales: those of the sizes.
  return [ROUNDINGS.indexOf(rounding), coefficient, excludeOutside ? 1 : 0, antialias ? 1 : 0, 0, 0];
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

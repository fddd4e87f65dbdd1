/** Padding as an operator of its own. */
import {
  checkOptions,
  count,
  invalid,
  isCount,
  type LayoutOption,
  numeric,
  oneOf,
  type Padding,
  parseLayout,
  parsePadding,
} from "../options.ts";
import { formatShape, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { mismatch, output, type Plan, tensorInput } from "./plan.ts";

/** Options of `pad`. */
export interface PadOptions extends LayoutOption {
  /**
   * For images (rank 4): a number for all four sides, `[h, w]`, or `{ top, left, bottom, right }`. For any tensor:
   * `[before, after]` of each axis, as `[[0, 0], [2, 2]]`.
   */
  readonly padding: Exclude<Padding, string> | readonly (readonly [before: number, after: number])[];
  /**
   * What the new elements are: `value`; with `"reflect"` the inside mirrored at the edge, which is not repeated; with
   * `"edge"` the nearest element; with `"wrap"` the tensor again. As NumPy's and ONNX's modes of these names. Default
   * `"constant"`.
   */
  readonly mode?: "constant" | "reflect" | "edge" | "wrap" | undefined;
  /** The new elements of mode `"constant"`. Default 0. */
  readonly value?: number | undefined;
}

/** Modes; the core's code is the place here. */
const MODES = ["constant", "reflect", "edge", "wrap"] as const;

/** New elements around a tensor. */
export function pad(call: string, x: Tensor, options: PadOptions): Plan {
  checkOptions(call, options, ["padding", "mode", "value", "layout"]);
  const { mode = "constant", value = 0 } = options;
  const code = MODES.indexOf(oneOf(call, "mode", mode, MODES));
  const fill = numeric(call, "value", value);
  const input = tensorInput(call, "x", x);
  const { shape } = input;
  const pads = axisPads(call, options, shape);
  const sizes = shape.map((size, axis) => {
    const [before = 0, after = 0] = pads[axis] ?? [];
    if (mode === "reflect" && Math.max(before, after) >= size) {
      throw invalid(
        call,
        "padding",
        options.padding,
        `less than ${size} on axis ${axis}: "reflect" has only the inside to mirror`,
      );
    }
    return before + size + after;
  });
  return {
    call,
    op: "pad",
    inputs: [input],
    outputs: [output(call, sizes)],
    words: [code, fill, shape.length, ...shape, ...pads.map(([before]) => before), ...pads.map(([, after]) => after)],
  };
}

type AxisPad = readonly [before: number, after: number];

const NONE: AxisPad = [0, 0];

function axisPads(call: string, { padding, layout = "NHWC" }: PadOptions, shape: Shape): readonly AxisPad[] {
  const order = parseLayout(call, layout);
  if (Array.isArray(padding) && !(padding.length === 2 && padding.every((side) => isCount(side, 0)))) {
    const axes: readonly unknown[] = padding;
    if (axes.length !== shape.length) {
      throw invalid(call, "padding", padding, `[before, after] for each of the ${shape.length} axes of x`);
    }
    return axes.map((axis, i) => {
      if (!Array.isArray(axis) || axis.length !== 2) throw invalid(call, `padding[${i}]`, axis, "[before, after]");
      return [count(call, `padding[${i}][0]`, axis[0], 0), count(call, `padding[${i}][1]`, axis[1], 0)];
    });
  }
  const sides = typeof padding === "string" ? padding : parsePadding(call, padding);
  if (typeof sides === "string")
    throw invalid(call, "padding", padding, "numbers: there is no window that could tell how much");
  if (shape.length !== 4) {
    const text = `has shape ${formatShape(shape)}; expected images of rank 4, or padding as [before, after] of each axis`;
    throw mismatch(call, "x", text);
  }
  const [top, left, bottom, right] = sides;
  const images: readonly AxisPad[] = [
    [top, bottom],
    [left, right],
  ];
  return order === "NHWC" ? [NONE, ...images, NONE] : [NONE, NONE, ...images];
}

/**
 * Options in the field's words, and the checks that every function makes of its arguments. A check that fails throws a
 * {@link LensletError} that names the function, the argument, the value that came and what is expected.
 */
import { LensletError } from "./errors.ts";

/** One number for rows and columns alike, or `[h, w]`. */
export type Pair = number | readonly [h: number, w: number];

/** Elements added at each side of an image; a side that is left out gets none. */
export interface Sides {
  readonly top?: number | undefined;
  readonly left?: number | undefined;
  readonly bottom?: number | undefined;
  readonly right?: number | undefined;
}

/**
 * What is added around an image before a window slides over it.
 *
 * - `"valid"`: nothing, so that windows stay inside: `out = floor((in - extent) / stride) + 1`.
 * - `"same"`: as much as makes `out = ceil(in / stride)`; an odd element goes to the end (TensorFlow's SAME, ONNX's
 *   SAME_UPPER).
 * - `"same-lower"`: the same, but an odd element goes to the start (ONNX's SAME_LOWER).
 * - a number: on all four sides; `[h, w]`: `h` above and below, `w` left and right; `{ top, left, bottom, right }`: each.
 */
export type Padding = "valid" | "same" | "same-lower" | Pair | Sides;

/** The order of an image batch's axes: `[n, h, w, c]`, as canvas pixels lie, or `[n, c, h, w]`, as in PyTorch and ONNX. */
export type Layout = "NHWC" | "NCHW";

/** Images of either layout; the one option of operators that need no other. */
export interface LayoutOption {
  /** The order of the axes of input and output. Default `"NHWC"`. */
  readonly layout?: Layout | undefined;
}

/** Windows, strides and pads above this are refused, by the core too: their sums then fit 32 bits. */
export const MAX_AXIS: number = 2 ** 28;

/** A value as an error message shows it: short, and telling `"2"` from `2`. */
export function show(value: unknown): string {
  if (typeof value === "string")
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 57))}...` : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) {
    const shown = value
      .slice(0, 8)
      .map((item: unknown) => (Array.isArray(item) ? `[${item.slice(0, 4).map(brief).join(", ")}]` : brief(item)));
    return `[${shown.join(", ")}${value.length > 8 ? `, ... ${value.length} values` : ""}]`;
  }
  const name = className(value);
  if ("shape" in value && Array.isArray(value.shape))
    return `${article(name === "Object" ? "value" : name)} of shape ${show(value.shape)}`;
  if (ArrayBuffer.isView(value) && "length" in value) return `${article(name)} of ${String(value.length)} elements`;
  if (name !== "Object") return article(name);
  const entries = Object.entries(value);
  const shown = entries.slice(0, 6).map(([key, item]) => `${key}: ${brief(item)}`);
  return shown.length === 0 ? "{}" : `{ ${shown.join(", ")}${entries.length > 6 ? ", ..." : ""} }`;
}

/** A value inside another. */
function brief(value: unknown): string {
  if (typeof value !== "object" || value === null) return show(value);
  return Array.isArray(value) ? "[...]" : className(value) === "Object" ? "{...}" : article(className(value));
}

function article(name: string): string {
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

function className(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === "function" && made.name !== "" ? made.name : "Object";
}

/** The error for a value that `argument` of `call` may not have: "conv2d: stride is 0; expected ...". */
export function invalid(call: string, argument: string, value: unknown, expected: string): LensletError {
  return new LensletError("invalid-argument", `${call}: ${argument} is ${show(value)}; expected ${expected}`, {
    argument,
  });
}

/** Throws unless `options` is an object that has none but the `known` keys: a misspelt option would silently do nothing. */
export function checkOptions(call: string, options: unknown, known: readonly string[], argument = "options"): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalid(call, argument, options, `an object with ${list(known)}`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const expected = known.length === 0 ? "no options" : list(known);
    const text = `${call}: ${argument} has the unknown key ${JSON.stringify(key)}; expected ${expected}`;
    throw new LensletError("invalid-argument", text, { argument: key });
  }
}

/** `a, b or c` */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

/** Whether `value` is a whole number of `min` to `max`. */
export function isCount(value: unknown, min: number, max: number = MAX_AXIS): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** A whole number of `min` to `max`. */
export function count(call: string, argument: string, value: unknown, min = 1, max: number = MAX_AXIS): number {
  if (isCount(value, min, max)) return value;
  throw invalid(call, argument, value, range(value, min, max));
}

/** A whole number of `min` to `max`, for both image axes or `[h, w]`. */
export function pair(call: string, argument: string, value: unknown, min = 1): readonly [number, number] {
  if (isCount(value, min)) return [value, value];
  if (Array.isArray(value) && value.length === 2) {
    const [h, w]: unknown[] = value;
    if (isCount(h, min) && isCount(w, min)) return [h, w];
  }
  throw invalid(call, argument, value, `${range(value, min, MAX_AXIS)} or [${argument}H, ${argument}W]`);
}

/** What is expected of a whole number in the place of `value`; the upper bound only where it matters. */
function range(value: unknown, min: number, max: number): string {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const beyond = parts.some((part) => typeof part === "number" && part > MAX_AXIS);
  if (beyond) return `an integer from ${min} to ${max}`;
  return min === 1 ? "a positive integer" : `an integer of ${min} or more`;
}

/** A number; `NaN` is none. Infinities pass unless `finite`. */
export function numeric(call: string, argument: string, value: unknown, expected = "a number", finite = false): number {
  if (typeof value === "number" && !Number.isNaN(value) && (!finite || Number.isFinite(value))) return value;
  throw invalid(call, argument, value, expected);
}

/** `true` or `false`: nothing else stands for them. */
export function flag(call: string, argument: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(call, argument, value, "true or false");
}

/** One of a few words. */
export function oneOf<T extends string | number>(
  call: string,
  argument: string,
  value: unknown,
  words: readonly T[],
): T {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw invalid(call, argument, value, list(words.map((word) => JSON.stringify(word))));
}

/** The `layout` option. */
export function parseLayout(call: string, value: unknown): Layout {
  return oneOf(call, "layout", value, LAYOUTS);
}

const LAYOUTS = ["NHWC", "NCHW"] as const;
const SIDES = ["top", "left", "bottom", "right"] as const;

/** Padding as numbers, or the word that makes the window's arithmetic find them. */
export type ParsedPadding = "same" | "same-lower" | readonly [top: number, left: number, bottom: number, right: number];

/** The `padding` option. */
export function parsePadding(call: string, value: unknown, argument = "padding"): ParsedPadding {
  if (value === "same" || value === "same-lower") return value;
  if (value === "valid") return [0, 0, 0, 0];
  if (isCount(value, 0)) return [value, value, value, value];
  if (Array.isArray(value) && value.length === 2) {
    const [h, w]: unknown[] = value;
    if (isCount(h, 0) && isCount(w, 0)) return [h, w, h, w];
  } else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    checkOptions(call, value, SIDES, argument);
    const sides: Readonly<Record<string, unknown>> = { ...value };
    const side = (name: string): number => {
      const size = sides[name];
      return size === undefined ? 0 : count(call, `${argument}.${name}`, size, 0);
    };
    return [side("top"), side("left"), side("bottom"), side("right")];
  }
  const expected = `"valid", "same", "same-lower", ${range(value, 0, MAX_AXIS)}, [h, w] or { top, left, bottom, right }`;
  throw invalid(call, argument, value, expected);
}

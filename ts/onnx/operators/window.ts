/** Attributes of windows that slide over the axes behind batch and channels. */
import type { AutoPad, WindowAttributes } from "../../model/attributes.ts";
import { malformed } from "../malformed.ts";
import type { OnnxNode } from "../node.ts";

const AUTO_PADS = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] as const satisfies readonly AutoPad[];

/** Strides, dilations and pads, with their defaults. `axes` is how many axes the window has, if that is known. */
export function windowOf(node: OnnxNode, axes: number | undefined): WindowAttributes {
  const { attributes } = node;
  const autoPad = attributes.oneOf("auto_pad", AUTO_PADS);
  const given = {
    strides: attributes.ints("strides"),
    dilations: attributes.ints("dilations"),
    pads: attributes.ints("pads"),
  };
  const count = axes ?? given.strides?.length ?? given.dilations?.length ?? (given.pads?.length ?? 4) / 2;
  const window = {
    strides: given.strides ?? ones(count),
    dilations: given.dilations ?? ones(count),
    // Where they are computed, what else the file says of them is without meaning.
    pads: autoPad === "NOTSET" && given.pads !== undefined ? given.pads : Array.from({ length: 2 * count }, () => 0),
    autoPad,
  };
  checkSizes(node, "strides", window.strides, count, 1);
  checkSizes(node, "dilations", window.dilations, count, 1);
  checkSizes(node, "pads", window.pads, 2 * count, 0);
  return window;
}

function ones(count: number): readonly number[] {
  return Array.from({ length: count }, () => 1);
}

/** Largest size along an axis that makes sense; the core checks its own. */
const MAX_SIZE = 2 ** 31;

/** Throws unless an attribute is `count` whole numbers of `min` or more. */
export function checkSizes(node: OnnxNode, name: string, sizes: readonly number[], count: number, min: number): void {
  if (sizes.length === count && sizes.every((size) => size >= min && size <= MAX_SIZE)) return;
  throw malformed(
    `${node.describe()} has ${name} [${sizes.slice(0, 16).join(", ")}]; expected ${count} of ${min} or more`,
  );
}

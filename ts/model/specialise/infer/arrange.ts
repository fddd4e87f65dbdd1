/** Types and shapes of what arranges elements, and computes none. */
import { formatShape, MAX_RANK } from "../../../shape.ts";
import type { Attributes } from "../../attributes.ts";
import type { Constant } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { broadcastShapes } from "../broadcast.ts";
import { readingCost } from "../lazy.ts";
import type { Operands } from "../operands.ts";
import { padGeometry, reshapedShape, sliceGeometry, splitSizes } from "../ranges.ts";
import { resizeGeometry } from "../resize.ts";
import type { Rules } from "./rule.ts";

type Arrange =
  | "Concat"
  | "Split"
  | "Slice"
  | "Pad"
  | "Reshape"
  | "Flatten"
  | "Squeeze"
  | "Unsqueeze"
  | "Transpose"
  | "Expand"
  | "Tile"
  | "Gather"
  | "Resize"
  | "DepthToSpace"
  | "SpaceToDepth";

function concat(at: Operands, attributes: Attributes["Concat"]): readonly KnownInfo[] {
  at.expectOneType();
  const { type, shape } = at.info(0);
  const axis = at.axis(attributes.axis, shape.length);
  let total = 0;
  for (let index = 0; index < at.count; index++) {
    const other = at.shape(index);
    const fits = other.length === shape.length && other.every((size, i) => i === axis || size === shape[i]);
    if (!fits) {
      const text = `${at.name(index)} has the shape ${formatShape(other)}, ${at.name(0)} ${formatShape(shape)}`;
      throw at.invalid(`${text}; they may differ along axis ${axis} alone`);
    }
    total += other[axis] ?? 0;
  }
  return [{ type, shape: shape.map((size, index) => (index === axis ? total : size)) }];
}

function split(at: Operands, attributes: Attributes["Split"]): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  const axis = at.axis(attributes.axis, shape.length);
  return splitSizes(at, axis).map((part) => ({
    type,
    shape: shape.map((size, index) => (index === axis ? part : size)),
  }));
}

function pad(at: Operands): readonly KnownInfo[] {
  if (at.has(2)) {
    if (at.type(2) !== at.type(0)) throw at.invalid(`value is ${at.type(2)} and x ${at.type(0)}; expected one type`);
    if (at.shape(2).some((size) => size !== 1)) throw at.invalid("value has several elements; expected one");
  }
  return [{ type: at.type(0), shape: padGeometry(at).output }];
}

function flatten(at: Operands, attributes: Attributes["Flatten"]): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  const axis = attributes.axis === shape.length ? shape.length : at.axis(attributes.axis, shape.length);
  const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
  return [{ type, shape: [count(shape.slice(0, axis)), count(shape.slice(axis))] }];
}

function squeeze(at: Operands): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  if (!at.has(1)) return [{ type, shape: shape.filter((size) => size !== 1) }];
  const axes = at.axes(at.integers(1), shape.length);
  const wide = axes.find((axis) => shape[axis] !== 1);
  if (wide !== undefined) throw at.invalid(`axis ${wide} of ${formatShape(shape)} has not the size 1`);
  return [{ type, shape: shape.filter((_, axis) => !axes.includes(axis)) }];
}

function unsqueeze(at: Operands): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  const given = at.integers(1);
  const rank = shape.length + given.length;
  if (rank > MAX_RANK) throw at.unsupported(`the output has ${rank} axes; expected at most ${MAX_RANK}`);
  const axes = at.axes(given, rank);
  const old = shape.values();
  const sizes = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : (old.next().value ?? 1)));
  return [{ type, shape: sizes }];
}

/** The order of axes that a `Transpose` gives. */
function transpose(at: Operands, { perm }: Attributes["Transpose"]): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  if (perm.length === 0) return [{ type, shape: shape.toReversed() }];
  if (perm.length !== shape.length || !shape.every((_, axis) => perm.includes(axis))) {
    throw at.invalid(`perm is ${formatShape(perm)}; expected each axis of ${formatShape(shape)} once`);
  }
  return [{ type, shape: perm.map((axis) => shape[axis] ?? 0) }];
}

function expand(at: Operands): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  const wanted = at.integers(1);
  const output = wanted.every((size) => size >= 0) ? broadcastShapes(shape, wanted) : undefined;
  if (output !== undefined) return [{ type, shape: output }];
  throw at.invalid(`x of shape ${formatShape(shape)} does not broadcast with ${formatShape(wanted)}`);
}

function tile(at: Operands): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  const repeats = at.integers(1);
  if (repeats.length !== shape.length || repeats.some((times) => times < 0)) {
    throw at.invalid(`repeats is ${formatShape(repeats)}; expected ${shape.length} integers of 0 or more`);
  }
  return [{ type, shape: shape.map((size, axis) => size * (repeats[axis] ?? 1)) }];
}

function gather(at: Operands, attributes: Attributes["Gather"]): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  at.expectType(1, "int64", "int32");
  const axis = at.axis(attributes.axis, shape.length);
  const size = shape[axis] ?? 0;
  const indices = at.constant(1);
  // Those that are computed at each reading are checked by whoever reads them.
  if (indices !== undefined && readingCost(indices) === 0) checkIndices(at, indices, axis, size);
  return [{ type, shape: [...shape.slice(0, axis), ...at.shape(1), ...shape.slice(axis + 1)] }];
}

/** Throws unless all indices lie within an axis of `size` elements; negative ones count from the end. */
export function checkIndices(at: Operands, { data }: Constant, axis: number, size: number): void {
  for (let i = 0; i < data.length; i++) {
    const index = data[i] ?? 0;
    if (index >= -size && index < size) continue;
    throw at.invalid(`index ${index} is out of range for axis ${axis} of ${size} elements`);
  }
}

function expectBlock(at: Operands, blocksize: number): readonly [n: number, c: number, h: number, w: number] {
  at.expectRank(0, 4, 4, "[n, c, h, w]");
  if (!Number.isInteger(blocksize) || blocksize < 1) {
    throw at.invalid(`blocksize is ${blocksize}; expected a positive integer`);
  }
  const [n = 0, c = 0, h = 0, w = 0] = at.shape(0);
  return [n, c, h, w];
}

function depthToSpace(at: Operands, { blocksize: b }: Attributes["DepthToSpace"]): readonly KnownInfo[] {
  const [n, c, h, w] = expectBlock(at, b);
  if (c % (b * b) !== 0) throw at.invalid(`${c} channels are no multiple of blocksize² = ${b * b}`);
  return [{ type: at.type(0), shape: [n, c / (b * b), h * b, w * b] }];
}

function spaceToDepth(at: Operands, { blocksize: b }: Attributes["SpaceToDepth"]): readonly KnownInfo[] {
  const [n, c, h, w] = expectBlock(at, b);
  if (h % b !== 0 || w % b !== 0)
    throw at.invalid(`rows and columns, ${h} and ${w}, are no multiples of blocksize ${b}`);
  return [{ type: at.type(0), shape: [n, c * b * b, h / b, w / b] }];
}

/** Rules of what arranges elements. */
export const arrange: Rules<Arrange> = {
  Concat: concat,
  Split: split,
  Slice: (at) => [{ type: at.type(0), shape: sliceGeometry(at).output }],
  Pad: pad,
  Reshape: (at, { allowzero }) => [{ type: at.type(0), shape: reshapedShape(at, allowzero) }],
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  Resize: (at, attributes) => [{ type: at.type(0), shape: resizeGeometry(at, attributes).output }],
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

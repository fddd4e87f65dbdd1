/** Evaluates what arranges elements. */
import { elementCount } from "../../../shape.ts";
import type { Attributes } from "../../attributes.ts";
import type { Constant } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { broadcastStrides, stridesOf } from "../broadcast.ts";
import { checkIndices } from "../infer/arrange.ts";
import type { Operands } from "../operands.ts";
import { padGeometry, sliceGeometry } from "../ranges.ts";
import { type Evaluators, only, zeros } from "./evaluator.ts";
import { copyStrided } from "./walk.ts";

type Arrange =
  | "Concat"
  | "Split"
  | "Slice"
  | "Pad"
  | "Transpose"
  | "Expand"
  | "Tile"
  | "Gather"
  | "DepthToSpace"
  | "SpaceToDepth";

/** A new tensor of elements of `source`, read by strides from an offset on. */
function read(info: KnownInfo, source: Constant, strides: readonly number[], offset = 0): readonly [Constant] {
  const result = zeros(info);
  copyStrided(info.shape, source.data, strides, offset, result.data, stridesOf(info.shape));
  return [result];
}

function concat(at: Operands, attributes: Attributes["Concat"], outputs: readonly KnownInfo[]): readonly Constant[] {
  const result = zeros(only(outputs));
  const axis = at.axis(attributes.axis, result.shape.length);
  const strides = stridesOf(result.shape);
  let done = 0;
  for (let index = 0; index < at.count; index++) {
    const { shape, data } = at.known(index);
    copyStrided(shape, data, stridesOf(shape), 0, result.data, strides, done * (strides[axis] ?? 0));
    done += shape[axis] ?? 0;
  }
  return [result];
}

function split(at: Operands, attributes: Attributes["Split"], outputs: readonly KnownInfo[]): readonly Constant[] {
  const source = at.known(0);
  const axis = at.axis(attributes.axis, source.shape.length);
  const strides = stridesOf(source.shape);
  let done = 0;
  return outputs.map((info) => {
    const [part] = read(info, source, strides, done * (strides[axis] ?? 0));
    done += info.shape[axis] ?? 0;
    return part;
  });
}

function slice(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const source = at.known(0);
  const { starts, steps } = sliceGeometry(at);
  const strides = stridesOf(source.shape);
  const offset = strides.reduce((sum, stride, axis) => sum + stride * (starts[axis] ?? 0), 0);
  const stepped = strides.map((stride, axis) => stride * (steps[axis] ?? 1));
  return read(only(outputs), source, stepped, offset);
}

function transpose(
  at: Operands,
  { perm }: Attributes["Transpose"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const source = at.known(0);
  const strides = stridesOf(source.shape);
  const moved = perm.length === 0 ? strides.toReversed() : perm.map((axis) => strides[axis] ?? 0);
  return read(only(outputs), source, moved);
}

function expand(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const source = at.known(0);
  return read(only(outputs), source, broadcastStrides(source.shape, only(outputs).shape));
}

function tile(at: Operands, _: unknown, outputs: readonly KnownInfo[]): readonly Constant[] {
  const source = at.known(0);
  const info = only(outputs);
  const result = zeros(info);
  const strides = stridesOf(source.shape);
  // Each axis becomes two: which repetition, and where in it.
  const repeats = source.shape.map((size, axis) => (size === 0 ? 0 : (info.shape[axis] ?? 0) / size));
  const shape = source.shape.flatMap((size, axis) => [repeats[axis] ?? 0, size]);
  const repeated = strides.flatMap((stride) => [0, stride]);
  copyStrided(shape, source.data, repeated, 0, result.data, stridesOf(shape));
  return [result];
}

function gather(at: Operands, attributes: Attributes["Gather"], outputs: readonly KnownInfo[]): readonly Constant[] {
  const { shape, data } = at.known(0);
  const picked = at.known(1);
  const { data: indices } = picked;
  const result = zeros(only(outputs));
  const axis = at.axis(attributes.axis, shape.length);
  const size = shape[axis] ?? 0;
  checkIndices(at, { ...picked, data: indices } as Constant, axis, size);
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  let to = 0;
  for (let row = 0; row < outer; row++) {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] ?? 0;
      const from = (row * size + (index < 0 ? index + size : index)) * inner;
      for (let k = 0; k < inner; k++) result.data[to + k] = data[from + k] ?? 0;
      to += inner;
    }
  }
  return [result];
}

function pad(at: Operands, { mode }: Attributes["Pad"], outputs: readonly KnownInfo[]): readonly Constant[] {
  const source = at.known(0);
  const info = only(outputs);
  const result = zeros(info);
  const { before, after } = padGeometry(at);
  const [value = 0] = at.constant(2)?.data ?? [];
  if (mode === "constant" && value !== 0) result.data.fill(value);
  const [from, to] = [stridesOf(source.shape), stridesOf(info.shape)];
  // What is taken away goes first: what is added mirrors or repeats the rest.
  const cut = before.map((size) => Math.max(-size, 0));
  const kept = source.shape.map((size, axis) => size - (cut[axis] ?? 0) - Math.max(-(after[axis] ?? 0), 0));
  if (kept.some((size) => size <= 0)) {
    if (mode !== "constant") throw at.invalid(`mode ${JSON.stringify(mode)} has no elements to repeat`);
    return [result];
  }
  const sourceOffset = dot(from, cut);
  const targetOffset = dot(
    to,
    before.map((size) => Math.max(size, 0)),
  );
  copyStrided(kept, source.data, from, sourceOffset, result.data, to, targetOffset);
  if (mode === "constant") return [result];
  // Axis by axis, from the inner ones out, all places of the axes before being the source's own.
  for (let axis = kept.length - 1; axis >= 0; axis--) {
    const begin = Math.max(before[axis] ?? 0, 0);
    const size = kept[axis] ?? 1;
    const slab = info.shape.map((whole, i) => (i > axis ? whole : i === axis ? 1 : (kept[i] ?? 1)));
    const base = dot(
      to,
      before.map((added, i) => (i < axis ? Math.max(added, 0) : 0)),
    );
    for (let place = 0; place < (info.shape[axis] ?? 0); place++) {
      const origin = begin + repeated(mode, place - begin, size);
      if (origin === place) continue;
      const stride = to[axis] ?? 0;
      copyStrided(slab, result.data, to, base + origin * stride, result.data, to, base + place * stride);
    }
  }
  return [result];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

/** Where in an axis of `size` the element comes from that `place`, which may be outside, shows. */
function repeated(mode: "reflect" | "edge" | "wrap", place: number, size: number): number {
  if (mode === "edge") return Math.min(Math.max(place, 0), size - 1);
  const period = mode === "wrap" ? size : Math.max(2 * size - 2, 1);
  const phase = ((place % period) + period) % period;
  return phase < size ? phase : period - phase;
}

function depthToSpace(
  at: Operands,
  { blocksize: b, mode }: Attributes["DepthToSpace"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const source = at.known(0);
  const info = only(outputs);
  const [n = 0, depth = 0, h = 0, w = 0] = source.shape;
  const c = depth / (b * b);
  const plane = h * w;
  // Distances of block row, block column and channel within the depth.
  const [rowStep, columnStep, channelStep] = mode === "DCR" ? [b * c, c, 1] : [b, 1, b * b];
  const shape = [n, c, h, b, w, b];
  const strides = [depth * plane, channelStep * plane, w, rowStep * plane, 1, columnStep * plane];
  const result = zeros(info);
  copyStrided(shape, source.data, strides, 0, result.data, stridesOf(shape));
  return [result];
}

function spaceToDepth(
  at: Operands,
  { blocksize: b }: Attributes["SpaceToDepth"],
  outputs: readonly KnownInfo[],
): readonly Constant[] {
  const source = at.known(0);
  const info = only(outputs);
  const [n = 0, c = 0, h = 0, w = 0] = source.shape;
  const shape = [n, b, b, c, h / b, w / b];
  const strides = [c * h * w, w, 1, h * w, b * w, b];
  const result = zeros(info);
  copyStrided(shape, source.data, strides, 0, result.data, stridesOf(shape));
  return [result];
}

/** Evaluators of what arranges elements. */
export const arrange: Evaluators<Arrange> = {
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

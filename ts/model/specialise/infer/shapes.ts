/** Types and shapes of arithmetic on shapes, of what makes tensors from it, and of operators of their own kind. */
import { formatShape } from "../../../shape.ts";
import type { Attributes } from "../../attributes.ts";
import type { KnownInfo } from "../../graph.ts";
import type { Operands } from "../operands.ts";
import type { Rules } from "./rule.ts";

type Shapes = "Shape" | "Size" | "ConstantOfShape" | "Range" | "DequantizeLinear" | "NonMaxSuppression";

/** The sizes that a `Shape` gives. */
export function shapePart(shape: readonly number[], { start, end }: Attributes["Shape"]): readonly number[] {
  // Array's slice counts from the end and clamps as ONNX does.
  return shape.slice(start, end);
}

function constantOfShape(at: Operands, { type, value }: Attributes["ConstantOfShape"]): readonly KnownInfo[] {
  const fits = type === "float32" || (type === "bool" ? value === 0 || value === 1 : Number.isInteger(value));
  if (!fits) throw at.invalid(`value is ${value}, which is no ${type}`);
  const shape = at.integers(0);
  if (shape.every((size) => size >= 0)) return [{ type, shape }];
  throw at.invalid(`shape is ${formatShape(shape)}; expected sizes of 0 or more`);
}

function range(at: Operands): readonly KnownInfo[] {
  at.expectOneType();
  const [start, limit, delta] = [at.number(0), at.number(1), at.number(2)];
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  if (Number.isFinite(count)) return [{ type: at.type(0), shape: [count] }];
  throw at.invalid(`a range from ${start} to ${limit} in steps of ${delta} has no end`);
}

function dequantizeLinear(at: Operands, attributes: Attributes["DequantizeLinear"]): readonly KnownInfo[] {
  at.expectType(0, "int8", "uint8", "int32");
  at.expectType(1, "float32");
  if (at.has(2)) {
    at.expectType(2, at.type(0));
    at.expectShape(2, at.shape(1), "scale's");
  }
  dequantizationBlocks(at, attributes);
  return [{ type: "float32", shape: at.shape(0) }];
}

/** How scales lie over `x`, seen as `[outer, size, inner]`: scale `[o, floor(i / block), n]`, or one for all. */
export interface DequantizationBlocks {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  /** Elements of the axis that share a scale. */
  readonly block: number;
  /** Whether a scale serves all of `outer` and `inner`. */
  readonly shared: boolean;
}

/** Per tensor, per axis or in blocks: which scale a `DequantizeLinear` takes for which element. */
export function dequantizationBlocks(
  at: Operands,
  { axis: given, blockSize }: Attributes["DequantizeLinear"],
): DequantizationBlocks {
  const [shape, scale] = [at.shape(0), at.shape(1)];
  const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 1 && blockSize === 0)) {
    return { outer: 1, size: 1, inner: count(shape), block: 1, shared: true };
  }
  const axis = at.axis(given, shape.length);
  const size = shape[axis] ?? 0;
  const parts = { outer: count(shape.slice(0, axis)), size, inner: count(shape.slice(axis + 1)) };
  if (blockSize === 0) {
    at.expectShape(1, [size], `one for each element of axis ${axis} of x`);
    return { ...parts, block: 1, shared: true };
  }
  if (!Number.isInteger(blockSize) || blockSize < 0) {
    throw at.invalid(`blockSize is ${blockSize}; expected an integer of 0 or more`);
  }
  const blocks = shape.map((value, index) => (index === axis ? Math.ceil(size / blockSize) : value));
  at.expectShape(1, blocks, `one for each block of ${blockSize} along axis ${axis}`);
  return { ...parts, block: blockSize, shared: false };
}

/** `selected` has room for as many boxes as may be selected; `count` is how many there are. */
function nonMaxSuppression(at: Operands): readonly KnownInfo[] {
  at.expectRank(0, 3, 3, "[batch, boxes, 4]");
  at.expectRank(1, 3, 3, "[batch, classes, boxes]");
  const [n = 0, boxes = 0, four = 0] = at.shape(0);
  const [scoresN = 0, classes = 0, scored = 0] = at.shape(1);
  if (four !== 4 || scoresN !== n || scored !== boxes) {
    const text = `boxes ${formatShape(at.shape(0))} and scores ${formatShape(at.shape(1))} do not agree`;
    throw at.invalid(`${text}; expected [batch, boxes, 4] and [batch, classes, boxes]`);
  }
  // None by default; and all may be, where the limit is known only when the network runs.
  const known = at.constant(2) !== undefined;
  const limit = known ? at.number(2) : at.has(2) ? boxes : 0;
  const capacity = n * classes * Math.min(Math.max(limit, 0), boxes);
  return [
    { type: "int64", shape: [capacity, 3] },
    { type: "int64", shape: [1] },
  ];
}

/** Rules of arithmetic on shapes and of operators of their own kind. */
export const shapes: Rules<Shapes> = {
  Shape: (at, attributes) => [{ type: "int64", shape: [shapePart(at.shape(0), attributes).length] }],
  Size: (at) => {
    at.info(0);
    return [{ type: "int64", shape: [] }];
  },
  ConstantOfShape: constantOfShape,
  Range: range,
  DequantizeLinear: dequantizeLinear,
  NonMaxSuppression: nonMaxSuppression,
};

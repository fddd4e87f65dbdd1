/** Types and shapes of what runs along axes: softmax, reductions, the largest elements. */
import type { ArgAttributes, Attributes, ReduceAttributes } from "../../attributes.ts";
import type { KnownInfo } from "../../graph.ts";
import type { Operands } from "../operands.ts";
import { reducedAxes, reducedShape } from "../ranges.ts";
import { NUMBERS } from "./elementwise.ts";
import type { Rules } from "./rule.ts";

type Along =
  | "Softmax"
  | "LogSoftmax"
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceProd"
  | "ReduceSumSquare"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceLogSum"
  | "ReduceLogSumExp"
  | "ArgMax"
  | "ArgMin"
  | "TopK";

function softmax(at: Operands, { axis, flatten }: Attributes["Softmax"]): readonly KnownInfo[] {
  at.expectType(0, "float32");
  const rank = at.shape(0).length;
  // Flattened, an axis behind the last leaves rows of one element.
  if (!(flatten && axis === rank)) at.axis(axis, rank);
  return [at.info(0)];
}

function reduce(at: Operands, attributes: ReduceAttributes): readonly KnownInfo[] {
  at.expectType(0, ...NUMBERS);
  return extreme(at, attributes);
}

/** The largest of truths is whether any is true. */
function extreme(at: Operands, attributes: ReduceAttributes): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  return [{ type, shape: reducedShape(shape, reducedAxes(at, attributes), attributes.keepdims) }];
}

function arg(at: Operands, { axis, keepdims }: ArgAttributes): readonly KnownInfo[] {
  const shape = at.shape(0);
  const along = at.axis(axis, shape.length);
  if (shape[along] === 0) throw at.empty(`axis ${along} has no elements`);
  const reduced = shape.map((_, index) => index === along);
  return [{ type: "int64", shape: reducedShape(shape, reduced, keepdims) }];
}

function topK(at: Operands, { axis }: Attributes["TopK"]): readonly KnownInfo[] {
  const { type, shape } = at.info(0);
  const along = at.axis(axis, shape.length);
  const size = shape[along] ?? 0;
  at.expectType(1, "int64", "int32");
  const k = at.number(1);
  if (k < 0 || k > size) throw at.invalid(`k is ${k}; expected 0 to ${size}, the elements of axis ${along}`);
  const output = shape.map((value, index) => (index === along ? k : value));
  return [
    { type, shape: output },
    { type: "int64", shape: output },
  ];
}

/** Rules of what runs along axes. */
export const along: Rules<Along> = {
  Softmax: softmax,
  LogSoftmax: softmax,
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceProd: reduce,
  ReduceSumSquare: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ArgMax: arg,
  ArgMin: arg,
  TopK: topK,
};

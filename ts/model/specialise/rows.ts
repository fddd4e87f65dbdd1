/** Values of which only so many rows count as turn up while the network runs: what NonMaxSuppression selects. */
import type { KnownInfo, ValueName } from "../graph.ts";
import { elementwiseOps } from "./infer/elementwise.ts";
import type { Operands } from "./operands.ts";
import { reducedAxes, sliceGeometry } from "./ranges.ts";

/**
 * Tells the outputs of a node whose rows they have, of those of its inputs. Operators that treat each row by itself are
 * such; any other would need the rows' number, and throws `model-unsupported`. In rows that do not count there may be any
 * numbers.
 */
export function checkRows(at: Operands, infos: readonly KnownInfo[]): readonly KnownInfo[] {
  const { node } = at;
  if (node.op === "NonMaxSuppression") {
    const [selected, count] = infos;
    const rows = node.outputs[1];
    return selected === undefined || count === undefined || rows === undefined ? infos : [{ ...selected, rows }, count];
  }
  let first: number | undefined;
  for (let index = 0; index < at.count && first === undefined; index++) {
    if (rowsOf(at, index) !== undefined) first = index;
  }
  if (first === undefined) return infos;
  const rows = rowsOf(at, first);
  if (rows !== undefined && infos.every((info) => keepsRows(at, rows, info.shape))) {
    return infos.map(({ type, shape }) => ({ type, shape, rows }));
  }
  const name = node.inputs[first] ?? "";
  const text = `${at.name(first)} (${JSON.stringify(name)}) has as many rows as NonMaxSuppression selects boxes`;
  throw at.unsupported(`${text}, which is known only when the network runs, and the operator does not keep them apart`);
}

function rowsOf(at: Operands, index: number): ValueName | undefined {
  return at.has(index) ? at.info(index).rows : undefined;
}

/** Whether each row of an output of this shape comes of the same row of every input that has `rows`. */
function keepsRows(at: Operands, rows: ValueName, output: readonly number[]): boolean {
  const { node } = at;
  const input = at.shape(0);
  const capacity = input[0];
  const others = at.node.inputs.slice(1).every((_, index) => rowsOf(at, index + 1) === undefined);
  if (elementwiseOps.has(node.op)) return broadcastsRows(at, rows, output);
  switch (node.op) {
    case "Concat":
      return (
        at.axis(node.attributes.axis, input.length) > 0 && node.inputs.every((_, index) => rowsOf(at, index) === rows)
      );
    case "Gather": {
      const axis = at.axis(node.attributes.axis, input.length);
      return rowsOf(at, 0) === undefined ? axis === 0 : axis > 0 && others;
    }
    case "Slice":
      return others && output[0] === capacity && sliceGeometry(at).steps[0] === 1;
    case "Squeeze":
      return at.has(1) && !at.axes(at.integers(1), input.length).includes(0);
    case "Unsqueeze":
      return !at.axes(at.integers(1), output.length).includes(0);
    case "Reshape":
      // 0 keeps the size, -1 is what is left: a number would be one that the rows happen not to have.
      return others && output[0] === capacity && (at.integers(1)[0] ?? 1) <= 0;
    case "Flatten":
      return at.axis(node.attributes.axis, input.length + 1) === 1;
    case "Transpose":
      return node.attributes.perm[0] === 0;
    case "Split":
      return others && at.axis(node.attributes.axis, input.length) > 0;
    case "ReduceSum":
    case "ReduceMean":
    case "ReduceMax":
    case "ReduceMin":
      return others && reducedAxes(at, node.attributes)[0] === false;
    case "ArgMax":
    case "ArgMin":
      return at.axis(node.attributes.axis, input.length) > 0;
    default:
      return false;
  }
}

/** Whether all operands either have `rows` or repeat along them. */
function broadcastsRows(at: Operands, rows: ValueName, output: readonly number[]): boolean {
  return at.node.inputs.every((name, index) => {
    if (name === undefined) return true;
    const shape = at.shape(index);
    const full = shape.length === output.length;
    return rowsOf(at, index) === rows ? full && shape[0] === output[0] : !full || shape[0] === 1;
  });
}

/** Products of matrices that are both computed; `dense` is for weights. */
import { formatShape } from "../shape.ts";
import type { Operand } from "../tensor.ts";
import { broadcast } from "./elementwise.ts";
import { mismatch, operandInput, output, type Plan } from "./plan.ts";

/** `[..., m, k]` times `[..., k, n]`. */
export function matmul(call: string, a: Operand, b: Operand): Plan {
  const [left, right] = [operandInput(call, "a", a), operandInput(call, "b", b)];
  for (const { argument, shape } of [left, right]) {
    if (shape.length >= 2) continue;
    const text = `has shape ${formatShape(shape)}; expected at least two axes; reshape makes a vector a row or a column`;
    throw mismatch(call, argument, text);
  }
  const [m = 1, k = 1] = left.shape.slice(-2);
  const [rows = 1, n = 1] = right.shape.slice(-2);
  if (rows !== k) {
    const text = `has shape ${formatShape(right.shape)}; expected [..., ${k}, n] for a of shape ${formatShape(left.shape)}`;
    throw mismatch(call, "b", text);
  }
  const batches = [left.shape.slice(0, -2), right.shape.slice(0, -2)] as const;
  const batch = broadcast(call, ...batches);
  const words = batches.flatMap((each) => [...Array<number>(batch.length - each.length).fill(1), ...each]);
  return {
    call,
    op: "matmul",
    inputs: [left, right],
    outputs: [output(call, [...batch, m, n])],
    words: [m, k, n, batch.length, ...words],
  };
}

/** Dense layers: matrix multiplication with bias and activation. */
import { checkOptions, flag } from "../options.ts";
import { formatShape } from "../shape.ts";
import type { Operand, Tensor, VectorOperand } from "../tensor.ts";
import { type Activation, activationWords } from "./activation.ts";
import { mismatch, operandInput, output, type Plan, tensorInput, vectorInput } from "./plan.ts";

/** Options of `dense`. */
export interface DenseOptions {
  /** Added to each output feature: shape `[n]`. Default none. */
  readonly bias?: VectorOperand | undefined;
  /** Applied to the result, at no further cost. Default `"identity"`. */
  readonly activation?: Activation | undefined;
  /** Whether the weights are `[n, k]`, as PyTorch's Linear has them. Default false: `[k, n]`. */
  readonly transposed?: boolean | undefined;
}

/** `x · weights + bias` over the last axis of x. */
export function dense(call: string, x: Tensor, weights: Operand, options: DenseOptions = {}): Plan {
  checkOptions(call, options, ["bias", "activation", "transposed"]);
  const transposed = flag(call, "transposed", options.transposed ?? false);
  const input = tensorInput(call, "x", x);
  const k = input.shape.at(-1);
  if (k === undefined) throw mismatch(call, "x", "is a scalar; expected shape [..., k]");
  const matrix = operandInput(call, "weights", weights);
  const [rows = 1, columns = 1] = matrix.shape;
  const [inner, n] = transposed ? [columns, rows] : [rows, columns];
  if (matrix.shape.length !== 2 || inner !== k) {
    const expected = transposed ? `[n, ${k}]` : `[${k}, n]`;
    const turned =
      matrix.shape.length === 2 && n === k ? `; transposed: ${!transposed} reads it the other way round` : "";
    const text = `has shape ${formatShape(matrix.shape)}; expected ${expected} for x of shape ${formatShape(input.shape)}${turned}`;
    throw mismatch(call, "weights", text);
  }
  const m = input.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return {
    call,
    op: "dense",
    inputs: [input, matrix, vectorInput(call, "bias", options.bias, n, "output features")],
    outputs: [output(call, [...input.shape.slice(0, -1), n])],
    words: [m, k, n, transposed ? 1 : 0, ...activationWords(call, options.activation ?? "identity")],
  };
}

/** A sample of ONNX's test cases, one for each operator, as it travels to a browser. */
import { decodeModel } from "../../onnx/decode.ts";
import { inapplicable } from "./applicable.ts";
import { casesIn } from "./case.ts";

/** A case with its files in base64. */
export interface PackedCase {
  readonly name: string;
  readonly model: string;
  readonly sets: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
}

/** Larger cases would show the same, later. */
const MOST_BYTES = 100_000;

/** The first case, by name, of each operator that a case is about. */
export function sample(folder: string): readonly PackedCase[] {
  const byOperator = new Map<string, PackedCase>();
  for (const { name, model, sets } of casesIn(folder)) {
    const bytes = model();
    const operators = decodeModel(bytes).graph?.node.map(({ opType }) => opType) ?? [];
    const [operator] = operators;
    if (operator === undefined || operators.length > 1 || byOperator.has(operator)) continue;
    if (bytes.byteLength > MOST_BYTES || inapplicable(bytes) !== undefined) continue;
    const packed = sets().map(({ inputs, outputs }) => ({ inputs: inputs.map(base64), outputs: outputs.map(base64) }));
    byOperator.set(operator, { name, model: base64(bytes), sets: packed });
  }
  return [...byOperator.values()];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

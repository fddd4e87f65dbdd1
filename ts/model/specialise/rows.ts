/** Values of which only so many rows count as turn up while the network runs: what NonMaxSuppression selects. */
import type { KnownInfo } from "../graph.ts";
import { elementwiseOps } from "./infer/elementwise.ts";
import type { Operands } from "./operands.ts";

/**
 * Tells the outputs of a node whose rows they have. An operator of single elements keeps the rows of its one input that has
 * some; any other would need their number.
 */
export function checkRows(at: Operands, infos: readonly KnownInfo[]): readonly KnownInfo[] {
  const { node } = at;
  if (node.op === "NonMaxSuppression") {
    const [selected, count] = infos;
    const rows = node.outputs[1];
    return selected === undefined || count === undefined || rows === undefined ? infos : [{ ...selected, rows }, count];
  }
  let rows: string | undefined;
  for (let index = 0; index < at.count; index++) {
    const own = at.has(index) ? at.info(index).rows : undefined;
    if (own === undefined) continue;
    if (elementwiseOps.has(node.op) && at.count === 1) {
      rows = own;
      continue;
    }
    const name = node.inputs[index] ?? "";
    const text = `${at.name(index)} (${JSON.stringify(name)}) has as many rows as NonMaxSuppression selects boxes`;
    throw at.unsupported(`${text}, which is known only when the network runs; only an output may have that`);
  }
  return rows === undefined ? infos : infos.map((info) => ({ ...info, rows }));
}

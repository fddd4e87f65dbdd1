/** Outputs of which only so many rows count as turned up: NonMaxSuppression's. */
import { output } from "../ops/plan.ts";
import type { Store } from "../store.ts";
import type { DType, Tensor } from "../tensor.ts";
import type { KnownGraph, ValueName } from "./graph.ts";

/** Cuts outputs to the rows that count; how many do is an output too. */
export async function trimRows<D extends DType>(
  store: Store,
  graph: KnownGraph,
  outputs: Map<ValueName, Tensor<D>>,
): Promise<void> {
  for (const [name, tensor] of outputs) {
    const rows = graph.infos.get(name)?.rows;
    const counter = rows === undefined ? undefined : outputs.get(rows);
    if (counter === undefined) continue;
    const [count = 0] = await counter.data();
    outputs.set(name, firstRows(store, tensor, count));
  }
}

/** The first rows of a tensor, which is disposed of. */
function firstRows<D extends DType>(store: Store, tensor: Tensor<D>, count: number): Tensor<D> {
  const { shape, dtype } = tensor;
  const kept = Object.freeze([count, ...shape.slice(1)]);
  if (count === 0) {
    tensor.dispose();
    return store.empty(kept, dtype);
  }
  const words = [shape.length, ...shape, ...shape.map(() => 0), ...shape.map(() => 1), ...kept];
  const plan = {
    call: "run",
    op: "slice",
    // Bits move as they are, whatever they mean.
    inputs: [{ argument: "rows", shape, value: tensor as Tensor }],
    outputs: [output("run", kept, dtype)],
    words,
  } as const;
  const [cut] = store.run(plan);
  tensor.dispose();
  return cut as Tensor<D>;
}

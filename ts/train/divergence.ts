/** The error of a training whose loss or gradients left the numbers. */
import { LensletError } from "../errors.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import { show } from "../options.ts";

/** What is known of a step that changed nothing, since its loss or gradient is no finite number. */
export interface Divergence {
  readonly call: string;
  readonly graph: Graph;
  /** The step, the first being 1, and where in the training it is. */
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
  readonly loss: number;
  readonly parameters: readonly { readonly name: ValueName }[];
  /** Lengths of the gradients of these steps: of all, then of each parameter. */
  readonly norms: Float32Array;
  /** Those of the step before. */
  readonly before: Float32Array | undefined;
  readonly learningRate: number;
  readonly clipNorm: number | undefined;
  /** By the names of the network's inputs. */
  readonly inputs: ReadonlyMap<ValueName, Float32Array>;
  readonly targets: Float32Array;
}

/** An error that names the step, the layer with the largest gradient, and what helps. */
export function divergence(found: Divergence): LensletError {
  const { call, step, epoch, batch, loss, norms } = found;
  const what = Number.isFinite(loss) ? `the gradient is ${norms[0] ?? Number.NaN}` : `the loss is ${loss}`;
  const text = `${call}: ${what} at step ${step} (epoch ${epoch}, batch ${batch}), and the model is as it was before it; ${largest(found)}; ${remedy(found)}`;
  return new LensletError("training-diverged", text);
}

/** Names the layer whose gradient is largest; where all of them are NaN, of the step before. */
function largest({ graph, parameters, norms, before, step }: Divergence): string {
  const own = placeOfLargest(norms);
  const from = own === undefined ? before : norms;
  const place = own ?? (before === undefined ? undefined : placeOfLargest(before));
  const name = place === undefined ? undefined : parameters[place - 1]?.name;
  if (name === undefined || place === undefined) return "all gradients are NaN";
  const node = graph.nodes.find(({ inputs }) => inputs.includes(name));
  const layer = node === undefined ? "" : `, of ${show(node.name)} (${node.op})`;
  const when = own === undefined ? ` at step ${step - 1}` : "";
  return `the largest gradient${when} was that of ${show(name)}${layer}, with a norm of ${(from?.[place] ?? 0).toPrecision(3)}`;
}

/** Where the largest number is, from the second on; NaN is none. */
function placeOfLargest(norms: Float32Array): number | undefined {
  let place: number | undefined;
  for (let i = 1; i < norms.length; i++) {
    const norm = norms[i] ?? Number.NaN;
    if (!Number.isNaN(norm) && (place === undefined || norm > (norms[place] ?? 0))) place = i;
  }
  return place;
}

function remedy({ inputs, targets, learningRate, clipNorm }: Divergence): string {
  const given = Array.from(inputs, ([name, values]) => [inputs.size === 1 ? "x" : `x.${name}`, values] as const);
  for (const [name, values] of [...given, ["y", targets] as const]) {
    const wrong = values.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) return `${name} has ${wrong} in this batch: expected finite numbers`;
  }
  const clip = clipNorm === undefined ? ", or shorten gradients by clipNorm: 1" : ` or a clipNorm below ${clipNorm}`;
  return `try a learning rate below ${Number(learningRate.toPrecision(3))}${clip}, and see that inputs are scaled to about -1 to 1`;
}

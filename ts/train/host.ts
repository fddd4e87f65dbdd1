/** What training sees of a model, and a model of training: neither knows how the other works. */
import type { Engine } from "../engine.ts";
import type { Constant } from "../model/constant.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import type { NdArray } from "../tensor.ts";

/** A model that can be trained. */
export interface TrainingHost {
  readonly engine: Engine;
  /** The network, with the weights that it has now. */
  readonly graph: Graph;
  /** Throws once the model or its engine was disposed of. */
  checkOpen(call: string): void;
  /** Gives the model other weights, by the names of its constants. */
  setWeights(weights: ReadonlyMap<ValueName, Constant>): void;
  /** Computes one value of the network for its inputs. */
  compute(
    call: string,
    inputs: Readonly<Record<ValueName, NdArray>>,
    value: ValueName,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array<ArrayBuffer>>;
}

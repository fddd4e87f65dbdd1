/** Inputs and outputs of a case as constants, by the names that the graph has for them. */
import type { Constant } from "../../model/constant.ts";
import type { Graph, ValueName } from "../../model/graph.ts";
import { decodeTensor } from "../../onnx/decode.ts";
import { constantOf } from "../../onnx/tensor.ts";
import type { DataSet } from "./case.ts";

/** What a graph is given, and what it is to give. */
export interface Expectation {
  readonly inputs: ReadonlyMap<ValueName, Constant>;
  readonly outputs: ReadonlyMap<ValueName, Constant>;
}

/** The tensors of one set. */
export function expectation(graph: Graph, { inputs, outputs }: DataSet): Expectation {
  return { inputs: named([...graph.inputs.keys()], inputs), outputs: named(graph.outputs, outputs) };
}

function named(names: readonly ValueName[], files: readonly Uint8Array[]): ReadonlyMap<ValueName, Constant> {
  if (names.length !== files.length) throw new Error(`${files.length} files for ${names.join(", ")}`);
  return new Map(names.map((name, index) => [name, tensorOf(files[index] ?? new Uint8Array())]));
}

function tensorOf(bytes: Uint8Array): Constant {
  const constant = constantOf(decodeTensor(bytes), { external: new Map(), movable: false });
  if (typeof constant === "string") throw new Error(`a tensor of type ${constant}`);
  return constant;
}

/** The graph with some of its inputs as constants. */
export function bound(graph: Graph, inputs: ReadonlyMap<ValueName, Constant>): Graph {
  const rest = new Map([...graph.inputs].filter(([name]) => !inputs.has(name)));
  return { ...graph, inputs: rest, constants: new Map([...graph.constants, ...inputs]) };
}

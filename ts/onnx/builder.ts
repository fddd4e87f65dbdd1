/** A graph while nodes of a file are added to it. */
import { type Constant, integers } from "../model/constant.ts";
import type { Node, ValueInfo, ValueName } from "../model/graph.ts";
import { Names } from "./names.ts";
import type { TensorProto } from "./proto/onnx_pb.ts";
import { constantOf, type TensorFiles } from "./tensor.ts";

/** What importers of operators read and add to. */
export class GraphBuilder {
  readonly constants: Map<ValueName, Constant> = new Map();
  readonly nodes: Node[] = [];
  readonly #files: TensorFiles;
  readonly #infos: ReadonlyMap<ValueName, Pick<ValueInfo, "shape">>;
  readonly #valueNames: Names;
  readonly #nodeNames = new Names();

  /** `infos` is what the file declares of its values, `taken` all names that it has. */
  constructor(files: TensorFiles, infos: ReadonlyMap<ValueName, Pick<ValueInfo, "shape">>, taken: Iterable<ValueName>) {
    this.#files = files;
    this.#infos = infos;
    this.#valueNames = new Names(taken);
  }

  /** Adds nodes, under names of their own: files need not name their nodes, nor do so only once. */
  add(...nodes: readonly Node[]): void {
    for (const node of nodes) {
      const name = this.#nodeNames.unique(node.name);
      this.nodes.push(name === node.name ? node : { ...node, name });
    }
  }

  /** A tensor of the file as a constant, or the name of its type where there is none such. */
  read(tensor: TensorProto): Constant | string {
    return constantOf(tensor, this.#files);
  }

  /** Axes of a value, if the file tells. */
  rank(name: ValueName | undefined): number | undefined {
    if (name === undefined) return undefined;
    return (this.constants.get(name) ?? this.#infos.get(name))?.shape?.length;
  }

  /** The numbers of a value, if they are known. */
  constantOf(name: ValueName | undefined): Constant | undefined {
    return name === undefined ? undefined : this.constants.get(name);
  }

  /** A name that no value has yet, which tells what it is for: "conv1/axes". */
  fresh(hint: string): ValueName {
    return this.#valueNames.unique(hint);
  }

  /** A new constant, by its name. */
  constant(hint: string, constant: Constant): ValueName {
    const name = this.fresh(hint);
    this.constants.set(name, constant);
    return name;
  }

  /** A new constant of integers, by its name. */
  integers(hint: string, values: readonly number[]): ValueName {
    return this.constant(hint, integers(values));
  }

  /** A new scalar, by its name. */
  scalar(hint: string, value: number): ValueName {
    return this.constant(hint, { type: "float32", shape: [], data: Float32Array.of(value) });
  }
}

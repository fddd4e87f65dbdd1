/** A file's nodes, as the operators' importers get them. */
import type { ValueName } from "../model/graph.ts";
import { AttributeReader } from "./attribute.ts";
import { quote } from "./malformed.ts";
import type { Problems } from "./problems.ts";
import type { AttributeProto } from "./proto/onnx_pb.ts";

/** A node as the file has it, out of whatever function it may have been in. */
export interface FileNode {
  readonly domain: string;
  readonly op: string;
  readonly overload: string;
  readonly name: string;
  /** "" where an optional one is absent. */
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
  readonly attributes: readonly AttributeProto[];
  /** Versions of the operator sets, by domain. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** The domain of ONNX's own operators, which has two names. */
export function domainOf(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** What every node of a graph has, whatever its operator. */
export interface NodeBase {
  readonly name: string;
  readonly inputs: readonly (ValueName | undefined)[];
  readonly outputs: readonly (ValueName | undefined)[];
}

/** A node of one of ONNX's own operators, to be imported. */
export class OnnxNode implements NodeBase {
  readonly op: string;
  /** Version of the operator set. */
  readonly version: number;
  /** As in the file: perhaps not unique. */
  readonly name: string;
  readonly inputs: readonly (ValueName | undefined)[];
  /** Undefined where nobody reads them; the first has a name. */
  readonly outputs: readonly (ValueName | undefined)[];
  readonly attributes: AttributeReader;
  readonly #problems: Problems;

  constructor(node: FileNode, version: number, base: NodeBase, problems: Problems) {
    this.op = node.op;
    this.version = version;
    this.name = base.name;
    this.inputs = base.inputs;
    this.outputs = base.outputs;
    this.#problems = problems;
    this.attributes = new AttributeReader(this.describe(), node.attributes, (what) => this.unsupported(what));
  }

  /** The node as messages call it. */
  describe(): string {
    return `${this.op} node ${quote(this.name)}`;
  }

  /** Name, inputs and outputs, for the node that is made of this one. */
  get base(): NodeBase {
    const { name, inputs, outputs } = this;
    return { name, inputs, outputs };
  }

  /** Notes that this node needs what there is not: "spatial 0". */
  unsupported(what: string): void {
    this.#problems.add(`${this.op} (opset ${this.version}) with ${what}`, this.name);
  }
}

/**
 * Graphs as ONNX files: what the importer reads back as the same graph, and other runtimes as the same network.
 * https://github.com/onnx/onnx/blob/main/docs/IR.md
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { LensletError } from "../../errors.ts";
import { type Constant, floats, type NumberType } from "../../model/constant.ts";
import type { Dim, Graph, Node, ValueName } from "../../model/graph.ts";
import {
  type AttributeProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../proto/onnx_pb.ts";
import { attributeProtos, repeatedValue } from "./attributes.ts";
import { elementCode, tensorProto } from "./tensor.ts";
import { outputShapes } from "./shapes.ts";
import { typesOf } from "./types.ts";

/** The version of ONNX's operators that files are written in: has Gelu, and what quantised weights need. */
const OPSET = 21;
/** The version of the file format that goes with it. */
const IR_VERSION = 10;

/** A file's bytes. Throws `model-unsupported` for what passes have merged, which no version of ONNX can say. */
export function exportOnnx(graph: Graph): Uint8Array<ArrayBuffer> {
  const writer = new GraphWriter(graph);
  for (const node of graph.nodes) writer.node(node);
  const types = typesOf(graph);
  const shapes = outputShapes(graph);
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    opsetImport: [{ domain: "", version: BigInt(OPSET) }],
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node: writer.nodes,
      initializer: [...writer.constants].map(([name, constant]) => tensorProto(name, constant)),
      input: [...graph.inputs].map(([name, { type, shape }]) => valueInfo(name, type, shape)),
      output: graph.outputs.map((name) => valueInfo(name, types(name), shapes(name))),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

function valueInfo(name: string, type: NumberType, shape: readonly Dim[] | undefined): ValueInfoProto {
  const dim = (size: Dim) => ({
    value:
      typeof size === "number"
        ? ({ case: "dimValue", value: BigInt(size) } as const)
        : size === undefined
          ? ({ case: undefined } as const)
          : ({ case: "dimParam", value: size } as const),
  });
  const tensor = { elemType: elementCode(type), ...(shape === undefined ? {} : { shape: { dim: shape.map(dim) } }) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensor } } });
}

/** Nodes and constants of a file, which are more than the graph's where ONNX says in several nodes what we say in one. */
class GraphWriter {
  readonly nodes: NodeProto[] = [];
  readonly constants: Map<ValueName, Constant>;
  readonly #values: Set<ValueName>;

  constructor(graph: Graph) {
    this.constants = new Map(graph.constants);
    const made = graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== undefined));
    this.#values = new Set([...graph.inputs.keys(), ...graph.constants.keys(), ...made]);
  }

  node(node: Node): void {
    const { name, op, inputs, outputs, attributes } = node;
    const merged = (attributes as { readonly activation?: unknown }).activation !== undefined;
    const residual = (op === "Conv" && inputs[3] !== undefined) || (op === "MatMul" && inputs[2] !== undefined);
    if (merged || residual) {
      const text = `model: node ${JSON.stringify(name)} (${op}) has what a pass merged into it; save the graph that it was made of`;
      throw new LensletError("model-unsupported", text, { argument: "graph" });
    }
    if (op === "Swish") {
      this.#swish(node);
    } else if ((op === "Softmax" || op === "LogSoftmax") && node.attributes.flatten) {
      this.#flattened(node);
    } else if (op === "Dropout") {
      const ratio = this.#constant(`${name}/ratio`, floats(Float32Array.of(node.attributes.ratio), []));
      this.#add(node, [inputs[0], ratio]);
    } else if (op === "ConstantOfShape") {
      this.#plain(name, op, inputs, outputs, [repeatedValue(node.attributes)]);
    } else {
      this.#add(node);
    }
  }

  #add({ name, op, inputs, outputs, attributes }: Node, given: readonly (ValueName | undefined)[] = inputs): void {
    this.#plain(name, op, given, outputs, attributeProtos(op, attributes));
  }

  #plain(
    name: string,
    opType: string,
    inputs: readonly (ValueName | undefined)[],
    outputs: readonly (ValueName | undefined)[],
    attribute: AttributeProto[] = [],
  ): void {
    const input = inputs.map((value) => value ?? "");
    const output = outputs.map((value) => value ?? "");
    this.nodes.push(create(NodeProtoSchema, { name, opType, input, output, attribute }));
  }

  /** Only opset 24 has it as one node. */
  #swish({ name, inputs: [x], outputs, attributes: { alpha } }: Node<"Swish">): void {
    let scaled = x;
    if (alpha !== 1) {
      scaled = this.#value(`${name}/scaled`);
      const factor = this.#constant(`${name}/alpha`, floats(Float32Array.of(alpha), []));
      this.#plain(`${name}/scale`, "Mul", [x, factor], [scaled]);
    }
    const gate = this.#value(`${name}/gate`);
    this.#plain(`${name}/sigmoid`, "Sigmoid", [scaled], [gate]);
    this.#plain(name, "Mul", [x, gate], outputs);
  }

  /** Over several axes at once: reshaped to one, and back. */
  #flattened({ name, op, inputs: [x], outputs, attributes: { axis } }: Node<"Softmax"> | Node<"LogSoftmax">): void {
    const [shape, flat, soft] = ["shape", "flat", "soft"].map((part) => this.#value(`${name}/${part}`));
    this.#plain(`${name}/shape`, "Shape", [x], [shape]);
    this.#plain(`${name}/flatten`, "Flatten", [x], [flat], attributeProtos("Flatten", { axis }));
    this.#plain(name, op, [flat], [soft], attributeProtos(op, { axis: 1, flatten: false }));
    this.#plain(`${name}/reshape`, "Reshape", [soft, shape], outputs);
  }

  #constant(wanted: string, constant: Constant): ValueName {
    const name = this.#value(wanted);
    this.constants.set(name, constant);
    return name;
  }

  /** A name that no value has. */
  #value(wanted: string): ValueName {
    let name = wanted;
    for (let number = 2; this.#values.has(name); number++) name = `${wanted}_${number}`;
    this.#values.add(name);
    return name;
  }
}

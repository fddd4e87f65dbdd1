/** Constants, types, and the arithmetic of shapes. */
import { type Constant, floats, integers, type NumberType } from "../../model/constant.ts";
import type { GraphBuilder } from "../builder.ts";
import { malformed } from "../malformed.ts";
import type { OnnxNode } from "../node.ts";
import { elementType } from "../types.ts";
import type { Operators } from "./operator.ts";
import { plain } from "./pointwise.ts";

/** Constants, types, and the arithmetic of shapes. */
export const values: Operators = {
  Constant: {
    inputs: [0, 0],
    add: (node, graph) => {
      const [output] = node.outputs;
      const constant = constantIn(node, graph);
      if (output !== undefined && constant !== undefined) graph.constants.set(output, constant);
    },
  },
  Shape: {
    inputs: [1, 1],
    add: (node, graph) => {
      const { attributes } = node;
      const end = attributes.has("end") ? attributes.int("end", 0) : undefined;
      graph.add({ ...node.base, op: "Shape", attributes: { start: attributes.int("start", 0), end } });
    },
  },
  Size: plain("Size", [1, 1]),
  ConstantOfShape: { inputs: [1, 1], add: addConstantOfShape },
  Range: {
    inputs: [3, 3],
    add: (node, graph) => {
      node.attributes.ignore("stash_type");
      graph.add({ ...node.base, op: "Range", attributes: {} });
    },
  },
  Cast: { inputs: [1, 1], add: addCast },
  DequantizeLinear: {
    inputs: [2, 3],
    add: (node, graph) => {
      const { attributes } = node;
      typeAttribute(node, "output_dtype");
      const [axis, blockSize] = [attributes.int("axis", 1), attributes.int("block_size", 0)];
      graph.add({ ...node.base, op: "DequantizeLinear", attributes: { axis, blockSize } });
    },
  },
};

/** The value of a Constant node, in whichever of its attributes it is; undefined where a graph cannot hold it. */
function constantIn(node: OnnxNode, graph: GraphBuilder): Constant | undefined {
  const { attributes } = node;
  const tensor = attributes.tensor("value");
  if (tensor !== undefined) {
    const constant = graph.read(tensor);
    if (typeof constant !== "string") return constant;
    node.unsupported(`a value of type ${constant}`);
    return undefined;
  }
  const [ints, numbers] = [attributes.ints("value_ints"), attributes.floats("value_floats")];
  if (ints !== undefined) return integers(ints);
  if (numbers !== undefined) return floats(Float32Array.from(numbers));
  if (attributes.has("value_int"))
    return { type: "int64", shape: [], data: Float64Array.of(attributes.int("value_int", 0)) };
  if (attributes.has("value_float")) return floats(Float32Array.of(attributes.float("value_float", 0)), []);
  const others = ["sparse_value", "value_string", "value_strings"].filter((name) => attributes.has(name));
  if (others.length === 0) throw malformed(`${node.describe()} has no value`);
  // The attributes are reported as such.
  return undefined;
}

function addConstantOfShape(node: OnnxNode, graph: GraphBuilder): void {
  const tensor = node.attributes.tensor("value");
  const constant = tensor === undefined ? floats(Float32Array.of(0)) : graph.read(tensor);
  if (typeof constant === "string") {
    node.unsupported(`a value of type ${constant}`);
    return;
  }
  const [value] = constant.data;
  if (value === undefined || constant.data.length !== 1) {
    throw malformed(`${node.describe()} has a value of ${constant.data.length} elements; expected 1`);
  }
  graph.add({ ...node.base, op: "ConstantOfShape", attributes: { value, type: constant.type } });
}

function addCast(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes, version } = node;
  // Both are about floats of 8 bits.
  attributes.ignore("saturate", "round_mode");
  if (version >= 6) attributes.required("to", attributes.has("to") ? 0 : undefined);
  const to = version < 6 ? typeNamed(node) : typeAttribute(node, "to");
  if (to !== undefined) graph.add({ ...node.base, op: "Cast", attributes: { to } });
}

/** Undefined, and reported, where a graph has no such type; undefined too where the attribute is absent or 0. */
function typeAttribute(node: OnnxNode, attribute: string): NumberType | undefined {
  const code = node.attributes.int(attribute, 0);
  const { name, type } = elementType(code);
  if (type === undefined && (code !== 0 || attribute === "to")) node.unsupported(`${attribute} ${name}`);
  return type;
}

/** Types of the first versions of Cast, which named them. */
const TYPES_BY_NAME: ReadonlyMap<string, number> = new Map([
  ["FLOAT", 1],
  ["UINT8", 2],
  ["INT8", 3],
  ["INT32", 6],
  ["INT64", 7],
  ["BOOL", 9],
  ["FLOAT16", 10],
  ["DOUBLE", 11],
]);

function typeNamed(node: OnnxNode): NumberType | undefined {
  const name = node.attributes.string("to", "");
  const { type } = elementType(TYPES_BY_NAME.get(name) ?? 0);
  if (type === undefined) node.unsupported(`to ${JSON.stringify(name)}`);
  return type;
}

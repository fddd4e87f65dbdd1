/** Types of a graph's values, which files must tell of their outputs. */
import type { NumberType } from "../../model/constant.ts";
import type { Graph, Node, ValueName } from "../../model/graph.ts";

/** Gives the type of any value of a graph. */
export function typesOf({ inputs, constants, nodes }: Graph): (name: ValueName) => NumberType {
  const types = new Map<ValueName, NumberType>();
  for (const [name, { type }] of inputs) types.set(name, type);
  for (const [name, { type }] of constants) types.set(name, type);
  for (const node of nodes) {
    node.outputs.forEach((name, index) => {
      if (name !== undefined)
        types.set(
          name,
          outputType(node, index, (input) => types.get(input) ?? "float32"),
        );
    });
  }
  return (name) => types.get(name) ?? "float32";
}

function outputType(node: Node, index: number, typeOf: (name: ValueName) => NumberType): NumberType {
  switch (node.op) {
    case "Shape":
    case "Size":
    case "ArgMax":
    case "ArgMin":
    case "NonMaxSuppression":
      return "int64";
    case "MaxPool":
    case "TopK":
      return index === 1 ? "int64" : inputType(node, 0, typeOf);
    case "Dropout":
      return index === 1 ? "bool" : inputType(node, 0, typeOf);
    case "Equal":
    case "Less":
    case "LessOrEqual":
    case "Greater":
    case "GreaterOrEqual":
    case "And":
    case "Or":
    case "Xor":
    case "Not":
      return "bool";
    case "Cast":
      return node.attributes.to;
    case "ConstantOfShape":
      return node.attributes.type;
    case "Where":
    case "DequantizeLinear":
      return inputType(node, 1, typeOf);
    default:
      return inputType(node, 0, typeOf);
  }
}

function inputType({ inputs }: Node, index: number, typeOf: (name: ValueName) => NumberType): NumberType {
  const name = inputs[index];
  return name === undefined ? "float32" : typeOf(name);
}

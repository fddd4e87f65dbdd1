/** Attributes with nothing left open, once shapes are known: later passes need not look at conventions again. */
import type { Node } from "../graph.ts";
import { type KnownValues, Operands } from "./operands.ts";
import { slideTransposed, slideWindow } from "./window.ts";

/** A node that inference has accepted, with pads found, axes counted from the start, and all that may be left out there. */
export function resolveNode(node: Node, values: KnownValues): Node {
  const at = new Operands(node, values);
  const rank = node.inputs[0] === undefined ? 0 : at.shape(0).length;
  const axis = (given: number): number => (given < 0 ? given + rank : given);
  switch (node.op) {
    case "Conv": {
      const { attributes } = slideWindow(at, node.attributes, at.shape(0).slice(2), at.shape(1).slice(2));
      return { ...node, attributes: { ...node.attributes, ...attributes } };
    }
    case "ConvTranspose": {
      const { attributes } = slideTransposed(at, node.attributes, at.shape(0).slice(2), at.shape(1).slice(2));
      return { ...node, attributes };
    }
    case "MaxPool": {
      const { kernelShape, ceilMode } = node.attributes;
      const { attributes } = slideWindow(at, node.attributes, at.shape(0).slice(2), kernelShape, ceilMode);
      return { ...node, attributes: { ...node.attributes, ...attributes } };
    }
    case "AveragePool": {
      const { kernelShape, ceilMode } = node.attributes;
      const { attributes } = slideWindow(at, node.attributes, at.shape(0).slice(2), kernelShape, ceilMode);
      return { ...node, attributes: { ...node.attributes, ...attributes } };
    }
    case "LpPool": {
      const { kernelShape, ceilMode } = node.attributes;
      const { attributes } = slideWindow(at, node.attributes, at.shape(0).slice(2), kernelShape, ceilMode);
      return { ...node, attributes: { ...node.attributes, ...attributes } };
    }
    case "Transpose": {
      const { perm } = node.attributes;
      if (perm.length > 0) return node;
      return { ...node, attributes: { perm: Array.from({ length: rank }, (_, index) => rank - 1 - index) } };
    }
    case "Resize": {
      const { axes } = node.attributes;
      const counted = axes.length === 0 ? Array.from({ length: rank }, (_, index) => index) : axes.map(axis);
      return { ...node, attributes: { ...node.attributes, axes: counted } };
    }
    case "Softmax":
    case "LogSoftmax":
      return { ...node, attributes: { ...node.attributes, axis: axis(node.attributes.axis) } };
    case "ArgMax":
    case "ArgMin":
      return { ...node, attributes: { ...node.attributes, axis: axis(node.attributes.axis) } };
    case "TopK":
      return { ...node, attributes: { ...node.attributes, axis: axis(node.attributes.axis) } };
    case "LayerNormalization":
      return { ...node, attributes: { ...node.attributes, axis: axis(node.attributes.axis) } };
    case "Concat":
    case "Split":
    case "Gather":
    case "Flatten":
      return { ...node, attributes: { axis: axis(node.attributes.axis) } };
    case "DequantizeLinear":
      return { ...node, attributes: { ...node.attributes, axis: axis(node.attributes.axis) } };
    default:
      return node;
  }
}

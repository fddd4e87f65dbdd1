/** A network as a table: its layers, what they hold and what they cost. */
import { elementCount, formatShape, type Shape } from "../shape.ts";
import type { OpType } from "./attributes.ts";
import { macsOf, parametersOf, shapeOf } from "./cost.ts";
import type { KnownGraph, Node, ValueName } from "./graph.ts";
import { receptiveFields } from "./receptive-field.ts";
import { formatCount, formatTable } from "./table.ts";

/** One node of a network. */
export interface LayerSummary {
  readonly name: string;
  readonly op: OpType;
  readonly outputShape: Shape;
  /** Weights that it reads, those that an earlier layer reads too not counted again. */
  readonly parameters: number;
  /** Multiply-adds of convolutions and matrix products. */
  readonly macs: number;
  /** Rows and columns of the network's input that one element of the output depends on, inside and beyond the borders;
   * Infinity: all of it. */
  readonly receptiveField: readonly [h: number, w: number];
}

/** What `model.summary()` gives. */
export interface Summary {
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly macs: number;
  /** A table of the layers. */
  toString(): string;
}

/** Describes a graph of known sizes, before any pass. */
export function summarise(graph: KnownGraph): Summary {
  const fields = receptiveFields(graph);
  const counted = new Set<ValueName>();
  const layers = graph.nodes.map((node): LayerSummary => {
    const { name, op, outputs } = node;
    return {
      name,
      op,
      outputShape: shapeOf(graph, outputs[0]),
      parameters: newParameters(graph, node, counted),
      macs: macsOf(graph, node),
      receptiveField: fields.get(node) ?? [1, 1],
    };
  });
  const total = (of: (layer: LayerSummary) => number): number => layers.reduce((sum, layer) => sum + of(layer), 0);
  const parameters = total((layer) => layer.parameters);
  const macs = total((layer) => layer.macs);
  return { layers, parameters, macs, toString: () => formatSummary(layers, parameters, macs) };
}

function newParameters(graph: KnownGraph, node: Node, counted: Set<ValueName>): number {
  let parameters = 0;
  for (const name of parametersOf(graph, node)) {
    if (counted.has(name)) continue;
    counted.add(name);
    parameters += elementCount(shapeOf(graph, name));
  }
  return parameters;
}

function formatSummary(layers: readonly LayerSummary[], parameters: number, macs: number): string {
  const rows = layers.map((layer) => [
    layer.name,
    layer.op,
    formatShape(layer.outputShape),
    layer.parameters === 0 ? "" : layer.parameters.toLocaleString("en"),
    layer.macs === 0 ? "" : formatCount(layer.macs),
    formatField(layer.receptiveField),
  ]);
  const columns = [
    { title: "layer" },
    { title: "operator" },
    { title: "output" },
    { title: "parameters", right: true },
    { title: "MACs", right: true },
    { title: "sees", right: true },
  ];
  const total = `${parameters.toLocaleString("en")} parameters, ${formatCount(macs)} multiply-adds`;
  return `${formatTable(columns, rows)}\n${total}`;
}

function formatField([h, w]: readonly [number, number]): string {
  return h === Number.POSITIVE_INFINITY && w === h ? "all" : `${h} x ${w}`;
}

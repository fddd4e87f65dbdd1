/** What the methods of a model are given, checked against its network: operands, shapes, names. */
import { LensletError } from "../errors.ts";
import { checkOptions, invalid, show } from "../options.ts";
import { type Input, operandInput } from "../ops/plan.ts";
import { elementCount, parseShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import type { Graph, ValueName } from "./graph.ts";

/** The operands by name; of a network with one input, the operand itself will do. */
export function namedInputs(call: string, graph: Graph, inputs: unknown): ReadonlyMap<string, unknown> {
  const names = [...graph.inputs.keys()];
  const expected = `{ ${names.map(show).join(", ")} }, each a tensor or { data, shape }`;
  if (typeof inputs !== "object" || inputs === null) throw invalid(call, "inputs", inputs, expected);
  if (inputs instanceof Tensor || isArrayWithShape(inputs)) {
    const [name] = names;
    if (names.length === 1 && name !== undefined) return new Map([[name, inputs]]);
    const text = `${call}: inputs is one operand, the model has ${names.length} inputs; expected ${expected}`;
    throw new LensletError("invalid-argument", text, { argument: "inputs" });
  }
  const given = new Map<string, unknown>(Object.entries(inputs));
  checkOptions(call, inputs, names, "inputs");
  const missing = names.find((name) => given.get(name) === undefined);
  if (missing === undefined) return given;
  const text = `${call}: inputs has no ${show(missing)}; expected ${expected}`;
  throw new LensletError("invalid-argument", text, { argument: missing });
}

function isArrayWithShape(inputs: object): boolean {
  if (!("data" in inputs) || !("shape" in inputs)) return false;
  return Array.isArray(inputs.data) || ArrayBuffer.isView(inputs.data);
}

/** Operands in the order of the inputs. */
export function operandsOf(call: string, { inputs }: Graph, given: ReadonlyMap<string, unknown>): readonly Input[] {
  return Array.from(inputs.keys(), (name) => operandInput(call, name, given.get(name)));
}

/** Shapes by name; where nothing but the number of images is open and no shape is given, that of one. */
export function inputShapes(call: string, graph: Graph, shapes: unknown): ReadonlyMap<ValueName, Shape> {
  const names = [...graph.inputs.keys()];
  if (Array.isArray(shapes)) {
    const [name] = names;
    if (names.length === 1 && name !== undefined) return new Map([[name, parseShape(call, name, shapes)]]);
  }
  checkOptions(call, shapes, names, "shapes");
  const given = new Map(Object.entries(shapes as object).map(([name, shape]) => [name, parseShape(call, name, shape)]));
  for (const [name, { shape }] of graph.inputs) {
    const [batch, ...sizes] = shape ?? [undefined];
    const isKnown = sizes.every((size) => typeof size === "number");
    if (!given.has(name) && shape !== undefined && typeof batch !== "number" && isKnown) given.set(name, [1, ...sizes]);
  }
  return given;
}

/** Shapes that are given, and those that the network declares: the same, whether those were given or not. */
export function completeShapes({ inputs }: Graph, given: ReadonlyMap<ValueName, Shape>): ReadonlyMap<ValueName, Shape> {
  const shapes = new Map(given);
  for (const [name, { shape }] of inputs) {
    if (!shapes.has(name) && shape?.every((size) => typeof size === "number")) shapes.set(name, shape);
  }
  return shapes;
}

/** Random numbers for every input, of the shapes that {@link inputShapes} takes where none are given. */
export function randomInputs(call: string, graph: Graph): ReadonlyMap<string, unknown> {
  const shapes = completeShapes(graph, inputShapes(call, graph, {}));
  return new Map(
    Array.from(graph.inputs.keys(), (name) => {
      const shape = shapes.get(name);
      if (shape === undefined) throw invalid(call, "inputs", undefined, `inputs: the size of ${show(name)} is open`);
      return [name, { data: Float32Array.from({ length: elementCount(shape) }, () => Math.random()), shape }];
    }),
  );
}

/** The value of this name, or the first output of the node of this name. */
export function valueNamed(call: string, { inputs, constants, nodes }: Graph, name: unknown): ValueName {
  if (typeof name === "string") {
    if (inputs.has(name) || constants.has(name)) return name;
    for (const node of nodes) if (node.outputs.includes(name)) return name;
    const value = nodes.find((node) => node.name === name)?.outputs[0];
    if (value !== undefined) return value;
  }
  throw invalid(call, "names", name, "names of the network's values or nodes: see model.summary()");
}

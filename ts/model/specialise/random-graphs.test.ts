import { describe, expect, it } from "vitest";
import { LensletError } from "../../errors.ts";
import { elementCount } from "../../shape.ts";
import { Random } from "../../test/oracle/random.ts";
import { type AttributeKind, attributeKinds, type OptionalKind } from "../attribute-kinds.ts";
import type { OpType } from "../attributes.ts";
import type { Constant } from "../constant.ts";
import type { Graph, KnownGraph, Node, ValueName } from "../graph.ts";
import { signatures } from "../signature.ts";
import { validateGraph } from "../validate.ts";
import { inferNode } from "./infer.ts";
import { specialise } from "./specialise.ts";
import { constant } from "./testing/nodes.ts";

const ops = Object.keys(signatures) as readonly OpType[];
const sizes: readonly number[] = [1, 1, 2, 2, 3, 4, 5, 8];
/** What turns up in operands and attributes: mostly what fits small shapes, sometimes nonsense. */
const integers: readonly number[] = [
  0,
  0,
  0,
  1,
  1,
  1,
  1,
  2,
  2,
  2,
  3,
  4,
  8,
  -1,
  -1,
  -2,
  7,
  2 ** 31,
  2 ** 63,
  -(2 ** 63),
];

function draw<T>(count: number, one: () => T): readonly T[] {
  return Array.from({ length: count }, one);
}

function drawShape(random: Random): readonly number[] {
  return draw(random.pick([0, 1, 2, 3, 4, 4, 4]), () => random.pick(sizes));
}

function drawConstant(random: Random): Constant {
  const type = random.pick([
    "float32",
    "float32",
    "int64",
    "int64",
    "int64",
    "int32",
    "int8",
    "uint8",
    "bool",
  ] as const);
  const shape = type === "int64" && random.int(0, 3) > 0 ? [random.int(0, 4)] : drawShape(random);
  const values = draw(elementCount(shape), () => {
    if (type === "float32") return random.pick([-1.5, 0.5, 0, 1, 2, 3, Number.NaN, Number.POSITIVE_INFINITY]);
    return type === "bool" ? random.int(0, 1) : random.pick(integers);
  });
  return constant(type, values, shape);
}

function drawAttribute(random: Random, kind: AttributeKind | OptionalKind): unknown {
  if (typeof kind === "object" && "optional" in kind) {
    return random.int(0, 1) === 0 ? undefined : drawAttribute(random, kind.optional);
  }
  switch (kind) {
    case "integer":
      return random.pick(integers);
    case "number":
      return random.pick([0, 0.5, 1, 2, Number.NaN]);
    case "flag":
      return random.int(0, 1) === 1;
    case "integers":
      return draw(random.pick([0, 0, 0, 1, 2, 2, 4]), () => random.pick(integers));
    case "activation":
      return "relu";
    default:
      return random.pick(kind);
  }
}

/** A node that reads values of the graph and constants of its own; few of them make sense. */
function drawNode(
  random: Random,
  index: number,
  values: readonly ValueName[],
): [Node, ReadonlyMap<ValueName, Constant>] {
  const op = random.pick(ops);
  const { inputs, required, variadic, outputs, manyOutputs } = signatures[op];
  const constants = new Map<ValueName, Constant>();
  const count = variadic ? random.int(1, 3) : random.int(required, inputs.length);
  const operands = draw(count, () => {
    if (random.int(0, 9) < 6) return random.pick(values);
    const name = `c${index}.${constants.size}`;
    constants.set(name, drawConstant(random));
    return name;
  }).map((name, place) => (place >= required && random.int(0, 4) === 0 ? undefined : name));
  const made = draw(manyOutputs ? random.int(1, 3) : random.int(1, outputs.length), () => "");
  const kinds: Readonly<Record<string, AttributeKind | OptionalKind>> = attributeKinds[op];
  const node = {
    name: `node${index}`,
    op,
    inputs: operands,
    outputs: made.map((_, output) => `v${index}.${output}`),
    attributes: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, drawAttribute(random, kind)])),
  } as Node;
  return [node, constants];
}

/** Grows a graph by nodes that fit, and counts those that did not: each of these must be refused by an error of ours. */
function grow(random: Random, attempts: number, check: (graph: Graph, known: KnownGraph) => void): number {
  let graph: Graph = {
    name: "random",
    inputs: new Map([
      ["image", { type: "float32", shape: [1, random.pick([2, 4, 8]), 6, 5] }],
      ["row", { type: "float32", shape: [random.pick(sizes)] }],
      ["whole", { type: "int64", shape: drawShape(random) }],
      ["truth", { type: "bool", shape: [random.pick(sizes), 1] }],
    ]),
    outputs: ["image"],
    constants: new Map(),
    nodes: [],
  };
  let values: readonly ValueName[] = [...graph.inputs.keys()];
  let kept = 0;
  for (let index = 0; index < attempts; index++) {
    const [node, constants] = drawNode(random, index, values);
    const made = node.outputs.flatMap((name) => name ?? []);
    const larger: Graph = {
      ...graph,
      constants: new Map([...graph.constants, ...constants]),
      nodes: [...graph.nodes, node],
      outputs: [...graph.outputs, ...made],
    };
    try {
      validateGraph(larger);
      const known = specialise(larger, new Map());
      check(larger, known);
      graph = larger;
      values = [...values, ...made, ...constants.keys()];
      kept += 1;
    } catch (error) {
      if (!(error instanceof LensletError)) throw error;
    }
  }
  return kept;
}

/** What holds for every specialised graph. */
function expectConsistent(graph: Graph, known: KnownGraph): void {
  for (const name of graph.outputs) expect(known.infos.has(name) || known.constants.has(name)).toBe(true);
  for (const [name, { type, shape, data }] of known.constants) {
    expect(known.infos.get(name), name).toMatchObject({ type, shape });
    expect(data.length, name).toBe(elementCount(shape));
    if (type === "int64") expect(data.every(Number.isInteger), name).toBe(true);
    if (type === "bool")
      expect(
        data.every((value) => value === 0 || value === 1),
        name,
      ).toBe(true);
  }
  for (const node of known.nodes) {
    // Resolved attributes mean what the given ones did.
    const infos = inferNode(node, known);
    for (const [index, name] of node.outputs.entries()) {
      if (name !== undefined) expect(infos[index], name).toEqual(known.infos.get(name));
    }
  }
}

describe("random graphs", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))("are refused or consistent: seed %i", (seed) => {
    const random = new Random(seed);
    const kept = grow(random, 150, (graph, known) => {
      if (known.nodes.length > 0 || random.int(0, 3) === 0) expectConsistent(graph, known);
    });
    // A generator of which nothing fits would test nothing.
    expect(kept).toBeGreaterThan(5);
  });

  it("specialised once more, stay the same", () => {
    const random = new Random(1000);
    grow(random, 300, (_, known) => {
      const again = specialise(known, new Map());
      expect(again.nodes.map(({ name, attributes }) => [name, attributes])).toEqual(
        known.nodes.map(({ name, attributes }) => [name, attributes]),
      );
      expect(again.infos).toEqual(known.infos);
    });
  });
});

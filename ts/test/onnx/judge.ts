/**
 * What becomes of a file that may be damaged: it is refused with an error of ours, or it runs and gives what its
 * operators mean.
 */
import { createEngine, type Engine, LensletError } from "lenslet";
import { LensletError as SourceError } from "../../errors.ts";
import type { Constant } from "../../model/constant.ts";
import type { Graph, KnownGraph, ValueName } from "../../model/graph.ts";
import { macsOf, shapeOf } from "../../model/cost.ts";
import { specialise } from "../../model/specialise/specialise.ts";
import { validateGraph } from "../../model/validate.ts";
import { importOnnx } from "../../onnx/import.ts";
import { elementCount } from "../../shape.ts";
import { Random } from "../oracle/random.ts";
import { bound } from "./data-set.ts";

/** How far a file came; `large`: a sound network that asks for more than a test should give. */
export type Verdict = "refused" | "imported" | "large" | "ran" | "agreed";

/** Decides about a file. */
export type Judge = (bytes: Uint8Array) => Promise<Verdict>;

/** Most numbers, in all values of a network together, for which it is run. */
const MOST_NUMBERS = 2 ** 22;

/** Most multiply-adds for which it is. */
const MOST_WORK = 2 ** 28;

let engine: Promise<Engine> | undefined;

/** Takes a file as far as it goes. Throws for what no file may cause: an error that is not ours, a trap, a wrong result. */
export const judge: Judge = async (bytes) => {
  let verdict: Verdict = "refused";
  try {
    const graph = importOnnx(bytes);
    validateGraph(graph);
    verdict = "imported";
    const known = specialise(graph, inputShapes(graph));
    if (workOf(known) > MOST_WORK || numbersOf(known) > MOST_NUMBERS) return "large";
    const inputs = randomInputs(known);
    const outputs = await run(bytes, inputs);
    verdict = "ran";
    const expected = folded(graph, inputs);
    if (expected === undefined || hasHugeNumbers(known)) return verdict;
    for (const [name, constant] of expected) assertClose(name, outputs.get(name) ?? new Float32Array(0), constant);
    return "agreed";
  } catch (error) {
    const ours = error instanceof LensletError || error instanceof SourceError;
    if (ours && error.code !== "core-trapped") return verdict;
    // A trapped core is of no more use.
    engine = undefined;
    throw error;
  }
};

/** Whether a file is sound, as far as that is seen without running it. */
export function isWhole(bytes: Uint8Array): boolean {
  try {
    const graph = importOnnx(bytes);
    specialise(graph, inputShapes(graph));
    return true;
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

/** A shape for each input: as declared, a small one where that is open. */
export function inputShapes({ inputs }: Graph): ReadonlyMap<ValueName, readonly number[]> {
  const symbols = new Map<string, number>();
  return new Map(
    [...inputs].map(([name, { shape = [1, 3, 8, 8] }]) => {
      const sizes = shape.map((size, axis) => {
        if (typeof size === "number") return size;
        const usual = [1, 3, 32, 32][axis] ?? 4;
        if (size === undefined) return usual;
        if (!symbols.has(size)) symbols.set(size, usual);
        return symbols.get(size) ?? usual;
      });
      return [name, sizes];
    }),
  );
}

function numbersOf({ infos }: KnownGraph): number {
  let sum = 0;
  for (const { shape } of infos.values()) sum += elementCount(shape);
  return sum;
}

/** About how much the network computes: multiply-adds, and what windows read of their input. */
function workOf(graph: KnownGraph): number {
  let sum = 0;
  for (const node of graph.nodes) {
    const made = elementCount(shapeOf(graph, node.outputs[0]));
    sum += made + macsOf(graph, node);
    if (!("kernelShape" in node.attributes)) continue;
    const image = shapeOf(graph, node.inputs[0]).slice(2);
    sum += made * elementCount(node.attributes.kernelShape.map((size, axis) => Math.min(size, image[axis] ?? 1)));
  }
  return sum;
}

/** Numbers for all inputs, small and whole where they are integers. */
function randomInputs({ inputs, infos }: KnownGraph): ReadonlyMap<ValueName, Constant> {
  const random = new Random(7);
  return new Map(
    [...inputs].map(([name, { type }]) => {
      const shape = infos.get(name)?.shape ?? [];
      const data = random.nd(shape, -1, 1).data.map((value) => {
        if (type === "float32") return value;
        if (type === "bool") return Number(value > 0);
        return Math.round(type === "uint8" ? Math.abs(value) : value);
      });
      return [name, { type: "float32", shape, data } as const];
    }),
  );
}

/** What the package makes of the file. */
async function run(
  bytes: Uint8Array,
  inputs: ReadonlyMap<ValueName, Constant>,
): Promise<Map<ValueName, ArrayLike<number>>> {
  engine ??= createEngine({ accuracy: "strict" });
  const owner = await engine;
  using model = await owner.load(bytes.slice());
  const given = [...inputs].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]);
  const results = await model.run(Object.fromEntries(given));
  const outputs = new Map<ValueName, ArrayLike<number>>();
  for (const [name, tensor] of Object.entries(results)) {
    outputs.set(name, await tensor.data());
    tensor.dispose();
  }
  return outputs;
}

/** What plain loops make of it; undefined where they know not all of its operators. */
function folded(graph: Graph, inputs: ReadonlyMap<ValueName, Constant>): ReadonlyMap<ValueName, Constant> | undefined {
  const typed = new Map([...inputs].map(([name, constant]) => [name, cast(constant, graph.inputs.get(name)?.type)]));
  const { nodes, constants } = specialise(bound(graph, typed), new Map());
  if (nodes.length > 0) return undefined;
  return new Map(graph.outputs.flatMap((name) => [[name, constants.get(name)] as const]).filter(isKnown));
}

function isKnown(entry: readonly [ValueName, Constant | undefined]): entry is [ValueName, Constant] {
  return entry[1] !== undefined;
}

/** The same numbers as another type. */
function cast({ data, shape }: Constant, type: Constant["type"] = "float32"): Constant {
  const arrays = {
    float32: Float32Array,
    int64: Float64Array,
    int32: Int32Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };
  return { type, shape, data: arrays[type].from(data) } as Constant;
}

/** Whether a network has numbers of which a few products are beyond float32, where the order of sums tells. */
function hasHugeNumbers({ constants }: KnownGraph): boolean {
  for (const { type, data } of constants.values()) {
    if (type === "float32" && data.some((value) => !(Math.abs(value) < 1e15))) return true;
  }
  return false;
}

/** Integers from which on a model's are no longer exact. */
const INEXACT = 2 ** 24;

/** Throws unless numbers agree to a thousandth of the largest. */
function assertClose(name: string, actual: ArrayLike<number>, { data: expected, type }: Constant): void {
  if (actual.length !== expected.length)
    throw new Error(`${name} has ${actual.length} numbers; expected ${expected.length}`);
  let largest = 1e-3;
  for (const value of expected) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  for (let i = 0; i < expected.length; i++) {
    const [value, wanted] = [actual[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    if (type !== "float32" && Math.max(Math.abs(value), Math.abs(wanted)) > INEXACT) continue;
    if (value === wanted || (Number.isNaN(value) && Number.isNaN(wanted))) continue;
    if (!(Math.abs(value - wanted) <= 1e-3 * largest)) throw new Error(`${name}[${i}] is ${value}; expected ${wanted}`);
  }
}

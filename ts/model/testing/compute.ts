/** Computes graphs for tests, operator by operator: each step is a command of its own, each buffer a tensor. */
import type { Executor, TensorId } from "../../command.ts";
import { elementCount } from "../../shape.ts";
import type { Nd } from "../../test/oracle/nd.ts";
import { Random } from "../../test/oracle/random.ts";
import { type Constant, floats } from "../constant.ts";
import type { Graph, KnownGraph, ValueName } from "../graph.ts";
import { lower } from "../lower/lower.ts";
import type { Buffer } from "../lower/lowering.ts";
import { specialise } from "../specialise/specialise.ts";

let lastId = 0;

/** Outputs of a graph, lowered as it is. */
export async function compute(
  executor: Executor,
  graph: KnownGraph,
  inputs: ReadonlyMap<ValueName, Nd>,
): Promise<Map<ValueName, Nd>> {
  const ids = new Map<unknown, TensorId>();
  const write = (key: unknown, data: ArrayLike<number>): TensorId => {
    const id = ++lastId;
    ids.set(key, id);
    executor.submit({ kind: "write", id, bytes: new Uint8Array(Float32Array.from(data).buffer) });
    return id;
  };
  for (const [name, { data }] of inputs) write(name, data);
  const names = [...graph.inputs.keys()];
  const idOf = (buffer: Buffer): TensorId => {
    if (buffer.kind === "none") return 0;
    const key = buffer.kind === "input" ? names[buffer.index] : buffer.kind === "weight" ? buffer.constant : buffer;
    const id = ids.get(key);
    if (id !== undefined) return id;
    if (buffer.kind !== "weight") throw new Error(`a ${buffer.kind} that nothing has written`);
    return write(key, buffer.constant.data);
  };
  const { steps, outputs } = lower(graph);
  for (const { op, inputs: from, outputs: to, words } of steps) {
    const made = to.map((buffer) => {
      const id = ++lastId;
      ids.set(buffer, id);
      return { id, length: buffer.length };
    });
    executor.submit({ kind: "op", op, inputs: from.map(idOf), outputs: made, words });
  }
  const results = new Map<ValueName, Nd>();
  try {
    for (const { name, shape, type, buffer } of outputs) {
      const bytes = await executor.read(idOf(buffer));
      const data = type === "float32" ? new Float32Array(bytes) : Float32Array.from(new Int32Array(bytes));
      results.set(name, { shape, data });
    }
  } finally {
    for (const id of ids.values()) executor.submit({ kind: "free", id });
    // What failed came out of `read`; the next test is not to hear of it.
    await executor.idle().catch(() => undefined);
  }
  return results;
}

/** Random inputs of a graph's declared shapes. */
export function randomInputs(graph: KnownGraph, seed = 5): Map<ValueName, Nd> {
  const random = new Random(seed);
  return new Map([...graph.inputs.keys()].map((name) => [name, random.nd(graph.infos.get(name)?.shape ?? [])]));
}

/** Outputs of a graph as its specialisation computes them, in plain loops; for graphs of operators that it evaluates. */
export function evaluate(graph: Graph, inputs: ReadonlyMap<ValueName, Nd>): Map<ValueName, Constant> {
  const constants = new Map(graph.constants);
  for (const [name, { data, shape }] of inputs) constants.set(name, floats(data, shape));
  const known = specialise({ ...graph, inputs: new Map(), constants }, new Map());
  const left = known.nodes.map(({ name, op }) => `${name} (${op})`);
  if (left.length > 0) throw new Error(`not evaluated: ${left.join(", ")}`);
  return new Map(
    graph.outputs.map((name) => {
      const constant = known.constants.get(name);
      if (constant === undefined) throw new Error(`${name} has no value`);
      return [name, constant];
    }),
  );
}

/** Throws unless all outputs agree, within `tolerance` of the largest number of each. */
export function expectSameOutputs(
  actual: ReadonlyMap<ValueName, Nd>,
  expected: ReadonlyMap<ValueName, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>,
  tolerance = 1e-5,
): void {
  for (const [name, { shape, data }] of expected) {
    const got = actual.get(name);
    if (got === undefined || got.shape.join() !== shape.join() || got.data.length !== elementCount(shape)) {
      throw new Error(`${name} has shape [${got?.shape.join(", ") ?? ""}]; expected [${shape.join(", ")}]`);
    }
    const largest = Array.from(data).reduce(
      (most, value) => Math.max(most, Number.isFinite(value) ? Math.abs(value) : 0),
      1e-3,
    );
    got.data.forEach((value, i) => {
      const wanted = data[i] ?? Number.NaN;
      if (Object.is(value, wanted) || Math.abs(value - wanted) <= tolerance * largest) return;
      throw new Error(`${name}[${i}] is ${value}; expected ${wanted}`);
    });
  }
}

/** Runs one of ONNX's test cases on an engine, as a user of the package would. */
import { type Engine, LensletError, type Model } from "lenslet";
import type { Constant } from "../../model/constant.ts";
import type { Graph, ValueName } from "../../model/graph.ts";
import { importOnnx } from "../../onnx/import.ts";
import type { DataSet } from "./case.ts";
import { assertAgrees } from "./compare.ts";
import { bound, type Expectation, expectation } from "./data-set.ts";

/**
 * Loads the file, runs it on each set of inputs and compares. Cases of a single operator have inputs that no network has:
 * target shapes, axes, thresholds. Where lenslet says that it must know them before the network runs, they are constants
 * of the network; the names of those are returned.
 */
export async function runCase(
  engine: Engine,
  bytes: Uint8Array<ArrayBuffer>,
  sets: readonly DataSet[],
  tolerance: number,
): Promise<ReadonlySet<ValueName>> {
  const graph = importOnnx(bytes);
  const settled = new Set<ValueName>();
  for (const set of sets) {
    const expected = expectation(graph, set);
    for (const [name, { data }] of expected.inputs) if (data.length === 0) settled.add(name);
    for (let done = false; !done; ) {
      try {
        await runSet(engine, settled.size === 0 ? bytes : graph, expected, settled, tolerance);
        done = true;
      } catch (error) {
        const open = new Map([...expected.inputs].filter(([name]) => !settled.has(name)));
        const names = isToBeKnown(error) ? neededBeforehand(error, open) : [];
        if (names.length === 0) throw error;
        for (const name of names) settled.add(name);
      }
    }
  }
  return settled;
}

function isToBeKnown(error: unknown): error is LensletError {
  return (
    error instanceof LensletError &&
    error.code === "model-unsupported" &&
    error.message.includes("known only when the network runs")
  );
}

/** The input that an error is about; where it names a value that is computed from inputs, those of integers, then scalars. */
function neededBeforehand({ message }: LensletError, inputs: ReadonlyMap<ValueName, Constant>): readonly ValueName[] {
  const names = [...inputs.keys()];
  const guesses = [
    names.filter((name) => message.includes(`(${JSON.stringify(name)})`)),
    names.filter((name) => inputs.get(name)?.type !== "float32"),
    names.filter((name) => inputs.get(name)?.data.length === 1),
  ];
  return guesses.find((guess) => guess.length > 0) ?? [];
}

async function runSet(
  engine: Engine,
  source: Uint8Array<ArrayBuffer> | Graph,
  { inputs, outputs }: Expectation,
  settled: ReadonlySet<ValueName>,
  tolerance: number,
): Promise<void> {
  const constants = new Map([...inputs].filter(([name]) => settled.has(name)));
  using model: Model = await engine.load(source instanceof Uint8Array ? source : bound(source, constants));
  const given = [...inputs].filter(([name]) => !settled.has(name));
  const results = await model.run(Object.fromEntries(given.map(([name, constant]) => [name, operandOf(constant)])));
  for (const [name, expected] of outputs) {
    const tensor = results[name];
    if (tensor === undefined) throw new Error(`no output ${name}`);
    const data = await tensor.data();
    const dtype = expected.type === "float32" ? "float32" : "int32";
    if (tensor.dtype !== dtype) throw new Error(`${name} is of ${tensor.dtype}; expected ${dtype}`);
    assertAgrees(name, { type: expected.type, shape: tensor.shape, data } as unknown as Constant, expected, tolerance);
    tensor.dispose();
  }
}

/** Whatever their type, numbers come to a network as float32. */
function operandOf({ data, shape }: Constant): { readonly data: Float32Array; readonly shape: readonly number[] } {
  return { data: Float32Array.from(data), shape };
}

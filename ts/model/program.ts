/** From a specialised graph to a program of the core. */
import type { Place, Step, TensorId } from "../command.ts";
import { LensletError } from "../errors.ts";
import { show } from "../options.ts";
import { elementCount } from "../shape.ts";
import type { Constant } from "./constant.ts";
import type { KnownGraph } from "./graph.ts";
import { type Lowered, type LoweredOutput, lower } from "./lower/lower.ts";
import type { Buffer, LoweredStep, Variable } from "./lower/lowering.ts";
import { planMemory } from "./memory-plan.ts";

/** A network planned for inputs of known shapes: nothing of it is in the core yet. */
export interface Program {
  readonly steps: readonly LoweredStep[];
  readonly outputs: readonly LoweredOutput[];
  /** Where each buffer lies. */
  readonly place: (buffer: Buffer, weight: (constant: Constant) => TensorId) => Place;
  /** Float32s of the arena. */
  readonly arena: number;
  /** What the steps read that is known beforehand, each once. */
  readonly weights: readonly Constant[];
}

/** Bytes that a program needs. */
export interface ProgramMemory {
  /** Weights, as the network has them: the core keeps filters in another form, some of which take more. */
  readonly weights: number;
  /** All that is computed on the way: one arena. */
  readonly activations: number;
  /** Weights, activations, inputs and outputs together. */
  readonly peak: number;
}

/** Plans a graph as it is; passes come before. Throws `model-unsupported`. */
export function planProgram(graph: KnownGraph): Program {
  return planSteps(lower(graph));
}

/** Plans steps; `variable` finds the tensors that they change, where they do. */
export function planSteps(lowered: Lowered, variable: (variable: Variable) => TensorId = never): Program {
  const { outputs } = lowered;
  const { steps, places, arena } = planMemory(
    lowered.steps,
    outputs.map(({ buffer }) => buffer),
  );
  const weights = new Set<Constant>();
  for (const { inputs } of steps) for (const each of inputs) if (each.kind === "weight") weights.add(each.constant);
  const place = (buffer: Buffer, weight: (constant: Constant) => TensorId): Place => {
    if (buffer.kind === "weight") return { kind: "tensor", id: weight(buffer.constant) };
    if (buffer.kind === "variable") return { kind: "tensor", id: variable(buffer) };
    if (buffer.kind !== "temporary") return buffer;
    const found = places.get(buffer);
    if (found === undefined) throw new Error("a buffer that has no place");
    return found;
  };
  return { steps, outputs, place, arena, weights: [...weights] };
}

function never({ name }: Variable): never {
  throw new Error(`${name} changes, in a network that is not trained`);
}

/** A step as the core takes it. */
export function stepOf({ op, inputs, outputs, words }: LoweredStep, place: (buffer: Buffer) => Place): Step {
  return { op, inputs: inputs.map(place), outputs: outputs.map(place), words };
}

/** The steps as the core takes them. */
export function stepsOf({ steps, place }: Program, weight: (constant: Constant) => TensorId): readonly Step[] {
  return steps.map((step) => stepOf(step, (buffer) => place(buffer, weight)));
}

/** What a program will need. */
export function memoryOf(graph: KnownGraph, { weights, outputs, arena }: Program): ProgramMemory {
  const bytes = (shape: readonly number[]): number => 4 * elementCount(shape);
  const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
  const held = total(weights.map(({ shape }) => bytes(shape)));
  const given = total([...graph.inputs.keys()].map((name) => bytes(graph.infos.get(name)?.shape ?? [])));
  const made = total(outputs.map(({ shape }) => bytes(shape)));
  return { weights: held, activations: 4 * arena, peak: held + 4 * arena + given + made };
}

/** An error of a step as one of its node. */
export function withNode(error: unknown, call: string, { steps }: Program): unknown {
  if (!(error instanceof LensletError)) return error;
  const found = /^steps\[(\d+)\]$/.exec(error.argument ?? "");
  const node = steps[Number(found?.[1] ?? -1)]?.node;
  if (found === null || node === undefined) return error;
  const where = `${call}: node ${show(node.name)} (${node.op})`;
  const text = error.message.replace(/^.*?steps\[\d+\]/, where);
  return new LensletError(error.code, text, { argument: node.name, cause: error });
}

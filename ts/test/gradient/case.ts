/** What a case of the operators of training is, and how it calls them: on an executor, as engines have no methods for them. */
import type { Executor, TensorId, TrainingOp } from "../../command.ts";

/** One behaviour of a core that trains. Throws if it is not so; frees every tensor that it makes. */
export interface GradientCase {
  readonly name: string;
  run(executor: Executor): Promise<void>;
}

/** Runs one operator on inputs (`undefined`: absent) and gives its outputs, of the lengths that are asked for. */
export async function compute(
  executor: Executor,
  op: TrainingOp,
  inputs: readonly (ArrayLike<number> | undefined)[],
  lengths: readonly number[],
  words: readonly number[],
): Promise<Float32Array<ArrayBuffer>[]> {
  let next: TensorId = 1;
  const given = inputs.map((values) => {
    if (values === undefined) return 0;
    executor.submit({ kind: "write", id: next, bytes: new Uint8Array(Float32Array.from(values).buffer) });
    return next++;
  });
  const outputs = lengths.map((length) => ({ id: next++, length }));
  executor.submit({ kind: "op", op, inputs: given, outputs, words });
  try {
    return await Promise.all(outputs.map(async ({ id }) => new Float32Array(await executor.read(id))));
  } finally {
    for (let id = 1; id < next; id++) executor.submit({ kind: "free", id });
  }
}

/**
 * Runs a program of one step that changes tensors where they lie, and gives their new contents.
 * `changed` are what its outputs hold before.
 */
export async function change(
  executor: Executor,
  op: TrainingOp,
  inputs: readonly ArrayLike<number>[],
  changed: readonly ArrayLike<number>[],
  words: readonly number[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const ids = [...inputs, ...changed].map((values, index) => {
    executor.submit({ kind: "write", id: index + 1, bytes: new Uint8Array(Float32Array.from(values).buffer) });
    return index + 1;
  });
  const [given, written] = [ids.slice(0, inputs.length), ids.slice(inputs.length)];
  const step = {
    op,
    inputs: given.map((_, index) => ({ kind: "input", index }) as const),
    outputs: written.map((id) => ({ kind: "tensor", id }) as const),
    words,
  };
  executor.submit({ kind: "program", id: 1, arena: 0, steps: [step] });
  try {
    await executor.run({ program: 1, inputs: given, outputs: [] });
    return await Promise.all(written.map(async (id) => new Float32Array(await executor.read(id))));
  } finally {
    executor.submit({ kind: "freeProgram", id: 1 });
    for (const id of ids) executor.submit({ kind: "free", id });
  }
}

/** The largest magnitude. */
export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Throws unless every number is within `tolerance` of the expected one. */
export function expectNear(
  what: string,
  found: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  if (found?.length !== expected.length) throw new Error(`${what}: ${found?.length} numbers, not ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    const [value, exact] = [found[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    if (!(Math.abs(value - exact) <= tolerance))
      throw new Error(`${what}: element ${i} is ${value}, expected ${exact} within ${tolerance}`);
  }
}

/** Executors of both kinds, and steps to run on them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Command, Executor, OpCommand, Place, ProgramCommand, Step, TensorId } from "../../command.ts";
import { threadExecutor } from "../../core/executor.ts";
import { workerExecutor } from "../../worker/client.ts";

const DIST = join(import.meta.dirname, "..", "..", "..", "dist");

/** Where a core may run. */
export const HOSTS = ["thread", "worker"] as const;

/** A core of its own, and the worker that it is in. */
export interface Started {
  readonly executor: Executor;
  readonly worker: Worker | undefined;
}

/** Starts a core. */
export async function start(host: (typeof HOSTS)[number]): Promise<Started> {
  const module = readFile(join(DIST, "wasm", "relaxed.wasm")).then((bytes) => WebAssembly.compile(bytes));
  if (host === "thread") return { executor: await threadExecutor(await module, "fast"), worker: undefined };
  const worker = new Worker(join(DIST, "node", "worker.js"));
  const { signal } = new AbortController();
  return { executor: await workerExecutor({ worker: () => worker, module, accuracy: "fast", signal }), worker };
}

export const none: Place = { kind: "none" };

export function arena(offset: number, length: number): Place {
  return { kind: "arena", offset, length };
}

export function weight(id: TensorId): Place {
  return { kind: "tensor", id };
}

export function input(index: number): Place {
  return { kind: "input", index };
}

export function output(index: number): Place {
  return { kind: "output", index };
}

export function write(executor: Executor, id: TensorId, values: ArrayLike<number>): void {
  executor.submit({ kind: "write", id, bytes: new Uint8Array(Float32Array.from(values).buffer) });
}

export async function read(executor: Executor, id: TensorId): Promise<number[]> {
  return [...new Float32Array(await executor.read(id))];
}

/** Numbers from -1 to 1, the same for the same seed. */
export function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));
}

export function op(
  name: OpCommand["op"],
  inputs: readonly Place[],
  outputs: readonly Place[],
  words: readonly number[],
): Step {
  return { op: name, inputs, outputs, words };
}

/** `max(x, 0)` */
export function relu(from: Place, to: Place): Step {
  return op("activation", [from], [to], [1, 0, 0]);
}

/** `a + b`, vectors of one length. */
export function add(a: Place, b: Place, to: Place, length: number): Step {
  return op("binary", [a, b], [to], [0, 1, length, 1, length]);
}

/** A 3x3 convolution that keeps the size of an image `[1, size, size, c]`. */
export function conv(size: number, c: number, x: Place, filter: Place, to: Place, residual: Place = none): Step {
  const words = [0, 0, 1, size, size, c, c, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0];
  return op("conv2d", [x, filter, none, residual], [to], words);
}

export function program(
  id: number,
  length: number,
  steps: readonly Step[],
  weightsOnlyPacked?: number[],
): ProgramCommand {
  return {
    kind: "program",
    id,
    arena: length,
    steps,
    ...(weightsOnlyPacked === undefined ? {} : { weightsOnlyPacked }),
  };
}

/** The commands that do one by one what a program does: places of the arena get the ids from 1000 on. */
export function singly(
  steps: readonly Step[],
  lengths: ReadonlyMap<number, number>,
  inputs: readonly TensorId[],
  outputs: readonly TensorId[],
): Command[] {
  const ids = new Map<number, TensorId>();
  let next = 1000;
  const idOf = (place: Place): TensorId => {
    if (place.kind === "none") return 0;
    if (place.kind === "tensor") return place.id;
    if (place.kind === "arena") return ids.get(place.offset) ?? 0;
    return (place.kind === "input" ? inputs : outputs)[place.index] ?? 0;
  };
  return steps.map((step) => {
    const from = step.inputs.map(idOf);
    const to = step.outputs.map((place) => {
      if (place.kind === "arena") ids.set(place.offset, next++);
      const length = place.kind === "arena" ? place.length : place.kind === "output" ? lengths.get(place.index) : 0;
      return { id: idOf(place), length: length ?? 0 };
    });
    return { kind: "op", op: step.op, inputs: from, outputs: to, words: step.words };
  });
}

/** Where the buffers of a network lie in one arena, and which steps write where they read. */
import { IN_PLACE, type Place } from "../command.ts";
import type { Buffer, LoweredStep, Temporary } from "./lower/lowering.ts";

/** A buffer's size, and the first and last step that need it, both included. */
export interface Lifetime {
  /** Float32s. */
  readonly length: number;
  readonly first: number;
  readonly last: number;
}

/** Where lifetimes lie. */
export interface Packing {
  /** Float32s from the arena's beginning, in the order of the lifetimes: multiples of 16. */
  readonly offsets: readonly number[];
  /** Float32s that the arena has to have. */
  readonly size: number;
}

/** Places begin at cache lines: 64 bytes. */
const ALIGNMENT = 16;

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

/**
 * Packs lifetimes so that no two that overlap in time overlap in the arena: the largest first, each into the smallest gap
 * that takes it (greedy by size: Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020).
 */
export function pack(lifetimes: readonly Lifetime[]): Packing {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const bySize = lifetimes.map((_, i) => i).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  /** Those that have a place, by offset. */
  const placed: { readonly lifetime: Lifetime; readonly offset: number; readonly end: number }[] = [];
  let size = 0;
  function lengthOf(i: number): number {
    return lifetimes[i]?.length ?? 0;
  }
  for (const i of bySize) {
    const lifetime = lifetimes[i];
    if (lifetime === undefined) continue;
    const need = aligned(lifetime.length);
    let best = { offset: -1, room: Number.POSITIVE_INFINITY };
    let end = 0;
    for (const other of placed) {
      if (other.lifetime.first > lifetime.last || other.lifetime.last < lifetime.first) continue;
      const room = other.offset - end;
      if (room >= need && room < best.room) best = { offset: end, room };
      end = Math.max(end, other.end);
    }
    const offset = best.offset < 0 ? end : best.offset;
    offsets[i] = offset;
    size = Math.max(size, offset + need);
    const at = placed.findIndex((other) => other.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, { lifetime, offset, end: offset + need });
  }
  return { offsets, size };
}

/** The least that any packing could need: the most that is alive at one step. */
export function lowerBound(lifetimes: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  for (const { length, first, last } of lifetimes) {
    changes.set(first, (changes.get(first) ?? 0) + aligned(length));
    changes.set(last + 1, (changes.get(last + 1) ?? 0) - aligned(length));
  }
  let [most, alive] = [0, 0];
  for (const [, change] of [...changes].sort(([a], [b]) => a - b)) {
    alive += change;
    most = Math.max(most, alive);
  }
  return most;
}

/** A network's steps, and where its buffers lie. */
export interface MemoryPlan {
  /** As given, but for operands that have changed places. */
  readonly steps: readonly LoweredStep[];
  /** Where each buffer lies; weights have no place here. */
  readonly places: ReadonlyMap<Temporary, Place>;
  /** Float32s of the arena. */
  readonly arena: number;
}

/** Finds places for the buffers of steps; `outputs` have their own. */
export function planMemory(steps: readonly LoweredStep[], outputs: readonly Temporary[]): MemoryPlan {
  const kept = new Set(outputs);
  const lastUse = new Map<Temporary, number>();
  steps.forEach(({ inputs, outputs: made }, index) => {
    for (const buffer of [...inputs, ...made]) if (buffer.kind === "temporary") lastUse.set(buffer, index);
  });
  for (const buffer of kept) lastUse.set(buffer, Number.POSITIVE_INFINITY);
  /** Buffers that lie where another does that ends when they begin. */
  const sharing = new Map<Temporary, Temporary>();
  const shared = (buffer: Temporary): Temporary => {
    let at = buffer;
    for (let next = sharing.get(at); next !== undefined; next = sharing.get(at)) at = next;
    return at;
  };
  const ordered = steps.map((step, index): LoweredStep => {
    const dies = (buffer: Buffer | undefined): buffer is Temporary =>
      buffer?.kind === "temporary" && lastUse.get(buffer) === index;
    const [out] = step.outputs;
    if (out?.kind !== "temporary" || !mayShare(step)) return step;
    const [a, b] = step.inputs;
    const swapped = !dies(a) && step.commutes && dies(b);
    const from = swapped ? b : a;
    if (!dies(from) || from.length !== out.length || step.inputs.filter((each) => each === from).length > 1)
      return step;
    // An output of the network has a place; what leads to it goes there.
    sharing.set(shared(from), out);
    return swapped ? { ...step, inputs: [b, a].filter((each) => each !== undefined) } : step;
  });
  return placed(ordered, outputs, shared);
}

/** Whether an operator may write where it finds its first operand. */
function mayShare({ op, words, outputs: [out] }: LoweredStep): boolean {
  if (!IN_PLACE.includes(op)) return false;
  if (op !== "binary") return true;
  const [, rank = 0] = words;
  const left = words.slice(2, 2 + rank);
  const right = words.slice(3 + rank);
  const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
  return count(left) === out?.length && (left.join() === right.join() || count(right) === 1);
}

function placed(
  steps: readonly LoweredStep[],
  outputs: readonly Temporary[],
  shared: (buffer: Temporary) => Temporary,
): MemoryPlan {
  const fixed = new Map<Temporary, Place>(outputs.map((buffer, index) => [buffer, { kind: "output", index }]));
  const lifetimes = new Map<Temporary, Lifetime>();
  const all = new Set<Temporary>();
  steps.forEach(({ inputs, outputs: made }, index) => {
    for (const buffer of [...inputs, ...made]) {
      if (buffer.kind !== "temporary") continue;
      all.add(buffer);
      const whole = shared(buffer);
      const { first } = lifetimes.get(whole) ?? { first: index };
      lifetimes.set(whole, { length: whole.length, first, last: index });
    }
  });
  const inArena = [...lifetimes].filter(([buffer]) => !fixed.has(buffer));
  const { offsets, size } = pack(inArena.map(([, lifetime]) => lifetime));
  const places = new Map(fixed);
  inArena.forEach(([buffer], i) => {
    places.set(buffer, { kind: "arena", offset: offsets[i] ?? 0, length: buffer.length });
  });
  for (const buffer of all) {
    const place = places.get(shared(buffer));
    if (place !== undefined) places.set(buffer, place);
  }
  return { steps, places, arena: size };
}

/**
 * Checkpointing: what the forward pass makes is kept at some places only, and what lies between them is computed again when
 * the backward pass comes to it (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016). The same steps on the same
 * numbers: the gradients have the same bits.
 */
import { type Buffer, type LoweredStep, type Target, type Temporary, temporary } from "../model/lower/lowering.ts";

/** A forward pass and the backward pass that follows it. */
export interface Passes {
  readonly forward: readonly LoweredStep[];
  readonly backward: readonly LoweredStep[];
  /** Results of the forward pass that others read, too. */
  readonly kept: ReadonlySet<Buffer>;
}

/**
 * Where a forward pass may be cut into `count` parts of about as many bytes each, at places that few results cross: the
 * indices of the parts' first steps, the first one's left out.
 */
export function cutsOf(forward: readonly LoweredStep[], count: number): readonly number[] {
  const { made, crossing } = sizes(forward);
  const total = made.at(-1) ?? 0;
  const cuts: number[] = [];
  for (let part = 1; part < count; part++) {
    const target = (total * part) / count;
    const reach = total / (3 * count);
    let best: number | undefined;
    for (let index = (cuts.at(-1) ?? 0) + 1; index < forward.length; index++) {
      if (Math.abs((made[index] ?? 0) - target) > reach) continue;
      if (best === undefined || (crossing[index] ?? 0) < (crossing[best] ?? 0)) best = index;
    }
    if (best !== undefined) cuts.push(best);
  }
  return cuts;
}

/** Elements made before each step, and those of them that it or later ones read. */
function sizes(forward: readonly LoweredStep[]): {
  readonly made: readonly number[];
  readonly crossing: readonly number[];
} {
  const lastUse = new Map<Buffer, number>();
  forward.forEach(({ inputs }, index) => {
    for (const input of inputs) lastUse.set(input, index);
  });
  const made: number[] = [0];
  const change = new Array<number>(forward.length + 1).fill(0);
  forward.forEach(({ outputs }, index) => {
    let sum = made[index] ?? 0;
    for (const output of outputs) {
      sum += output.length;
      const last = lastUse.get(output) ?? index;
      change[index + 1] = (change[index + 1] ?? 0) + output.length;
      change[last + 1] = (change[last + 1] ?? 0) - output.length;
    }
    made.push(sum);
  });
  let alive = 0;
  const crossing = change.map((each) => (alive += each));
  return { made, crossing };
}

/** The backward pass with what each part of the forward pass made in between, all parts but the last, computed again. */
export function recompute({ forward, backward, kept }: Passes, cuts: readonly number[]): readonly LoweredStep[] {
  const partOf = new Map<Buffer, number>();
  const makers = new Map<Buffer, LoweredStep>();
  const crosses = new Set<Buffer>(kept);
  let part = 0;
  forward.forEach((step, index) => {
    if (index === cuts[part]) part++;
    for (const input of step.inputs) if ((partOf.get(input) ?? part) !== part) crosses.add(input);
    for (const output of step.outputs) {
      partOf.set(output, part);
      makers.set(output, step);
    }
  });
  /** Whether a buffer is gone when the backward pass comes to it. */
  const isGone = (buffer: Buffer): buffer is Temporary =>
    buffer.kind === "temporary" && (partOf.get(buffer) ?? part) < part && !crosses.has(buffer);

  const needed = wanted(backward, isGone, makers);
  const places = new Map(forward.map((step, index) => [step, index]));
  const again = new Map<Buffer, Buffer>();
  const steps: LoweredStep[] = [];
  const renamed = (buffer: Buffer): Buffer => again.get(buffer) ?? buffer;
  for (const step of backward) {
    const parts = new Set(
      step.inputs.filter((input) => isGone(input) && !again.has(input)).map((input) => partOf.get(input)),
    );
    const back = [...needed].filter((each) => each.outputs.some((output) => parts.has(partOf.get(output))));
    for (const each of back.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))) {
      needed.delete(each);
      const inputs = each.inputs.map(renamed);
      const outputs = each.outputs.map((output): Target => {
        const next = temporary(output.length);
        if (isGone(output)) again.set(output, next);
        return next;
      });
      steps.push({ ...each, inputs, outputs });
    }
    steps.push({ ...step, inputs: step.inputs.map(renamed) });
  }
  return steps;
}

/** The steps that have to run again so that the backward pass finds what it reads. */
function wanted(
  backward: readonly LoweredStep[],
  isGone: (buffer: Buffer) => boolean,
  makers: ReadonlyMap<Buffer, LoweredStep>,
): Set<LoweredStep> {
  const steps = new Set<LoweredStep>();
  const rest = backward.flatMap(({ inputs }) => inputs);
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const maker = isGone(next) ? makers.get(next) : undefined;
    if (maker === undefined || steps.has(maker)) continue;
    steps.add(maker);
    rest.push(...maker.inputs);
  }
  return steps;
}

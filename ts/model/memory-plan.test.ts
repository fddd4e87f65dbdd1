import { describe, expect, it } from "vitest";
import type { Place } from "../command.ts";
import { at } from "../test/oracle/nd.ts";
import { Random } from "../test/oracle/random.ts";
import type { Node } from "./graph.ts";
import { type Buffer, type LoweredStep, NONE, type Target, type Temporary, temporary } from "./lower/lowering.ts";
import { type Lifetime, lowerBound, pack, planMemory } from "./memory-plan.ts";

const node: Node = { name: "n", op: "Identity", inputs: ["x"], outputs: ["y"], attributes: {} };

function step(op: LoweredStep["op"], inputs: Buffer[], outputs: Temporary[], words: number[] = []): LoweredStep {
  return { op, inputs, outputs, words, node, commutes: op === "binary", moves: false };
}

describe("pack", () => {
  it("reuses what is free again", () => {
    const lifetimes = [
      { length: 100, first: 0, last: 1 },
      { length: 50, first: 1, last: 2 },
      { length: 100, first: 2, last: 3 },
    ];
    expect(pack(lifetimes)).toEqual({ offsets: [0, 112, 0], size: 176 });
    expect(lowerBound(lifetimes)).toBe(176);
  });

  it("takes the smallest gap that is large enough", () => {
    const lifetimes = [
      { length: 320, first: 0, last: 9 },
      { length: 160, first: 0, last: 4 },
      { length: 80, first: 0, last: 9 },
      { length: 48, first: 0, last: 4 },
      { length: 32, first: 0, last: 9 },
      { length: 16, first: 5, last: 9 },
    ];
    // Free from step 5 on: 160 at 320, and 48 at 560.
    expect(at(pack(lifetimes).offsets, 5)).toBe(560);
  });

  it("has nothing overlap, and stays near the lower bound", () => {
    const random = new Random(3);
    const ratios: number[] = [];
    for (let round = 0; round < 200; round++) {
      const lifetimes = Array.from({ length: random.int(1, 80) }, (): Lifetime => {
        const first = random.int(0, 60);
        return { length: random.int(1, 2000), first, last: first + random.int(0, 6) };
      });
      const { offsets, size } = pack(lifetimes);
      lifetimes.forEach((a, i) => {
        const from = at(offsets, i);
        expect(from % 16).toBe(0);
        expect(from + a.length).toBeLessThanOrEqual(size);
        for (let j = 0; j < i; j++) {
          const b = lifetimes[j];
          if (b === undefined || a.first > b.last || b.first > a.last) continue;
          const other = at(offsets, j);
          expect(from >= other + b.length || other >= from + a.length).toBe(true);
        }
      });
      const bound = lowerBound(lifetimes);
      expect(size).toBeGreaterThanOrEqual(bound);
      ratios.push(size / bound);
    }
    expect(Math.max(...ratios)).toBeLessThan(1.5);
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeLessThan(1.1);
  });
});

describe("planMemory", () => {
  it("writes where it reads once nobody else reads there", () => {
    const [a, b, c, y] = [temporary(64), temporary(64), temporary(64), temporary(64)];
    const plan = planMemory(
      [
        step("conv2d", [{ kind: "input", index: 0 }], [a]),
        step("activation", [a], [b]),
        step("binary", [a, b], [c], [0, 1, 64, 1, 64]),
        step("unary", [c], [y]),
      ],
      [y],
    );
    // a is read after b: b has its own place. a and b end with c, which leads to the output.
    expect(plan.places.get(a)).toEqual({ kind: "output", index: 0 });
    expect(plan.places.get(b)).toEqual({ kind: "arena", offset: 0, length: 64 });
    expect(plan.places.get(c)).toEqual({ kind: "output", index: 0 });
    expect(plan.places.get(y)).toEqual({ kind: "output", index: 0 });
    expect(plan.arena).toBe(64);
  });

  it("lets operands change places so that the result can lie where one of them does", () => {
    const [a, b, y, z] = [temporary(32), temporary(32), temporary(32), temporary(32)];
    const plan = planMemory(
      [
        step("conv2d", [{ kind: "input", index: 0 }], [a]),
        step("conv2d", [{ kind: "input", index: 0 }], [b]),
        step("binary", [a, b], [y], [0, 1, 32, 1, 32]),
        step("concat", [a, y], [z]),
      ],
      [z],
    );
    expect(plan.steps[2]?.inputs).toEqual([b, a]);
    expect(plan.places.get(y)).toEqual(plan.places.get(b));
  });

  it("does not for an operand that is repeated, or is no buffer of its own", () => {
    const [a, y] = [temporary(32), temporary(32)];
    const bias: Buffer = { kind: "weight", constant: { type: "float32", shape: [8], data: new Float32Array(8) } };
    const broadcast = [
      step("conv2d", [{ kind: "input", index: 0 }], [a]),
      step("binary", [a, bias], [y], [0, 2, 4, 8, 2, 1, 8]),
    ];
    const plan = planMemory(broadcast, [y]);
    expect(plan.places.get(a)).toEqual({ kind: "arena", offset: 0, length: 32 });
    const input = planMemory([step("activation", [{ kind: "input", index: 0 }], [y])], [y]);
    expect(input.arena).toBe(0);
    const twice = planMemory(
      [step("conv2d", [{ kind: "input", index: 0 }], [a]), step("binary", [a, a], [y], [2, 1, 32, 1, 32])],
      [y],
    );
    expect(twice.places.get(a)).toEqual({ kind: "arena", offset: 0, length: 32 });
  });

  it("keeps what is still needed, whatever the steps", () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed);
      const { steps, outputs } = randomSteps(random);
      expect(replay(planMemory(steps, outputs)), `seed ${seed}`).toEqual([]);
    }
  });
});

function randomSteps(random: Random): { steps: LoweredStep[]; outputs: Temporary[] } {
  const made: Temporary[] = [];
  const steps: LoweredStep[] = [];
  for (let i = 0; i < 40; i++) {
    const recent = made.slice(-6);
    const pick = (): Buffer => (recent.length === 0 ? { kind: "input", index: 0 } : random.pick(recent));
    const a = pick();
    const op = random.pick(["activation", "binary", "conv2d", "concat"] as const);
    const length =
      op === "activation" || op === "binary" ? (a.kind === "temporary" ? a.length : 16) : random.int(1, 40);
    const b = recent.find((each) => each.length === length) ?? NONE;
    const inputs: Buffer[] =
      op === "activation" || (op === "binary" && b === NONE) ? [a] : [a, op === "binary" ? b : pick()];
    const out = temporary(length);
    const words = op === "binary" ? [0, 1, length, 1, length] : [];
    steps.push(step(op === "binary" && inputs.length < 2 ? "unary" : op, inputs, [out], words));
    made.push(out);
  }
  return { steps, outputs: made.slice(-2) };
}

/** Runs a plan on memory that remembers which buffer each float belongs to; gives what a step found overwritten. */
function replay({ steps, places }: ReturnType<typeof planMemory>): string[] {
  const wrong: string[] = [];
  const owner = new Map<string, Target>();
  const cells = (buffer: Target): string[] => {
    const place: Place | undefined = buffer.kind === "temporary" ? places.get(buffer) : undefined;
    if (place?.kind === "output") return Array.from({ length: buffer.length }, (_, i) => `output ${place.index} ${i}`);
    if (place?.kind !== "arena") throw new Error("a buffer without a place");
    return Array.from({ length: buffer.length }, (_, i) => `${place.offset + i}`);
  };
  steps.forEach((each, index) => {
    for (const [k, input] of each.inputs.entries()) {
      if (input.kind !== "temporary") continue;
      if (cells(input).some((cell) => owner.get(cell) !== input)) wrong.push(`step ${index} input ${k}`);
      const shares = each.outputs.some((out) => cells(out).some((cell) => cells(input).includes(cell)));
      if (shares && (k !== 0 || !["activation", "unary", "binary"].includes(each.op)))
        wrong.push(`step ${index} shares ${k}`);
    }
    for (const out of each.outputs) for (const cell of cells(out)) owner.set(cell, out);
  });
  return wrong;
}

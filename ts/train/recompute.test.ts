import { describe, expect, it } from "vitest";
import type { Node } from "../model/graph.ts";
import { type Buffer, type LoweredStep, type Temporary, temporary } from "../model/lower/lowering.ts";
import { at } from "../test/oracle/nd.ts";
import { Random } from "../test/oracle/random.ts";
import { cutsOf, type Passes, recompute } from "./recompute.ts";

const node: Node = { name: "n", op: "Identity", inputs: [], outputs: ["y"], attributes: {} };
const INPUT: Buffer = { kind: "input", index: 0 };

let lastWord = 0;

function step(inputs: Buffer[], outputs: Temporary[]): LoweredStep {
  return { op: "unary", inputs, outputs, words: [++lastWord], node, commutes: false, moves: false };
}

/** A chain with shortcuts, and a backward pass that reads results at random, the last ones first. */
function randomPasses(random: Random): Passes {
  const made: Temporary[] = [];
  const forward = Array.from({ length: random.int(2, 30) }, () => {
    const before = made.length === 0 ? INPUT : at2(made, made.length - 1);
    const shortcut = made.length > 0 && random.chance(0.3) ? [random.pick(made)] : [];
    const outputs = Array.from({ length: random.int(1, 2) }, () => temporary(random.int(1, 50)));
    made.push(...outputs);
    return step([before, ...shortcut], outputs);
  });
  const backward = forward.toReversed().map(({ inputs, outputs }) => {
    const read = [...inputs, ...outputs].filter(() => random.chance(0.6));
    return step(read, [temporary(1)]);
  });
  return { forward, backward, kept: new Set(random.chance(0.5) ? [random.pick(made)] : []) };
}

function at2<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index}`);
  return value;
}

/** What each step reads, as the terms that its operands stand for: of a backward pass behind a forward one. */
function reads(
  forward: readonly LoweredStep[],
  backward: readonly LoweredStep[],
  asked: ReadonlySet<number>,
): Map<number, string> {
  const terms = new Map<Buffer, string>([[INPUT, "x"]]);
  const found = new Map<number, string>();
  for (const { inputs, outputs, words } of [...forward, ...backward]) {
    const operands = inputs.map((input) => {
      const term = terms.get(input);
      if (term === undefined) throw new Error("a result is read before it is there");
      return term;
    });
    for (const [i, output] of outputs.entries()) {
      if (terms.has(output)) throw new Error("a result is written twice");
      terms.set(output, `${at(words, 0)}.${i}(${operands.join()})`);
    }
    if (asked.has(at(words, 0))) found.set(at(words, 0), operands.join());
  }
  return found;
}

describe("recompute", () => {
  it("gives the backward pass what it would find, in buffers that are written once", () => {
    const random = new Random(1);
    for (let round = 0; round < 300; round++) {
      const passes = randomPasses(random);
      const asked = new Set(passes.backward.map(({ words }) => at(words, 0)));
      const expected = reads(passes.forward, passes.backward, asked);
      for (const count of [1, 2, 3, 5, 9]) {
        const cuts = cutsOf(passes.forward, count);
        expect(cuts.length).toBeLessThan(count);
        expect(cuts).toEqual([...new Set(cuts)].sort((a, b) => a - b));
        const again = recompute(passes, cuts);
        expect(reads(passes.forward, again, asked)).toEqual(expected);
        if (cuts.length === 0) expect(again).toEqual(passes.backward);
      }
    }
  });

  it("reads nothing of a part but what crosses to the next, once that has begun", () => {
    const chain = Array.from({ length: 9 }, () => temporary(8));
    const forward = chain.map((to, i) => step([i === 0 ? INPUT : at2(chain, i - 1)], [to]));
    const backward = forward.toReversed().map(({ inputs }) => step([...inputs], [temporary(8)]));
    const cuts = cutsOf(forward, 3);
    expect(cuts).toHaveLength(2);
    const again = recompute({ forward, backward, kept: new Set() }, cuts);
    const old = new Set<Buffer>(
      again.flatMap(({ inputs }) => inputs).filter((input) => chain.some((each) => each === input)),
    );
    // The last part, and the results before the two cuts.
    const [first = 0, second = 0] = cuts;
    expect(
      [...old].every(
        (buffer) =>
          chain.indexOf(buffer as Temporary) >= second - 1 || chain.indexOf(buffer as Temporary) === first - 1,
      ),
    ).toBe(true);
    expect(again.length - backward.length).toBe(second - 2);
  });

  it("cuts where few results cross", () => {
    const [a, b, c, wide, d, e, f] = [8, 8, 2, 8, 8, 8, 8].map(temporary);
    if (
      a === undefined ||
      b === undefined ||
      c === undefined ||
      wide === undefined ||
      d === undefined ||
      e === undefined ||
      f === undefined
    )
      throw new Error();
    const forward = [
      step([INPUT], [a]),
      step([a], [b]),
      step([a, b], [c]),
      step([c], [wide]),
      step([wide], [d]),
      step([d, wide], [e]),
      step([e], [f]),
    ];
    expect(cutsOf(forward, 2)).toEqual([3]);
  });
});

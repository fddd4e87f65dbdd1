/** What a step of training has beside gradients: losses, dropout, the norm that clips; and a whole step as one program. */
import type { Place, Step } from "../../command.ts";
import { check, equal, randomFor } from "../conformance/case.ts";
import { at } from "../oracle/nd.ts";
import { compute, expectNear, type GradientCase } from "./case.ts";

const losses: readonly GradientCase[] = [
  {
    name: "binary cross-entropy",
    of: (p: number, t: number) => Math.log1p(Math.exp(-Math.abs(p))) + Math.max(p, 0) - p * t,
  },
  { name: "squared error", of: (p: number, t: number) => (p - t) ** 2 },
  {
    name: "Huber",
    of: (p: number, t: number) => (Math.abs(p - t) <= 0.5 ? (p - t) ** 2 / 2 : 0.5 * (Math.abs(p - t) - 0.25)),
  },
].map(({ name, of }, code) => ({
  name: `elementwiseLoss, ${name}`,
  async run(executor) {
    const random = randomFor(name);
    const [p, t] = [random.nd([37], -3, 3).data, random.nd([37], 0, 1).data];
    const derivatives = Array.from(p, (x, i) => (of(x + 1e-5, at(t, i)) - of(x - 1e-5, at(t, i))) / 2e-5);
    const sum = Array.from(p, (x, i) => of(x, at(t, i))).reduce((a, b) => a + b, 0);
    for (const [reduction, count] of [
      [0, 37],
      [1, 1],
    ] as const) {
      const [loss, ofP] = await compute(executor, "elementwiseLoss", [p, t], [1, 37], [code, 0.5, reduction]);
      expectNear("loss", loss, [sum / count], (1e-6 * sum) / count);
      expectNear(
        "gradient",
        ofP,
        derivatives.map((value) => value / count),
        4e-6 / count,
      );
    }
  },
}));

const dropout: GradientCase = {
  name: "dropout: the same elements at each call, others at the next step, in another stream and of another seed",
  async run(executor) {
    const ones = new Float32Array(1001).fill(1);
    const drop = async (step: number, words: readonly number[]): Promise<string> => {
      const [y] = await compute(executor, "dropout", [ones, [step, 0.1]], [1001], [0.25, ...words]);
      const kept = y?.filter((value) => Math.abs(value - 4 / 3) < 1e-6).length ?? 0;
      const dropped = y?.filter((value) => value === 0).length ?? 0;
      check(kept + dropped === 1001 && dropped > 190 && dropped < 310, `${dropped} dropped, ${kept} kept`);
      return String(y);
    };
    const first = await drop(1, [5, 6, 0]);
    equal(await drop(1, [5, 6, 0]), first, "again");
    const others = [
      await drop(2, [5, 6, 0]),
      await drop(1, [5, 6, 1]),
      await drop(1, [5, 7, 0]),
      await drop(1, [4, 6, 0]),
    ];
    equal(new Set([first, ...others]).size, 5, "ways to drop");
  },
};

const norm: GradientCase = {
  name: "gradientNorm of 300 gradients",
  async run(executor) {
    const gradients = Array.from({ length: 300 }, (_, i) => [i / 100, -2]);
    const each = gradients.map(([a = 0, b = 0]) => Math.hypot(a, b));
    const all = Math.hypot(...each);
    for (const most of [0, 1, 1000]) {
      const [norms, scale] = await compute(executor, "gradientNorm", [[0.5], ...gradients], [301, 1], [most]);
      expectNear("norms", norms, [all, ...each], 1e-6 * all);
      expectNear("scale", scale, [most === 1 ? 1 / (all + 1e-6) : 1], 1e-8);
    }
    const [, afterLoss] = await compute(executor, "gradientNorm", [[Number.POSITIVE_INFINITY], [1]], [2, 1], [0]);
    equal(String(afterLoss), "NaN", "after a loss that is not finite");
    const [norms, scale] = await compute(executor, "gradientNorm", [[1], [3], [Number.NaN]], [3, 1], [0]);
    equal([String(norms), String(scale)], ["NaN,3,NaN", "NaN"], "after a gradient that is not a number");
  },
};

const none: Place = { kind: "none" };
const arena = (slot: number, length: number): Place => ({ kind: "arena", offset: 64 * slot, length });
const tensor = (id: number): Place => ({ kind: "tensor", id });
const input = (index: number): Place => ({ kind: "input", index });
const output = (index: number): Place => ({ kind: "output", index });

/** A dense layer of 3 inputs and 2 outputs learns a matrix: forward, loss, backward, clipping, an optimiser's step. */
const program: GradientCase = {
  name: "a program of training changes weights for every other program",
  async run(executor) {
    const [m, k, n] = [8, 3, 2];
    const random = randomFor("program");
    const x = random.nd([m, k]).data;
    const truth = random.nd([k, n]).data;
    const y = Array.from({ length: m * n }, (_, i) =>
      [0, 1, 2].reduce((sum, l) => sum + at(x, Math.floor(i / n) * k + l) * at(truth, l * n + (i % n)), 0),
    );
    const write = (id: number, values: ArrayLike<number>): void =>
      executor.submit({ kind: "write", id, bytes: new Uint8Array(Float32Array.from(values).buffer) });
    const [weights, momentum] = [1, 2];
    write(weights, new Float32Array(k * n));
    write(momentum, new Float32Array(k * n));
    const layer: Step = {
      op: "dense",
      inputs: [input(0), tensor(weights), none],
      outputs: [arena(0, m * n)],
      words: [m, k, n, 0, 0, 0, 0],
    };
    const clock = input(2);
    const steps: Step[] = [
      layer,
      {
        op: "elementwiseLoss",
        inputs: [arena(0, m * n), input(1)],
        outputs: [output(0), arena(1, m * n)],
        words: [1, 0, 0],
      },
      {
        op: "denseGrad",
        inputs: [input(0), none, arena(1, m * n)],
        outputs: [arena(2, k * n)],
        words: [m, k, n, 0, 0, 1, 0],
      },
      { op: "gradientNorm", inputs: [output(0), arena(2, k * n)], outputs: [arena(3, 2), arena(4, 1)], words: [0] },
      {
        op: "optimiserStep",
        inputs: [arena(2, k * n), clock, arena(4, 1)],
        outputs: [tensor(weights), tensor(momentum)],
        words: [0, 0.5, 0, 0, 0],
      },
    ];
    // Even if nobody is to need the weights again: the step that changes them does.
    executor.submit({ kind: "program", id: 1, arena: 320, steps, weightsOnlyPacked: [weights] });
    executor.submit({ kind: "program", id: 2, arena: 0, steps: [{ ...layer, outputs: [output(0)] }] });
    write(3, x);
    write(4, y);
    const predict = async (): Promise<number[]> => {
      await executor.run({ program: 2, inputs: [3], outputs: [{ id: 7, length: m * n }] });
      const values = [...new Float32Array(await executor.read(7))];
      executor.submit({ kind: "free", id: 7 });
      return values;
    };
    equal(await predict(), new Array(m * n).fill(0), "predictions of zeros");
    let last = Number.POSITIVE_INFINITY;
    for (let step = 1; step <= 60; step++) {
      write(5, [step, 0.5]);
      await executor.run({ program: 1, inputs: [3, 4, 5], outputs: [{ id: 6, length: 1 }] });
      last = new Float32Array(await executor.read(6))[0] ?? Number.NaN;
      executor.submit({ kind: "free", id: 5 });
      executor.submit({ kind: "free", id: 6 });
    }
    check(last < 1e-3, `the loss is still ${last}`);
    const learnt = new Float32Array(await executor.read(weights));
    expectNear("weights", learnt, truth, 0.1);
    const now = Array.from({ length: m * n }, (_, i) =>
      [0, 1, 2].reduce((sum, l) => sum + at(x, Math.floor(i / n) * k + l) * at(learnt, l * n + (i % n)), 0),
    );
    expectNear("predictions of the other program", await predict(), now, 1e-5);
    for (const id of [1, 2]) executor.submit({ kind: "freeProgram", id });
    for (const id of [1, 2, 3, 4]) executor.submit({ kind: "free", id });
  },
};

/** All of them. */
export const steps: readonly GradientCase[] = [...losses, dropout, norm, program];

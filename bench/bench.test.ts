import assert from "node:assert/strict";
import { test } from "node:test";
import { conv, outputSize } from "./cases.ts";
import { compared } from "./compare.ts";
import { groups } from "./groups.ts";
import { answer, fault } from "./oracle.ts";
import { measuredMachine } from "./peak.ts";
import type { Report } from "./report.ts";
import { geomean, median, pairedRatio } from "./statistics.ts";
import { isConv, workOf } from "./work.ts";

test("statistics", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Math.abs(geomean([1, 4]) - 2) < 1e-12);
  // A slow round slows both: the ratio does not move.
  assert.equal(pairedRatio([2, 20, 2], [1, 10, 1]), 2);
});

test("the oracle convolves by the definition, and notices what is wrong", () => {
  const work = workOf(conv("", [3, 2, 4, 3, 1, 1], 2));
  assert.ok(isConv(work));
  const expected = answer(work);
  assert.deepEqual(outputSize(work.layer), [3, 3]);
  // The middle pixel sees the whole picture; output channel 3 reads input channel 1.
  let sum = work.bias[3] ?? Number.NaN;
  for (let tap = 0; tap < 9; tap++) sum += (work.input[tap * 2 + 1] ?? 0) * (work.filter[tap * 4 + 3] ?? 0);
  assert.ok(Math.abs((expected[4 * 4 + 3] ?? 0) - sum) < 1e-12);
  const output = Float32Array.from(expected);
  assert.equal(fault(work, output, expected), undefined);
  output[5] = (output[5] ?? 0) + 1e-5;
  assert.match(String(fault(work, output, expected)), /wrong answer: 1 of 36 numbers, .* at 5,/);
  output[5] = Number.NaN;
  assert.match(String(fault(work, output, expected)), /wrong answer: 1 of 36 numbers, NaN at 5,/);
  assert.match(String(fault(work, output.slice(1), expected)), /35 numbers instead of 36/);
});

test("names of cases are unique, outputs are not empty", () => {
  const layers = groups.flatMap(({ members }) => members.map(({ layer }) => layer));
  assert.equal(new Set(layers.map(({ name }) => name)).size, layers.length);
  for (const layer of layers) assert.ok(Math.min(...outputSize(layer)) >= 1, layer.name);
  assert.ok((groups.find(({ name }) => name === "sweep")?.members.length ?? 0) >= 200);
});

test("the machine's peak is a speed", async () => {
  const machine = await measuredMachine();
  assert.ok(machine.peak(2) > 1);
  assert.ok(machine.copy(100_000) > 0);
});

test("a comparison sees what exceeds the noise, whatever the machine's speed", () => {
  const report = (lenslet: number, machine: number): Report => ({
    format: 1,
    date: "2026-01-01",
    host: "node",
    engine: "",
    cpu: "",
    cores: 1,
    fused: true,
    clock: "wall",
    bandwidth: 1,
    runtimes: [],
    cases: [
      {
        layer: conv("layer", [3, 1, 1, 3, 1, 1]),
        group: "convolutions",
        count: 1,
        compute: {
          lenslet: { rounds: [1, 1.01, 0.99, 1.02, 0.98].map((noise) => noise * lenslet * machine) },
          peer: { rounds: [2, 2, 2, 2, 2].map((ms) => ms * machine) },
        },
        keep: {},
        peak: [1, 1, 1, 1, 1],
        copy: [1, 1, 1, 1, 1],
      },
    ],
    cold: [],
    sizes: [],
  });
  assert.equal(compared(report(1, 1), report(1, 3)).slower, false);
  assert.equal(compared(report(1, 1), report(1.02, 1)).slower, false);
  const slower = compared(report(1, 1), report(1.5, 0.7));
  assert.equal(slower.slower, true);
  assert.match(slower.lines.join("\n"), /layer: time × 1\.50/);
  assert.match(compared(report(1.5, 1), report(1, 1)).lines.join("\n"), /faster:\n {2}layer: time × 0\.67/);
});

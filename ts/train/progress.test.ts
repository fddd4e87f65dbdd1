import { expect, test } from "vitest";
import type { Terminal } from "../platform/platform.ts";
import type { EpochReport, StepReport } from "./history.ts";
import { ProgressBar } from "./progress.ts";

/** What is on a terminal after all that was written to it. */
function screen(columns: number | undefined): { readonly terminal: Terminal; lines(): readonly string[] } {
  const lines = [""];
  const write = (text: string): void => {
    for (const part of text.split(/(\r|\n)/)) {
      if (part === "\n") lines.push("");
      else if (part !== "\r") lines[lines.length - 1] = part + (lines.at(-1) ?? "").slice(part.length);
    }
  };
  return { terminal: { columns, write }, lines: () => lines.map((line) => line.trimEnd()) };
}

const scores = { loss: 0.12345, metrics: { accuracy: 0.5 } };

function step(batch: number): StepReport {
  const place = { step: batch, epoch: 2, batch, batches: 20, size: 8 };
  return { ...place, ...scores, learningRate: 1, gradientNorm: 1, running: scores };
}

const epoch: EpochReport = { epoch: 2, ...scores, learningRate: 1, milliseconds: 95_000, validation: scores };

test("draws a bar that fits the line, at most ten times a second, and a line that stays for each epoch", () => {
  const { terminal, lines } = screen(100);
  let now = 0;
  const bar = new ProgressBar(terminal, 5, () => now);
  now = 1000;
  bar.step(step(5));
  expect(lines()).toEqual(["epoch 2/5 [========                      ] 5/20  loss 0.1235  accuracy 0.5000  15 s left"]);
  now = 1050;
  bar.step(step(6));
  expect(lines()[0]).toContain(" 5/20 ");
  now = 1100;
  bar.step(step(10));
  expect(lines()[0]).toContain("[===============               ] 10/20");
  bar.epoch(epoch, 20);
  const text =
    "epoch 2/5  loss 0.1235  accuracy 0.5000  validation: loss 0.1235  accuracy 0.5000  20 steps in 1 min 35 s";
  expect(lines()).toEqual([text, ""]);
  bar.end();
  expect(lines()).toEqual([text, ""]);
});

test("an end in the middle of an epoch leaves the cursor at the start of a line", () => {
  const { terminal, lines } = screen(60);
  const bar = new ProgressBar(terminal, 5, () => 500);
  bar.step(step(1));
  bar.end();
  expect(lines()).toHaveLength(2);
  expect(lines()[0]?.length).toBeLessThan(60);
  expect(lines()[1]).toBe("");
});

test("where lines cannot be written again, each epoch is one", () => {
  const { terminal, lines } = screen(undefined);
  const bar = new ProgressBar(terminal, 5, () => 0);
  bar.step(step(5));
  expect(lines()).toEqual([""]);
  bar.epoch({ ...epoch, milliseconds: 3 * 3_600_000 + 5 * 60_000, validation: undefined }, 20);
  bar.end();
  expect(lines()).toEqual(["epoch 2/5  loss 0.1235  accuracy 0.5000  20 steps in 3 h 5 min", ""]);
});

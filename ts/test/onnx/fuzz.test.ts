import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../oracle/random.ts";
import { ownFiles } from "./corpus.ts";
import { isWhole, judge } from "./judge.ts";
import { mutate } from "./mutate.ts";

/** Runs the command, and tells how it ended and what it said. */
function fuzz(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "fuzz.ts"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}

test("files built here are whole, and run", async () => {
  expect(ownFiles().every(isWhole)).toBe(true);
  const verdicts = await Promise.all(ownFiles().map(judge));
  expect(verdicts.filter((verdict) => verdict !== "ran" && verdict !== "agreed")).toEqual([]);
});

test("damaged files differ from whole ones, and the same seed damages alike", () => {
  const files = ownFiles();
  const made = Array.from({ length: 300 }, (_, seed) => mutate(files, new Random(seed)));
  expect(made).toEqual(Array.from({ length: 300 }, (_, seed) => mutate(files, new Random(seed))));
  const texts = new Set(made.map((bytes) => Buffer.from(bytes).toString("base64")));
  expect(texts.size).toBeGreaterThan(250);
  const whole = made.filter(isWhole).length;
  expect(whole).toBeGreaterThan(30);
  expect(whole).toBeLessThan(270);
});

test("files that throw, hang, kill the process or take its memory are found", { timeout: 120_000 }, async () => {
  const { code, output } = await fuzz(
    "--count",
    "8",
    "--jobs",
    "1",
    "--silence",
    "6",
    "--judge",
    "./testing/bad-judge.ts",
  );
  expect(code).toBe(1);
  for (const finding of [
    "case 1: TypeError: no error of ours",
    "case 3: the process hung or died",
    "case 5: the process hung or died",
  ]) {
    expect(output).toContain(finding);
  }
  expect(output).toMatch(/case 7: took 1\d{3} MiB/);
});

test("damaged files are refused or accepted", { timeout: 300_000 }, async () => {
  const { code, output } = await fuzz("--count", "10000", "--seed", "1", "--jobs", "2");
  expect(output).toMatch(/10000 of 10000: .* 0 findings/);
  expect(code).toBe(0);
});

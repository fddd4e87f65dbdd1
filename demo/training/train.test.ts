import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine } from "lenslet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const command = join(import.meta.dirname, "train.ts");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lenslet-train-"));
});
afterAll(() => rm(folder, { recursive: true }));

function train(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, INIT_CWD: folder, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...words], { env }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

/** A network's row of the table: parameters, multiply-adds, seconds, and the three accuracies in percent. */
function row(out: string, name: string): number[] {
  const line = new RegExp(`^${name} .*$`, "m").exec(out)?.[0] ?? "";
  return [...line.replaceAll(",", "").matchAll(/[\d.]+/g)].map(([number]) => Number(number));
}

test("the CNN beats a flat network of as many parameters, most of all where pictures have moved", async () => {
  const { code, out, err } = await train(
    "--data",
    "fashion-mnist-part",
    "--epochs",
    "3",
    "--out",
    "learnt",
    "--worker",
  );
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(out).toContain("4,000 to train on, 1,000 to test by");
  expect(out).toContain("in a worker");
  const [cnn, flat] = [row(out, "CNN"), row(out, "flat")];
  const [parameters = 0, macs = 0, , accuracy = 0, slightlyMoved = 0, moved = 0] = cnn;
  expect(cnn).toHaveLength(6);
  // As many as one hidden unit of the flat network has, at most, lie between.
  expect(Math.abs(parameters - (flat[0] ?? 0))).toBeLessThan(795 / 2 + 1);
  expect(macs).toBeGreaterThan(10 * (flat[1] ?? 0));
  expect(accuracy).toBeGreaterThan(70);
  expect(slightlyMoved).toBeGreaterThan((flat[4] ?? 0) + 5);
  expect(moved).toBeGreaterThan((flat[5] ?? 0) + 5);

  const learnt = join(folder, "learnt");
  expect(await readdir(learnt)).toEqual(["cnn.onnx", "curves.svg", "feature-maps.png", "filters.png"]);
  expect(await readFile(join(learnt, "curves.svg"), "utf8")).toContain("loss in training");
  const engine = await createEngine();
  try {
    const model = await engine.load(join(learnt, "cnn.onnx"));
    expect(model.summary().parameters).toBe(parameters);
  } finally {
    engine.dispose();
  }
}, 180_000);

test("the same seed comes to the same figures", async () => {
  const words = ["--data", "fashion-mnist-part", "--samples", "300", "--epochs", "1", "--out", "again"];
  const runs = [await train(...words), await train(...words, "--worker"), await train(...words, "--seed", "1")];
  const [first, second, other] = runs.map(({ out }) => ["CNN", "flat"].map((name) => row(out, name).toSpliced(2, 1)));
  expect(first?.[0]).toHaveLength(5);
  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
}, 180_000);

test("--help tells how to use it", async () => {
  const { code, out } = await train("--help");
  expect(code).toBe(0);
  expect(out).toContain("npm run train -- --data mnist");
});

describe("a mistake is told in one line", () => {
  test.each([
    ["unknown samples", ["--data", "cifar"], /--data is "cifar"; expected fashion-mnist, fashion-mnist-part or mnist/],
    ["no epochs", ["--epochs", "0"], /--epochs is "0"; expected a whole number of 1 or more/],
    ["a rate that is none", ["--rate", "fast"], /--rate is "fast"; expected a number above 0/],
    [
      "more samples than there are",
      ["--data", "fashion-mnist-part", "--samples", "5000"],
      /--samples is 5000, but fashion-mnist-part has 4000/,
    ],
    ["an unknown option", ["--fast"], /'--fast'/],
  ])("%s", async (_, words, text) => {
    const { code, out, err } = await train(...words);
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toMatch(text);
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});

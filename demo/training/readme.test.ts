import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine } from "lenslet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IdxPair, sampleSet } from "./samples.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Bytes of a picture, and of the headers before pictures and labels. */
const [PIXELS, IMAGE_HEADER, LABEL_HEADER] = [28 * 28, 16, 8];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lenslet-readme-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(ROOT, join(folder, "node_modules/lenslet"), "dir");
});
afterAll(() => rm(folder, { recursive: true }));

/** The first `size` of an IDX file's samples, as a file of its own. */
async function firstOf(path: string, size: number, header: number, bytes: number): Promise<Uint8Array> {
  const part = Uint8Array.from((await readFile(path)).subarray(0, header + size * bytes));
  new DataView(part.buffer).setUint32(4, size);
  return part;
}

async function writePart(name: string, { images, labels }: IdxPair, size: number): Promise<void> {
  await writeFile(join(folder, `${name}-images-idx3-ubyte`), await firstOf(images, size, IMAGE_HEADER, PIXELS));
  await writeFile(join(folder, `${name}-labels-idx1-ubyte`), await firstOf(labels, size, LABEL_HEADER, 1));
}

/** The README's example that writes `digits.onnx`. */
async function example(): Promise<string> {
  const text = await readFile(join(ROOT, "README.md"), "utf8");
  const found = [...text.matchAll(/```ts\n([^`]+)```/g)].map(([, code = ""]) => code);
  const [code = "", ...more] = found.filter((block) => block.includes('"digits.onnx"'));
  expect(more).toEqual([]);
  return code;
}

test("the README's example trains and saves a network that reads digits", async () => {
  const { training, test: unseen } = sampleSet("mnist");
  await writePart("train", training, 5000);
  await writePart("t10k", unseen, 1000);
  const code = await example();
  expect(code.trimEnd().split("\n").length).toBeLessThanOrEqual(25);
  await writeFile(join(folder, "train.ts"), code);

  const out = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, ["train.ts"], { cwd: folder, timeout: 120_000 }, (error, text, err) => {
      if (error === null) resolve(text);
      else reject(new Error(err, { cause: error }));
    });
  });
  const told = /accuracy: ([\d.]+)/.exec(out)?.[1];
  expect(Number(told)).toBeGreaterThan(0.93);

  const engine = await createEngine();
  try {
    const model = await engine.load(join(folder, "digits.onnx"));
    const images = Float32Array.from(
      (await readFile(join(folder, "t10k-images-idx3-ubyte"))).subarray(IMAGE_HEADER),
      (byte) => byte / 255,
    );
    const labels = (await readFile(join(folder, "t10k-labels-idx1-ubyte"))).subarray(LABEL_HEADER);
    const { output } = await model.run({ data: images, shape: [1000, 28, 28, 1] });
    const scores = (await output?.data()) ?? new Float32Array();
    const right = labels.filter((label, i) => {
      const own = scores.subarray(i * 10, i * 10 + 10);
      return own.indexOf(Math.max(...own)) === label;
    });
    expect(right.length / 1000).toBeCloseTo(Number(told), 3);
  } finally {
    engine.dispose();
  }
}, 180_000);

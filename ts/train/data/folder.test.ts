import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folder } from "./folder.ts";
import { pictures } from "./pictures.ts";
import { failure } from "./testing/codes.ts";

let root = "";

function plain(width: number, height: number, background: string): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lenslet-folder-"));
  for (const name of ["pets/dog", "pets/Cat", "pets/.cache", "empty/a", "bare", "broken/a"]) {
    await mkdir(join(root, name), { recursive: true });
  }
  await writeFile(join(root, "pets/dog/2.png"), await plain(8, 4, "#ff0000"));
  await writeFile(join(root, "pets/dog/10.PNG"), await plain(4, 4, "#00ff00"));
  await writeFile(join(root, "pets/Cat/1.png"), await plain(2, 2, "#0000ff"));
  await writeFile(join(root, "pets/Cat/notes.txt"), "not a picture");
  await writeFile(join(root, "pets/read.me"), "not a folder");
  await writeFile(join(root, "broken/a/1.jpg"), "not a picture");
});
afterAll(() => rm(root, { recursive: true }));

test("folders are classes, and their pictures samples, in the order of their names", async () => {
  const dataset = await folder(join(root, "pets"), { size: 2 });
  expect(dataset).toMatchObject({ size: 3, inputShape: [2, 2, 3], targetShape: [], classes: ["Cat", "dog"] });
  const { inputs, targets } = await dataset.batch(Int32Array.of(0, 1, 2), 0);
  expect(Array.from(targets)).toEqual([0, 1, 1]);
  const four = (...pixel: number[]): number[] => [pixel, pixel, pixel, pixel].flat();
  expect(Array.from(inputs)).toEqual([...four(0, 0, 1), ...four(0, 1, 0), ...four(1, 0, 0)]);
});

test("a URL, grey, with mean and std", async () => {
  const dataset = await folder(pathToFileURL(`${join(root, "pets")}/`), {
    size: 1,
    channels: "grey",
    mean: 0.5,
    std: 0.5,
  });
  const { inputs } = await dataset.batch(Int32Array.of(2, 0), 0);
  expect(Array.from(inputs)).toEqual([Math.fround((76 / 255 - 0.5) / 0.5), Math.fround((29 / 255 - 0.5) / 0.5)]);
});

test("pictures are read once, or every time when not kept", async () => {
  const file = join(root, "changing.png");
  const files = [{ source: file, label: 0 }];
  const [kept, anew] = [true, false].map((cache) => pictures(files, { size: 1, classes: ["a"], cache }));
  await writeFile(file, await plain(1, 1, "#ffffff"));
  for (const dataset of [kept, anew]) expect((await dataset?.batch(Int32Array.of(0, 0), 0))?.inputs[3]).toBe(1);
  await writeFile(file, await plain(1, 1, "#000000"));
  expect((await kept?.batch(Int32Array.of(0), 0))?.inputs[0]).toBe(1);
  expect((await anew?.batch(Int32Array.of(0), 0))?.inputs[0]).toBe(0);
});

test("more pictures than are read at a time keep their places", async () => {
  const shades = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => ({
      source: Uint8Array.from(await plain(1 + 37 * (i % 3), 5, `rgb(${i},${i},${i})`)),
      label: i % 2,
    })),
  );
  const dataset = pictures(shades, { size: 1, channels: "grey", classes: ["even", "odd"] });
  const { inputs, targets } = await dataset.batch(
    Int32Array.from(shades, (_, i) => i),
    0,
  );
  expect(Array.from(inputs, (value) => Math.round(255 * value))).toEqual(shades.map((_, i) => i));
  expect(Array.from(targets)).toEqual(shades.map(({ label }) => label));
});

test.each<[string, () => unknown, string]>([
  ["a folder that is not there", () => folder(join(root, "none"), { size: 2 }), "file-failed: data.folder: path"],
  ["a file", () => folder(join(root, "pets/read.me"), { size: 2 }), "file-failed: data.folder: path"],
  [
    "a folder without folders",
    () => folder(join(root, "bare"), { size: 2 }),
    "bare has no folders; expected one folder for each class",
  ],
  ["a class without pictures", () => folder(join(root, "empty"), { size: 2 }), "data-invalid: data.folder: "],
  ["no path", () => folder("", { size: 2 }), 'invalid-argument: data.folder: path is ""'],
  [
    "no size",
    () => folder(join(root, "pets"), {} as { size: number }),
    "invalid-argument: data.folder: size is undefined",
  ],
  ["no pictures", () => pictures([], { size: 2, classes: ["a"] }), "invalid-argument: data.pictures: files is []"],
  [
    "a label that is no class",
    () => pictures([{ source: "a.png", label: 1 }], { size: 2, classes: ["a"] }),
    "files[0].label is 1; expected the number of a class, from 0 to 0",
  ],
])("%s is refused", async (_, call, text) => {
  expect(await failure(call)).toContain(text);
});

test("a file that is no picture is named when it is read", async () => {
  const dataset = await folder(join(root, "broken"), { size: 2 });
  expect(await failure(() => dataset.batch(Int32Array.of(0), 0))).toMatch(
    /^image-failed: data\.folder: the picture ".*1\.jpg" could not be read/,
  );
});

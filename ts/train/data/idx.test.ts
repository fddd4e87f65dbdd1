import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { idx, type IdxOptions } from "./idx.ts";
import { failure } from "./testing/codes.ts";

/** An IDX file: its type, its axes, its bytes. */
function file(type: number, shape: readonly number[], data: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (type << 8) | shape.length);
  for (const [axis, size] of shape.entries()) view.setUint32(4 + 4 * axis, size);
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

const pixels = Array.from({ length: 12 }, (_, i) => i * 20);
const images = file(8, [3, 2, 2], pixels);
const labels = file(8, [3], [1, 0, 2]);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lenslet-idx-"));
  await writeFile(join(folder, "images"), images);
  await writeFile(join(folder, "images.gz"), gzipSync(images));
});
afterAll(() => rm(folder, { recursive: true }));

describe("data.idx", () => {
  test.each<[string, () => IdxOptions["images"]]>([
    ["bytes", () => images],
    ["an ArrayBuffer", () => images.buffer],
    ["gzipped bytes", () => Uint8Array.from(gzipSync(images))],
    ["bytes in the middle of a buffer", () => new Uint8Array(Uint8Array.of(9, ...images, 9).buffer, 1, images.length)],
    ["a Blob", () => new Blob([images])],
    ["a path", () => join(folder, "images")],
    ["a path to a gzip file", () => join(folder, "images.gz")],
    ["a URL", () => pathToFileURL(join(folder, "images.gz"))],
  ])("reads %s", async (_, source) => {
    const dataset = await idx({ images: source(), labels });
    expect(dataset).toMatchObject({ size: 3, inputShape: [2, 2, 1], targetShape: [], classes: ["0", "1", "2"] });
    const { inputs, targets } = await dataset.batch(Int32Array.of(2, 0), 0);
    expect(Array.from(inputs)).toEqual([160, 180, 200, 220, 0, 20, 40, 60].map((byte) => Math.fround(byte / 255)));
    expect(Array.from(targets)).toEqual([2, 1]);
  });

  test("reads pictures of several channels, and names their classes", async () => {
    const coloured = file(8, [3, 2, 1, 2], pixels);
    const dataset = await idx({ images: coloured, labels, classes: ["coat", "bag", "shirt"], mean: 0.5, std: [1, 2] });
    expect(dataset).toMatchObject({ inputShape: [2, 1, 2], classes: ["coat", "bag", "shirt"] });
    const { inputs } = await dataset.batch(Int32Array.of(0), 0);
    expect(Array.from(inputs)).toEqual(
      [0 - 0.5, (20 / 255 - 0.5) / 2, 40 / 255 - 0.5, (60 / 255 - 0.5) / 2].map(Math.fround),
    );
  });

  test("knows how many classes there are when told, though none of the last is there", async () => {
    expect((await idx({ images, labels, classes: 10 })).classes).toHaveLength(10);
  });

  const zipped = Uint8Array.from(gzipSync(images));
  test.each<[string, Partial<IdxOptions>, string]>([
    [
      "a wrong magic",
      { images: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d) },
      "data-invalid: data.idx: images begins with 0x89504e47; expected an IDX file: 0x00000803 for images",
    ],
    [
      "another type",
      { images: file(0x0d, [1, 1, 1], [0, 0, 0, 0]) },
      "data-invalid: data.idx: images holds 32-bit floats (0x0d); expected unsigned bytes (0x08)",
    ],
    [
      "an empty file",
      { labels: new Uint8Array() },
      "data-invalid: data.idx: labels ends after 0 bytes; expected an IDX file",
    ],
    [
      "a truncated header",
      { images: images.slice(0, 15) },
      "data-invalid: data.idx: images ends after 15 bytes; expected a header of 16",
    ],
    [
      "truncated data",
      { images: images.slice(0, -1) },
      "data-invalid: data.idx: images is truncated: it has 11 bytes after the header; expected 12, for shape [3, 2, 2]",
    ],
    [
      "bytes too many",
      { labels: Uint8Array.of(...labels, 0) },
      "data-invalid: data.idx: labels is longer than its header says: it has 4 bytes after the header; expected 3",
    ],
    [
      "a truncated gzip file",
      { images: zipped.slice(0, -9) },
      "data-invalid: data.idx: images is a gzip file that is damaged or ends early",
    ],
    [
      "a shape that no memory holds",
      { images: file(8, [2 ** 31, 2 ** 31, 2], []) },
      "data-invalid: data.idx: images says that its shape is [2147483648, 2147483648, 2]",
    ],
    [
      "files changed for each other",
      { images: labels, labels: images },
      "data-invalid: data.idx: images has shape [3]; expected [n, h, w] or [n, h, w, c]: is it the file of labels?",
    ],
    [
      "images as labels",
      { labels: images },
      "data-invalid: data.idx: labels has shape [3, 2, 2]; expected [n]: is it the file of images?",
    ],
    [
      "files of two sets",
      { labels: file(8, [2], [0, 1]) },
      "data-invalid: data.idx: labels has 2 labels; expected 3, one for each of images",
    ],
    [
      "a label out of range",
      { classes: 2 },
      "data-invalid: data.idx: labels says at 2 that the class is 2; expected 0 to 1, as there are 2 classes",
    ],
    [
      "no file at all",
      { images: "/nowhere/images" },
      "file-failed: data.idx: images /nowhere/images could not be read",
    ],
    [
      "no classes",
      { classes: 0 },
      "invalid-argument: data.idx: classes is 0; expected the classes' names, or how many there are",
    ],
  ])("refuses %s", async (_, change, text) => {
    expect(await failure(() => idx({ images, labels, ...change }))).toContain(text);
  });

  test("stops when it is told to", async () => {
    expect(await failure(() => idx({ images, labels, signal: AbortSignal.abort() }))).toContain("aborted: data.idx");
  });
});

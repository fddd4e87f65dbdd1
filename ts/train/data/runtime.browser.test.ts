/** What of `data` depends on the runtime: gzip, addresses, pictures, folders. */
import { expect, test } from "vitest";
import * as data from "./index.ts";
import { failure } from "./testing/codes.ts";

const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 51, 102, 255);
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 0);

function zipped(bytes: Uint8Array<ArrayBuffer>): Promise<Blob> {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).blob();
}

test("IDX files from a gzipped Blob and from an address", async () => {
  const address = URL.createObjectURL(new Blob([labels]));
  try {
    const dataset = await data.idx({ images: await zipped(images), labels: new URL(address) });
    expect(dataset).toMatchObject({ size: 2, inputShape: [1, 2, 1], classes: ["0", "1"] });
    const { inputs, targets } = await dataset.batch(Int32Array.of(1, 0), 0);
    expect(Array.from(inputs)).toEqual([102 / 255, 1, 0, 51 / 255].map(Math.fround));
    expect(Array.from(targets)).toEqual([0, 1]);
  } finally {
    URL.revokeObjectURL(address);
  }
});

test("a gzip file that ends early is named", async () => {
  const whole = await zipped(images);
  const call = () => data.idx({ images: whole.slice(0, whole.size - 9), labels });
  expect(await failure(call)).toContain("data-invalid: data.idx: images is a gzip file that is damaged or ends early");
});

test("pictures that a visitor chose", async () => {
  const painted = (colour: string): Promise<Blob> => {
    const canvas = new OffscreenCanvas(6, 4);
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.fillStyle = colour;
    context.fillRect(0, 0, 6, 4);
    return canvas.convertToBlob({ type: "image/png" });
  };
  const files = [
    { source: await painted("#ff0000"), label: 1 },
    { source: new File([await painted("#0000ff")], "blue.png"), label: 0 },
    { source: new File(["not a picture"], "note.png"), label: 0 },
  ];
  const dataset = data.pictures(files, { size: 1, classes: ["blue", "red"] });
  const { inputs, targets } = await dataset.batch(Int32Array.of(1, 0), 0);
  expect(Array.from(inputs)).toEqual([0, 0, 1, 1, 0, 0]);
  expect(Array.from(targets)).toEqual([0, 1]);
  const unreadable = () => dataset.batch(Int32Array.of(2), 0);
  expect(await failure(unreadable)).toContain('image-failed: data.pictures: the picture "note.png" could not be read');
});

test("folders are for Node", async () => {
  expect(await failure(() => data.folder("pets", { size: 8 }))).toContain(
    "file-failed: data.folder: browsers cannot list folders; data.pictures takes the files that a visitor chose",
  );
});

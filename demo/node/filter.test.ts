import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const command = join(import.meta.dirname, "filter.ts");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lenslet-demo-"));
});
afterAll(() => rm(folder, { recursive: true }));

function filter(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, INIT_CWD: folder, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...words], { env }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

/** A PNG file's size stands at a fixed place in its head. */
async function sizeOf(path: string): Promise<readonly [width: number, height: number]> {
  const head = await readFile(path);
  expect(head.subarray(1, 4).toString()).toBe("PNG");
  return [head.readUInt32BE(16), head.readUInt32BE(20)];
}

const ways: readonly (readonly string[])[] = [[], ["--worker"], ["--build", "simd"]];

test.each(ways.map((words) => ({ words })))("filters the bundled photograph: $words", async ({ words }) => {
  const { code, out, err } = await filter("--out", "pictures", ...words);
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(out).toContain("451 × 300");
  expect(out).toContain(`${words.includes("simd") ? "simd" : "relaxed"} build`);
  expect(out).toContain(words.includes("--worker") ? "a worker" : "this thread");

  const pictures = join(folder, "pictures");
  expect(await readdir(pictures)).toEqual([
    "blur.png",
    "edges.png",
    "feature-maps.png",
    "max-pooled.png",
    "sharpen.png",
  ]);
  expect(await sizeOf(join(pictures, "edges.png"))).toEqual([451, 300]);
  expect(await sizeOf(join(pictures, "max-pooled.png"))).toEqual([113, 75]);
});

test("--help tells how to use it", async () => {
  const { code, out } = await filter("--help");
  expect(code).toBe(0);
  expect(out).toContain("npm start -- photo.jpg");
});

describe("a mistake is told in one line", () => {
  test.each([
    ["a missing file", ["nowhere.jpg"], /there is no file .*nowhere\.jpg/],
    ["a folder", ["."], /./],
    ["two photographs", ["a.jpg", "b.jpg"], /one photograph/],
    ["an unknown option", ["--fast"], /'--fast'/],
    ["an unknown build", ["--build", "turbo"], /expected auto, simd or relaxed/],
    ["an option without its value", ["--out"], /--out/],
    ["an output folder that is a file", ["--out", command], /EEXIST/],
  ])("%s", async (_, words, text) => {
    const { code, out, err } = await filter(...words);
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toMatch(text);
    expect(err.trim().split("\n")).toHaveLength(1);
  });

  test("a file that is no picture", async () => {
    await writeFile(join(folder, "note.jpg"), "not a picture");
    const { code, err } = await filter("note.jpg");
    expect(code).toBe(1);
    expect(err).toContain("note.jpg");
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});

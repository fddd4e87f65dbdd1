import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const command = join(import.meta.dirname, "classify.ts");

function classify(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, INIT_CWD: import.meta.dirname, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...words], { env }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

const ways: readonly (readonly string[])[] = [[], ["--worker"], ["--build", "simd"]];

test.each(ways.map((words) => ({ words })))("tells what the bundled photograph shows: $words", async ({ words }) => {
  const { code, out, err } = await classify(...words);
  expect(err).toBe("");
  expect(code).toBe(0);
  const classes = [...out.matchAll(/([\d.]+)% {2}\S+ {2}(.+)/g)].map(([, percent, label]) => ({ percent, label }));
  expect(classes).toHaveLength(5);
  // What EfficientNet-Lite0 in PyTorch makes of it: 0.41, 0.34, 0.17.
  expect(classes.slice(0, 3).map(({ label }) => label)).toEqual(["tiger cat", "Egyptian cat", "tabby, tabby cat"]);
  expect(Number(classes[0]?.percent)).toBeGreaterThan(35);
});

test("--help tells how to use it", async () => {
  const { code, out } = await classify("--help");
  expect(code).toBe(0);
  expect(out).toContain("npm run classify -- photo.jpg");
});

test.each([
  ["a missing file", ["nowhere.jpg"], /there is no file .*nowhere\.jpg/],
  ["a file that is no picture", ["classify.ts"], /is not a picture/],
  ["an option of another command", ["--out", "here"], /'--out'/],
])("a mistake is told in one line: %s", async (_, words, text) => {
  const { code, out, err } = await classify(...words);
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toMatch(text);
  expect(err.trim().split("\n")).toHaveLength(1);
});

import { spawnSync } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";

/** rustc lets modules of a crate import each other in circles; this holds them, and the crates, to one direction. */
const KERNELS = join(import.meta.dirname, "kernels", "src");

/** What the lower layers may import of the crate; the upper ones need only be free of circles. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  simd: [],
  shape: [],
  math: ["simd"],
  activation: ["math", "shape", "simd"],
  epilogue: ["activation", "simd"],
  gemm: ["epilogue", "shape", "simd"],
};

const modules = readdirSync(KERNELS)
  .map((file) => basename(file, ".rs"))
  .filter((name) => name !== "lib");

/** The modules of the crate that a module (a file or a folder) mentions, in whatever way it is written. */
function importsOf(module: string): string[] {
  const files = globSync([`${module}.rs`, `${module}/**/*.rs`], { cwd: KERNELS });
  const source = files.map((file) => readFileSync(join(KERNELS, file), "utf8").replace(/\/\/.*$/gm, "")).join("\n");
  const direct = source.matchAll(/\bcrate::(\w+)/g);
  const listed = source.matchAll(/\bcrate::\{([^;]*)\};/g);
  const names = [...direct, ...listed].flatMap(([, text = ""]) => text.match(/\w+/g) ?? []);
  return modules.filter((other) => other !== module && names.includes(other));
}

const graph = new Map(modules.map((module) => [module, importsOf(module)]));

/** The path by which a module reaches itself, if there is one. */
function circle(start: string, path: readonly string[] = [start]): readonly string[] | undefined {
  for (const next of graph.get(path.at(-1) ?? start) ?? []) {
    if (next === start) return [...path, next];
    const found = path.includes(next) ? undefined : circle(start, [...path, next]);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe("imports between the kernels' modules", () => {
  test.each(Object.entries(LAYERS))("%s imports at most %j", (module, allowed) => {
    expect(graph.get(module)).toBeDefined();
    expect(graph.get(module)?.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  test.each(modules)("%s is not part of a circle", (module) => {
    expect(circle(module)).toBeUndefined();
  });
});

interface Metadata {
  readonly packages: readonly {
    readonly name: string;
    readonly dependencies: readonly { readonly name: string; readonly kind: "dev" | "build" | null }[];
  }[];
}

test("the kernels know nothing of JavaScript, and only the boundary knows wasm-bindgen", () => {
  const { stdout } = spawnSync("cargo", ["metadata", "--no-deps", "--format-version=1"], { encoding: "utf8" });
  const { packages } = JSON.parse(stdout) as Metadata;
  const dependencies = (crate: string): string[] | undefined =>
    packages
      .find(({ name }) => name === crate)
      ?.dependencies.flatMap(({ name, kind }) => (kind === null ? [name] : []));
  expect(dependencies("lenslet-kernels")).toEqual(["bytemuck"]);
  expect(dependencies("lenslet-wasm")).toContain("lenslet-kernels");
});

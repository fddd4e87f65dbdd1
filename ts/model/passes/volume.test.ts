import { describe, expect, it } from "vitest";
import { Random } from "../../test/oracle/random.ts";
import { sketch } from "../testing/sketch.ts";
import { compute, expectSameOutputs } from "../testing/compute.ts";
import { testEngine } from "../testing/engine.ts";
import { expectUntouched } from "../testing/pass.ts";
import { printGraph } from "../testing/print.ts";
import { flattenVolumes } from "./volume.ts";

const { executor } = testEngine();

interface Volume {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Reads a volume at [n, c, d, h, w]; outside is `outside`. */
function reader({ shape, data }: Volume, outside = 0): (...at: readonly number[]) => number {
  return (...at) => {
    let index = 0;
    for (const [axis, size] of shape.entries()) {
      const place = at[axis] ?? 0;
      if (place < 0 || place >= size) return outside;
      index = index * size + place;
    }
    return data[index] ?? Number.NaN;
  };
}

/** A volume of what `value` gives at each place. */
function volume(shape: readonly number[], value: (...at: readonly number[]) => number): Volume {
  const length = shape.reduce((product, size) => product * size, 1);
  const data = Float64Array.from({ length }, (_, index) => {
    const at: number[] = [];
    let rest = index;
    for (const size of [...shape].reverse()) {
      at.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    return value(...at);
  });
  return { shape, data };
}

/** All places of a window of three axes. */
function* taps(kernel: readonly number[]): Generator<readonly [number, number, number]> {
  const [kD = 1, kH = 1, kW = 1] = kernel;
  for (let i = 0; i < kD; i++) for (let j = 0; j < kH; j++) for (let k = 0; k < kW; k++) yield [i, j, k];
}

/** Computes a sketch of one node after the pass; `x` are its numbers. */
async function made(text: string, x: Volume): Promise<Volume> {
  const graph = flattenVolumes(sketch(text));
  expect(graph.nodes.every(({ inputs: [first] }) => graph.infos.get(first ?? "") !== undefined)).toBe(true);
  const outputs = await compute(
    executor(),
    graph,
    new Map([["x", { shape: x.shape, data: Float32Array.from(x.data) }]]),
  );
  const y = outputs.get("y");
  if (y === undefined) throw new Error("no y");
  return y;
}

const random = new Random(3);
const same = (actual: Volume, expected: Volume): void => {
  const nd = { shape: actual.shape, data: Float32Array.from(actual.data) };
  expectSameOutputs(new Map([["y", nd]]), new Map([["y", expected]]), 1e-5);
};

describe("flattenVolumes", () => {
  it("pools rows and columns, then the depth", () => {
    const graph = flattenVolumes(
      sketch(
        "x: [2, 3, 5, 6, 7]\ny = MaxPool(x) kernelShape=[2, 3, 3] strides=[2, 1, 2] pads=[1, 0, 1, 0, 0, 1]\n-> y",
      ),
    );
    expect(printGraph(graph)).toBe(
      `x: [2, 3, 5, 6, 7]
y/planes = Reshape(x, y/planes/sizes: [4])
y/plane = MaxPool(y/planes) strides=[1, 2] pads=[0, 1, 0, 1] kernelShape=[3, 3]
y/columns = Reshape(y/plane, y/columns/sizes: [4])
y/depth = MaxPool(y/columns) strides=[2, 1] pads=[1, 0, 0, 0] kernelShape=[2, 1]
y = Reshape(y/depth, y/sizes: [5])
-> y`,
    );
  });

  it.each(["MaxPool", "AveragePool", "LpPool"])("%s of a volume", async (op) => {
    const x = random.nd([2, 3, 5, 6, 7]);
    const [kernel, strides, pads] = [
      [2, 3, 3],
      [2, 1, 2],
      [1, 0, 1],
    ];
    for (const counted of [false, true]) {
      const words = op === "AveragePool" ? `countIncludePad=${counted}` : "";
      const actual = await made(
        `x: [2, 3, 5, 6, 7]\ny = ${op}(x) kernelShape=[2, 3, 3] strides=[2, 1, 2] pads=[1, 0, 1, 0, 0, 1] ${words}\n-> y`,
        x,
      );
      const read = reader(x, Number.NaN);
      const expected = volume(actual.shape, (n = 0, c = 0, ...at) => {
        const all = [...taps(kernel)].map((tap) =>
          read(n, c, ...tap.map((t, i) => (at[i] ?? 0) * (strides[i] ?? 1) + t - (pads[i] ?? 0))),
        );
        const seen = all.filter((value) => !Number.isNaN(value));
        if (op === "MaxPool") return Math.max(...seen);
        if (op === "LpPool") return Math.sqrt(seen.reduce((sum, value) => sum + value * value, 0));
        return seen.reduce((sum, value) => sum + value, 0) / (counted ? all.length : seen.length);
      });
      same(actual, expected);
    }
  });

  it.each([1, 2])("Conv of a volume, of %i groups, strided, dilated and padded", async (group) => {
    const x = random.nd([2, 4, 6, 5, 6]);
    const text = `x: [2, 4, 6, 5, 6]
      y = Conv(x, w: [6, ${4 / group}, 3, 2, 3], b: [6]) strides=[2, 1, 2] dilations=[2, 1, 1] pads=[1, 0, 1, 2, 1, 0] group=${group}
      -> y`;
    const { constants } = sketch(text);
    const [w, b] = [constants.get("w"), constants.get("b")];
    if (w === undefined || b === undefined) throw new Error("no weights");
    const [readX, readW] = [reader(x), reader(w)];
    const actual = await made(text, x);
    const inC = 4 / group;
    const expected = volume(actual.shape, (n = 0, m = 0, d = 0, h = 0, v = 0) => {
      let sum = b.data[m] ?? 0;
      for (const [i, j, k] of taps([3, 2, 3])) {
        for (let c = 0; c < inC; c++) {
          const channel = Math.floor(m / (6 / group)) * inC + c;
          sum += readX(n, channel, 2 * d + 2 * i - 1, h + j, 2 * v + k - 1) * readW(m, c, i, j, k);
        }
      }
      return sum;
    });
    same(actual, expected);
  });

  it.each([1, 2])("ConvTranspose to a volume, of %i groups, strided, dilated, padded and longer", async (group) => {
    const x = random.nd([2, 4, 3, 4, 3]);
    const text = `x: [2, 4, 3, 4, 3]
      y = ConvTranspose(x, w: [4, ${6 / group}, 3, 2, 3], b: [6]) strides=[2, 1, 2] dilations=[2, 1, 1] pads=[1, 0, 1, 2, 0, 0] outputPadding=[1, 0, 1] group=${group}
      -> y`;
    const { constants } = sketch(text);
    const [w, b] = [constants.get("w"), constants.get("b")];
    if (w === undefined || b === undefined) throw new Error("no weights");
    const [readX, readW] = [reader(x), reader(w)];
    const actual = await made(text, x);
    const groupC = 6 / group;
    const expected = volume(actual.shape, (n = 0, m = 0, d = 0, h = 0, v = 0) => {
      let sum = b.data[m] ?? 0;
      for (const [i, j, k] of taps([3, 2, 3])) {
        const [z, u, t] = [(d + 1 - 2 * i) / 2, h - j, (v + 1 - k) / 2];
        if (!Number.isInteger(z) || !Number.isInteger(t)) continue;
        for (let c = 0; c < 4 / group; c++) {
          const channel = Math.floor(m / groupC) * (4 / group) + c;
          sum += readX(n, channel, z, u, t) * readW(channel, m % groupC, i, j, k);
        }
      }
      return sum;
    });
    same(actual, expected);
  });

  it.each([
    ["images", "x: [1, 2, 5, 5]\ny = MaxPool(x) kernelShape=[2, 2]\n-> y"],
    ["pools whose indices are wanted", "x: [1, 2, 4, 4, 4]\ny, i = MaxPool(x) kernelShape=[2, 2, 2]\n-> y, i"],
  ])("leaves %s as they are", (_, text) => {
    expectUntouched(flattenVolumes, text);
  });
});

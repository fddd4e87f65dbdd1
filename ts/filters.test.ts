import { describe, expect, it } from "vitest";
import * as filters from "./filters.ts";
import type { Filter, FilterOptions } from "./filters.ts";
import { expectError, fakeEngine, untyped } from "./test/facade.ts";

const each: Readonly<Record<string, (options: FilterOptions) => Filter>> = {
  sobelX: filters.sobelX,
  sobelY: filters.sobelY,
  scharrX: filters.scharrX,
  scharrY: filters.scharrY,
  prewittX: filters.prewittX,
  prewittY: filters.prewittY,
  laplacian: filters.laplacian,
  sharpen: filters.sharpen,
  emboss: filters.emboss,
  identity: filters.identity,
  box: (options) => filters.box({ size: [3, 5], ...options }),
  gaussian: (options) => filters.gaussian({ sigma: 1.4, ...options }),
  unsharp: (options) => filters.unsharp({ sigma: 1, amount: 0.7, ...options }),
  gabor: (options) => filters.gabor({ wavelength: 6, theta: 0.3, ...options }),
};

const sum = (filter: Filter): number => filter.data.reduce((total, weight) => total + weight, 0);

/** What a filter makes of an image that is brighter by `dx` a pixel to the right and `dy` a pixel down, at its middle. */
function response({ data, shape }: Filter, dx: number, dy: number): number {
  const [h = 0, w = 0] = shape;
  return data.reduce(
    (total, weight, i) => total + weight * (dx * ((i % w) - (w - 1) / 2) + dy * (Math.floor(i / w) - (h - 1) / 2)),
    0,
  );
}

describe.each(Object.entries(each))("%s", (_, make) => {
  it("is the same for each of several channels, in either layout", () => {
    const one = make({});
    const three = make({ channels: 3 });
    const planes = make({ channels: 3, layout: "NCHW" });
    const [h = 0, w = 0] = one.shape;
    expect([one.groups, three.groups, planes.groups]).toEqual([1, 3, 3]);
    expect([one.shape, three.shape, planes.shape]).toEqual([
      [h, w, 1, 1],
      [h, w, 1, 3],
      [3, 1, h, w],
    ]);
    for (let c = 0; c < 3; c++) {
      expect(three.data.filter((_weight, i) => i % 3 === c)).toEqual(one.data);
      expect(planes.data.subarray(c * h * w, (c + 1) * h * w)).toEqual(one.data);
    }
  });

  it("refuses channels that are none and options that it does not know", () => {
    expect(() => make({ channels: 0 })).toThrow(/^filters\.\w+: channels is 0; expected a positive integer$/);
    expect(() => make(untyped({ channel: 3 }))).toThrow(
      /^filters\.\w+: options has the unknown key "channel"; expected channels(,| or) layout/,
    );
  });
});

describe("weights", () => {
  it("sum to 0 where evenness is to vanish, to 1 where brightness is to stay", () => {
    for (const name of ["sobelX", "sobelY", "scharrX", "scharrY", "prewittX", "prewittY", "laplacian"]) {
      expect(sum(each[name]?.({}) ?? filters.identity())).toBe(0);
    }
    for (const name of ["sharpen", "emboss", "identity", "box", "gaussian", "unsharp"]) {
      expect(sum(each[name]?.({}) ?? filters.sobelX())).toBeCloseTo(1, 6);
    }
  });

  it("of gradients are positive to the right and downwards, and as large as documented", () => {
    expect([response(filters.sobelX(), 1, 0), response(filters.sobelX(), 0, 1)]).toEqual([8, 0]);
    expect([response(filters.sobelY(), 1, 0), response(filters.sobelY(), 0, 1)]).toEqual([0, 8]);
    expect([response(filters.scharrX(), 1, 0), response(filters.scharrY(), 0, 1)]).toEqual([32, 32]);
    expect([response(filters.prewittX(), 1, 0), response(filters.prewittY(), 0, 1)]).toEqual([6, 6]);
  });

  it("of a gaussian follow the bell and are cut off after three deviations", () => {
    const { data, shape } = filters.gaussian({ sigma: 1.4 });
    expect(shape).toEqual([11, 11, 1, 1]);
    const at = (y: number, x: number): number => data[(y + 5) * 11 + x + 5] ?? 0;
    expect(at(1, 2) / at(0, 0)).toBeCloseTo(Math.exp(-5 / (2 * 1.4 ** 2)), 6);
    expect(at(-3, 2)).toBe(at(2, 3));
    expect(filters.gaussian({ sigma: 2, size: [1, 4] }).shape).toEqual([1, 4, 1, 1]);
  });

  it("of a bell narrower than a pixel are those of the middle", () => {
    const middle = [0, 0, 0, 0, 1, 0, 0, 0, 0];
    for (const sigma of [1e-3, 1e-200]) {
      expect([...filters.gaussian({ sigma }).data]).toEqual(middle);
      expect([...filters.gaussian({ sigma, size: 2 }).data]).toEqual([0.25, 0.25, 0.25, 0.25]);
    }
    expect([...filters.gabor({ wavelength: 1e-200, size: 3 }).data].map(Math.abs)).toEqual(middle);
  });

  it("of unsharp are the image plus its difference from the blurred one", () => {
    const blur = filters.gaussian({ sigma: 1 }).data;
    const expected = blur.map((weight, i) => (i === 24 ? 1.5 : 0) - 0.5 * weight);
    filters.unsharp({ sigma: 1, amount: 0.5 }).data.forEach((weight, i) => {
      expect(weight).toBeCloseTo(expected[i] ?? 0, 6);
    });
  });

  it("of gabor are the formula", () => {
    const [lambda, theta, sigma, gamma, psi] = [5, 0.4, 2, 0.6, 0.3];
    const { data, shape } = filters.gabor({ wavelength: lambda, theta, sigma, aspect: gamma, phase: psi, size: 7 });
    expect(shape).toEqual([7, 7, 1, 1]);
    const [x, y] = [2, -1];
    const u = x * Math.cos(theta) + y * Math.sin(theta);
    const v = -x * Math.sin(theta) + y * Math.cos(theta);
    const expected =
      Math.exp(-(u * u + gamma * gamma * v * v) / (2 * sigma * sigma)) * Math.cos((2 * Math.PI * u) / lambda + psi);
    expect(data[(y + 3) * 7 + x + 3]).toBeCloseTo(expected, 6);
    expect(filters.gabor({ wavelength: 4, sigma: 1, aspect: 0.5 }).shape).toEqual([13, 7, 1, 1]);
    expect(filters.gabor({ wavelength: 4, sigma: 1, aspect: 0.5, theta: Math.PI / 2 }).shape).toEqual([7, 13, 1, 1]);
  });

  it.each<[() => unknown, string, string]>([
    [
      () => filters.gaussian(untyped(undefined)),
      "invalid-argument",
      "filters.gaussian: options is undefined; expected an object with channels, layout, sigma or size",
    ],
    [
      () => filters.gaussian({ sigma: 0 }),
      "invalid-argument",
      "filters.gaussian: sigma is 0; expected a positive number",
    ],
    [
      () => filters.gaussian({ sigma: Number.POSITIVE_INFINITY }),
      "invalid-argument",
      "filters.gaussian: sigma is Infinity; expected a positive number",
    ],
    [
      () => filters.gaussian({ sigma: 1e5 }),
      "too-large",
      "filters.gaussian: the filter would have shape [600001, 600001]; expected at most 536870911 elements",
    ],
    [
      () => filters.gaussian({ sigma: 4e7 }),
      "too-large",
      "filters.gaussian: the filter would have shape [240000001, 240000001]; expected at most 536870911 elements",
    ],
    [
      () => filters.unsharp({ sigma: 1, size: 4 }),
      "invalid-argument",
      "filters.unsharp: size is 4; expected odd numbers: the image itself is in the middle",
    ],
    [
      () => filters.gabor({ wavelength: 4, aspect: -1 }),
      "invalid-argument",
      "filters.gabor: aspect is -1; expected a positive number",
    ],
    [
      () => filters.box({ size: 2.5 }),
      "invalid-argument",
      "filters.box: size is 2.5; expected a positive integer or [sizeH, sizeW]",
    ],
  ])("%s is refused", (call, code, message) => {
    expectError(call, untyped(code), message);
  });
});

describe("edges", () => {
  it("is one operator, and leaves nothing behind", () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(2 * 4 * 5 * 3), [2, 4, 5, 3]);
    const y = filters.edges(x);
    expect(y.shape).toEqual(x.shape);
    expect(executor.ops.map(({ op }) => op)).toEqual(["edges"]);
    expect(executor.lastOp.words).toEqual([0, 2, 4, 5, 3]);
    expect(filters.edges(x, { layout: "NCHW" }).shape).toEqual(x.shape);
    expect(executor.lastOp.words).toEqual([1, 2, 5, 3, 4]);
    expect(engine.memory().tensors).toBe(3);
    expect(executor.live.size).toBe(3);
  });

  it("refuses what is no image", () => {
    const { engine } = fakeEngine();
    const x = engine.tensor([1]);
    expectError(() => filters.edges(x), "shape-mismatch", "filters.edges: x has shape [1]; expected [n, h, w, c]");
    expectError(
      () => filters.edges(x, untyped({ padding: 1 })),
      "invalid-argument",
      'filters.edges: options has the unknown key "padding"; expected layout',
    );
    const gone = engine.tensor([1], [1, 1, 1, 1]);
    gone.dispose();
    expect(() => filters.edges(gone)).toThrow(/^filters.edges: x is a tensor that was disposed/);
  });
});

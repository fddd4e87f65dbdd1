/** The well-known filters on images whose answers are known, and the arithmetic of windows. */
import { coverage, featureMapSize, filters, type WindowSpec } from "lenslet";
import { unit } from "../oracle/compare.ts";
import { conv2d } from "../oracle/conv.ts";
import { binary } from "../oracle/elementwise.ts";
import { axes } from "../oracle/geometry.ts";
import { at, type Nd, nd, toNchw, transpose } from "../oracle/nd.ts";
import { Random } from "../oracle/random.ts";
import { pad } from "../oracle/shapes.ts";
import { type Case, check, compare, equal, randomFor, take, upload } from "./case.ts";

type Filter = ReturnType<typeof filters.sobelX>;

/** An image [1, 7, 9, 1] whose value at a row and a column is given. */
function picture(value: (y: number, x: number) => number): Nd {
  return nd(
    [1, 7, 9, 1],
    Array.from({ length: 63 }, (_, index) => value(Math.floor(index / 9), index % 9)),
  );
}

const flat = picture(() => 10);
const right = picture((_, x) => x);
const down = picture((y) => y);
const bowl = picture((y, x) => x * x + y * y);

/** What a filter makes of an image wherever it lies inside. */
const answers: readonly (readonly [name: string, filter: Filter, image: Nd, answer: number])[] = [
  ["sobelX of a slope to the right", filters.sobelX(), right, 8],
  ["sobelX of a slope downwards", filters.sobelX(), down, 0],
  ["sobelY of a slope downwards", filters.sobelY(), down, 8],
  ["sobelY of a slope to the right", filters.sobelY(), right, 0],
  ["scharrX of a slope to the right", filters.scharrX(), right, 32],
  ["scharrY of a slope downwards", filters.scharrY(), down, 32],
  ["prewittX of a slope to the right", filters.prewittX(), right, 6],
  ["prewittY of a slope downwards", filters.prewittY(), down, 6],
  ["laplacian of a slope", filters.laplacian(), right, 0],
  ["laplacian of x² + y²", filters.laplacian(), bowl, 4],
  ["sharpen keeps brightness", filters.sharpen(), flat, 10],
  ["emboss keeps brightness", filters.emboss(), flat, 10],
  ["identity keeps brightness", filters.identity(), flat, 10],
  ["box keeps brightness", filters.box({ size: [3, 5] }), flat, 10],
  ["gaussian keeps brightness", filters.gaussian({ sigma: 0.8 }), flat, 10],
  ["unsharp keeps brightness", filters.unsharp({ sigma: 0.8, amount: 2 }), flat, 10],
];

const known: readonly Case[] = answers.map(([name, filter, image, answer]) => ({
  name,
  async run(engine) {
    const values = await take(engine.scope(() => engine.conv2d(upload(engine, image), filter)));
    for (const value of values) check(Math.abs(value - answer) < 1e-4, `${value}, expected ${answer}`);
  },
}));

/** Every filter, for three channels and in both layouts. */
const all: Readonly<Record<string, (options: { channels: number; layout: "NHWC" | "NCHW" }) => Filter>> = {
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
  box: (options) => filters.box({ ...options, size: 5 }),
  gaussian: (options) => filters.gaussian({ ...options, sigma: 1 }),
  unsharp: (options) => filters.unsharp({ ...options, sigma: 1 }),
  gabor: (options) => filters.gabor({ ...options, wavelength: 4, theta: 0.5, size: 7 }),
};

const channels: readonly Case[] = Object.entries(all).map(([name, make]) => ({
  name: `${name} keeps channels apart, in both layouts`,
  async run(engine) {
    const x = randomFor(name).nd([1, 12, 11, 3], 0, 255);
    const one = make({ channels: 1, layout: "NHWC" });
    equal(one.groups, 1, "groups of one channel");
    for (const layout of ["NHWC", "NCHW"] as const) {
      const filter = make({ channels: 3, layout });
      equal(filter.groups, 3, "groups");
      const image = layout === "NHWC" ? x : transpose(x, toNchw);
      const y = engine.scope(() => engine.conv2d(upload(engine, image), filter, { padding: "same", layout }));
      const back = engine.scope(() =>
        layout === "NHWC" ? engine.reshape(y, y.shape) : engine.transpose(y, [0, 2, 3, 1]),
      );
      y.dispose();
      const weights = nd(
        [at(one.shape, 0), at(one.shape, 1), 1, 3],
        Array.from(one.data).flatMap((w) => [w, w, w]),
      );
      await compare(back, conv2d(x, weights, { padding: "same", groups: 3 }), layout);
    }
  },
}));

const edges: readonly Case[] = [
  {
    name: "edges: a slope of 1 is 8 inside, and temporaries are freed",
    async run(engine) {
      const x = upload(engine, right);
      const steep = filters.edges(x);
      equal(engine.memory().tensors, 2, "live tensors");
      equal(steep.shape, [1, 7, 9, 1], "shape");
      const values = await take(steep);
      // The border repeats, so that its slope is half.
      values.forEach((value, index) => {
        equal(value, index % 9 === 0 || index % 9 === 8 ? 4 : 8, `at ${index}`);
      });
      x.dispose();
    },
  },
  {
    name: "edges: the root of the squares of both Sobel filters, each channel, in both layouts",
    async run(engine) {
      const x = randomFor("edges").nd([2, 6, 5, 3], 0, 1);
      const framed = pad(
        x,
        [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ],
        "edge",
      );
      const image = nd(framed.shape, framed.values);
      const weights = (filter: Filter): Nd => nd([3, 3, 1, 3], filter.data);
      const slope = (filter: Filter): Nd => {
        const { shape, values } = conv2d(image, weights(filter), { groups: 3 });
        return nd(shape, values);
      };
      const exact = binary("hypot", slope(filters.sobelX({ channels: 3 })), slope(filters.sobelY({ channels: 3 })));
      // Sums of nine products of at most 2, in each of two directions.
      const expected = { ...exact, tolerance: exact.tolerance.map((allowed) => allowed + 60 * unit * 8) };
      await compare(
        engine.scope(() => filters.edges(upload(engine, x))),
        expected,
        "NHWC",
      );
      const nchw = engine.scope(() =>
        engine.transpose(filters.edges(upload(engine, transpose(x, toNchw)), { layout: "NCHW" }), [0, 2, 3, 1]),
      );
      await compare(nchw, expected, "NCHW");
    },
  },
];

const specs: readonly WindowSpec[] = Array.from({ length: 200 }, (_, seed) => {
  const random = new Random(seed);
  const [h, w] = [random.int(1, 14), random.int(1, 14)];
  const dilation = random.pick([1, 1, 2, 3]);
  const largest = Math.floor((Math.min(h, w) - 1) / dilation) + 1;
  return {
    input: [h, w],
    kernel: [random.int(1, largest), random.int(1, largest)],
    stride: [random.int(1, 4), random.int(1, 4)],
    dilation,
    padding: random.pick(["valid", "same", "same-lower", 1, [0, 2], { top: 1, right: 3 }] as const),
    ceilMode: random.chance(0.3),
  };
});

const windows: readonly Case[] = [
  {
    name: "featureMapSize: n - f + 1 and its generalisations",
    async run() {
      equal(featureMapSize({ input: 28, kernel: 5 }), [24, 24], "28, 5");
      equal(featureMapSize({ input: [480, 640], kernel: 3, stride: 2, padding: "same" }), [240, 320], "same");
      equal(featureMapSize({ input: 224, kernel: 7, stride: 2, padding: 3 }), [112, 112], "ResNet");
      for (const spec of specs) {
        const expected = axes(spec.input as [number, number], spec.kernel, spec as object).map(({ output }) => output);
        equal(featureMapSize(spec), expected, JSON.stringify(spec));
      }
    },
  },
  {
    name: "coverage: 3x3 valid reads a corner once, an edge up to three times, the inside nine times",
    async run() {
      const { width, height, counts } = coverage({ input: [5, 6], kernel: 3 });
      equal([width, height], [6, 5], "size");
      equal([...counts.slice(0, 6), ...counts.slice(12, 18)], [1, 2, 3, 3, 2, 1, 3, 6, 9, 9, 6, 3], "rows 0 and 2");
    },
  },
  {
    name: "coverage: what a transposed convolution of ones counts",
    async run() {
      for (const spec of specs) {
        const [rows, columns] = axes(spec.input as [number, number], spec.kernel, spec as object);
        const reads = ({ input, kernel, stride, dilation, before, output }: typeof rows): number[] => {
          const counts = new Array<number>(input).fill(0);
          for (let window = 0; window < output; window++) {
            for (let tap = 0; tap < kernel; tap++) {
              const place = window * stride + tap * dilation - before;
              if (place >= 0 && place < input) counts[place] = at(counts, place) + 1;
            }
          }
          return counts;
        };
        const expected = reads(rows).flatMap((row) => reads(columns).map((column) => row * column));
        equal(coverage(spec).counts, expected, JSON.stringify(spec));
      }
    },
  },
];

export const cases: readonly Case[] = [...known, ...channels, ...edges, ...windows];

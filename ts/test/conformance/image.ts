/** Pixels to tensors and back. */
import { image } from "lenslet";
import { exactly, transposeExpected, within } from "../oracle/compare.ts";
import { at, type Nd, nd, toNchw, transpose } from "../oracle/nd.ts";
import { resizeLinear } from "../oracle/shapes.ts";
import { type Case, check, compare, equal, randomFor, take, upload } from "./case.ts";

const [width, height] = [5, 3];
const pixels = {
  width,
  height,
  data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, index) => (index * 37) % 256),
};

/** The pixels as the oracle reads them: channels of each pixel, 0 to 255. */
function channelsOf(color: "rgb" | "rgba" | "grey"): Nd {
  const bytes = Array.from({ length: width * height }, (_, index) => [
    ...pixels.data.subarray(4 * index, 4 * index + 4),
  ]);
  if (color === "rgba") return nd([1, height, width, 4], bytes.flat());
  if (color === "rgb")
    return nd(
      [1, height, width, 3],
      bytes.flatMap((pixel) => pixel.slice(0, 3)),
    );
  return nd(
    [1, height, width, 1],
    bytes.map(([r = 0, g = 0, b = 0]) => 0.299 * r + 0.587 * g + 0.114 * b),
  );
}

const reading: readonly Case[] = (["rgb", "rgba", "grey"] as const).flatMap((color) =>
  ([255, 1] as const).map((range) => ({
    name: `toTensor: ${color}, range ${range}, both layouts`,
    async run(engine) {
      const { shape, data } = channelsOf(color);
      const expected = within({ shape, data: Float64Array.from(data, (value) => (value * range) / 255) }, 6);
      await compare(image.toTensor(engine, pixels, { color, range }), expected, "NHWC");
      const nchw = image.toTensor(engine, pixels, { color, range, layout: "NCHW" });
      await compare(nchw, transposeExpected(expected, toNchw), "NCHW");
    },
  })),
);

const conversions: readonly Case[] = [
  {
    name: "toTensor: transfer empties the caller's pixels, at once",
    async run(engine) {
      const source = { width, height, data: pixels.data.slice() };
      const x = image.toTensor(engine, source, { transfer: true });
      equal(source.data.length, 0, "bytes left to the caller");
      await compare(x, exactly(channelsOf("rgb")), "transferred");
    },
  },
  {
    name: "toTensor: RGB from 0 to 255 unless told, exactly",
    async run(engine) {
      await compare(image.toTensor(engine, pixels), exactly(channelsOf("rgb")), "rgb");
    },
  },
  {
    name: "toTensor: mean and std in the range chosen, one a channel or one for all",
    async run(engine) {
      const [mean, std] = [
        [0.485, 0.456, 0.406],
        [0.229, 0.224, 0.225],
      ];
      const { shape, data } = channelsOf("rgb");
      const values = Float64Array.from(
        data,
        (value, index) => (value / 255 - at(mean, index % 3)) / at(std, index % 3),
      );
      await compare(
        image.toTensor(engine, pixels, { range: 1, mean, std }),
        within({ shape, data: values }, 8, 32),
        "rgb",
      );
      const centred = Float64Array.from(data, (value) => (value - 127.5) / 127.5);
      const one = image.toTensor(engine, pixels, { mean: 127.5, std: 127.5, layout: "NCHW" });
      await compare(one, transposeExpected(within({ shape, data: centred }, 8, 8), toNchw), "one for all");
    },
  },
  {
    name: "toTensor: resized, linear between half-pixel centres, temporaries freed",
    async run(engine) {
      const resized = image.toTensor(engine, pixels, { size: [6, 4] });
      equal([resized.shape, engine.memory().tensors], [[1, 6, 4, 3], 1], "shape, tensors");
      await compare(resized, resizeLinear(channelsOf("rgb"), [6, 4], "half-pixel"), "[6, 4]");
      const same = image.toTensor(engine, pixels, { size: [height, width] });
      await compare(same, exactly(channelsOf("rgb")), "its own size");
    },
  },
  {
    name: "toTensor: a view into a larger buffer, a Uint8Array, and the caller's bytes stay",
    async run(engine) {
      const buffer = new Uint8Array(4 * width * height + 6);
      const data = buffer.subarray(3, 3 + 4 * width * height);
      data.set(pixels.data);
      await compare(
        image.toTensor(engine, { width, height, data }, { color: "rgba" }),
        exactly(channelsOf("rgba")),
        "view",
      );
      equal(data, pixels.data, "bytes");
    },
  },
  {
    name: "toPixels: there and back, in every colour and layout",
    async run(engine) {
      for (const layout of ["NHWC", "NCHW"] as const) {
        for (const range of [255, 1] as const) {
          const tensor = image.toTensor(engine, pixels, { color: "rgba", range, layout });
          const back = await image.toPixels(tensor, { range, layout });
          equal([back.width, back.height, back.data], [width, height, pixels.data], `${layout} ${range}`);
          check(back.data instanceof Uint8ClampedArray, "bytes for a canvas");
          tensor.dispose();
        }
      }
      equal(engine.memory().tensors, 0, "tensors");
    },
  },
  {
    name: "toPixels: clamps, rounds, NaN is 0, alpha is 255 where there is none",
    async run(engine) {
      const values = [-5, 300, 127.4, 127.6, Number.NaN, Number.POSITIVE_INFINITY, 254.7, 0.2, -0.3];
      const tensor = upload(engine, nd([1, 1, 3, 3], values));
      equal((await image.toPixels(tensor)).data, [0, 255, 127, 255, 128, 0, 255, 255, 255, 0, 0, 255], "rgb");
      tensor.dispose();
      const grey = upload(engine, nd([1, 1, 2, 1], [0.5, 2]));
      equal((await image.toPixels(grey, { range: 1 })).data, [128, 128, 128, 255, 255, 255, 255, 255], "grey");
      grey.dispose();
    },
  },
  {
    name: "toGrey: Rec. 601 luma of RGB and RGBA, of batches, in both layouts",
    async run(engine) {
      const x = randomFor("grey").nd([2, 3, 4, 4], 0, 255);
      const luma = Float64Array.from({ length: 24 }, (_, index) => {
        const [r, g, b] = [at(x.data, 4 * index), at(x.data, 4 * index + 1), at(x.data, 4 * index + 2)];
        return 0.299 * r + 0.587 * g + 0.114 * b;
      });
      const expected = within({ shape: [2, 3, 4, 1], data: luma }, 8);
      await compare(
        engine.scope(() => image.toGrey(upload(engine, x))),
        expected,
        "NHWC",
      );
      const nchw = engine.scope(() => image.toGrey(upload(engine, transpose(x, toNchw)), { layout: "NCHW" }));
      await compare(nchw, transposeExpected(expected, toNchw), "NCHW");
      const grey = upload(engine, nd([1, 1, 2, 1], [3, 4]));
      equal(await take(image.toGrey(grey)), [3, 4], "grey already");
      grey.dispose();
    },
  },
  {
    name: "normalize: subtracts, then divides, channel by channel",
    async run(engine) {
      const x = randomFor("normalize").nd([1, 3, 3, 3], 0, 255);
      const [mean, std] = [
        [120, 115, 105],
        [58, 57, 60],
      ];
      const data = Float64Array.from(x.data, (value, index) => (value - at(mean, index % 3)) / at(std, index % 3));
      const expected = within({ shape: x.shape, data }, 8, 32);
      await compare(
        engine.scope(() => image.normalize(upload(engine, x), { mean, std })),
        expected,
        "NHWC",
      );
      const nchw = engine.scope(() =>
        image.normalize(upload(engine, transpose(x, toNchw)), { mean, std, layout: "NCHW" }),
      );
      await compare(nchw, transposeExpected(expected, toNchw), "NCHW");
    },
  },
];

export const cases: readonly Case[] = [...reading, ...conversions];

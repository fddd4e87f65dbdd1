import { type Engine, filters, image, type NdArray, type Tensor } from "lenslet";
import { featureMaps } from "./feature-maps.ts";

/** One picture to make: a chain of operators from the photograph's tensors to the tensor that is written. */
export interface Picture {
  readonly name: string;
  readonly how: string;
  readonly range: 255 | 1;
  make(engine: Engine, photo: Photo): Tensor;
}

/** The photograph in the engine, values 0..255: `colour` is [1, h, w, 3], `grey` [1, h, w, 1]. */
export interface Photo {
  readonly colour: Tensor;
  readonly grey: Tensor;
}

export const pictures: readonly Picture[] = [
  {
    name: "edges",
    how: "√(sobelX² + sobelY²), brightest = white",
    range: 1,
    make(engine, { grey }) {
      const strength = engine.hypot(filtered(engine, grey, filters.sobelX()), filtered(engine, grey, filters.sobelY()));
      return engine.div(strength, engine.max(engine.globalMaxPool2d(strength), 1));
    },
  },
  {
    name: "blur",
    how: "gaussian, σ = 3",
    range: 255,
    make: (engine, { colour }) => filtered(engine, colour, filters.gaussian({ sigma: 3, channels: 3 })),
  },
  {
    name: "sharpen",
    how: "sharpen, 3 × 3",
    range: 255,
    make: (engine, { colour }) => filtered(engine, colour, filters.sharpen({ channels: 3 })),
  },
  {
    name: "max-pooled",
    how: "largest of each 4 × 4",
    range: 255,
    make: (engine, { colour }) => engine.maxPool2d(colour, { size: 4, ceilMode: true }),
  },
  {
    name: "feature-maps",
    how: "16 Gabor filters, ReLU, max-pool 2",
    range: 1,
    make: (engine, { grey }) => featureMaps(engine, grey),
  },
];

/** Uploads the photograph's pixels, once in colour and once in grey. */
export function upload(engine: Engine, pixels: Parameters<typeof image.toTensor>[1]): Photo {
  return {
    colour: image.toTensor(engine, pixels),
    grey: image.toTensor(engine, pixels, { color: "grey" }),
  };
}

/** The picture's size stays, and its border continues outwards: zeros there would show as a dark frame. */
function filtered(engine: Engine, x: Tensor, filter: NdArray): Tensor {
  const [kH = 1, kW = 1] = filter.shape;
  const padding = { top: kH >> 1, bottom: kH >> 1, left: kW >> 1, right: kW >> 1 };
  return engine.conv2d(engine.pad(x, { padding, mode: "edge" }), filter);
}

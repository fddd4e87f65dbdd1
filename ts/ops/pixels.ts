/** Pixels of canvases and image files to tensors and back. */
import type { OpName } from "../command.ts";
import type { Layout } from "../options.ts";
import { type ImageInput, imageInput, imageOutput, type Input, output, type Plan, tensorInput } from "./plan.ts";
import type { Tensor } from "../tensor.ts";

/** The channels of a tensor of pixels; the core's code is the place here. */
const COLORS = ["grey", "rgb", "rgba"] as const;

/** The channels of a tensor of pixels: 1, 3 or 4 of them. */
export type Color = (typeof COLORS)[number];

/** Channels of each kind. */
export const CHANNELS: Readonly<Record<Color, 1 | 3 | 4>> = { grey: 1, rgb: 3, rgba: 4 };

/** What the pixels of one image are to become. */
export interface PixelConversion {
  readonly layout: Layout;
  readonly height: number;
  readonly width: number;
  readonly color: Color;
}

/** Rows of red, green, blue and alpha. */
export interface PixelBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the caller gave them up. */
  readonly owned: boolean;
}

/** RGBA bytes as floats: `(byte * scale - mean) / std`. Means and deviations are one a channel. */
export function pixelsToTensor(
  call: string,
  { bytes, owned }: PixelBytes,
  { layout, height, width, color }: PixelConversion,
  { scale, mean, std }: { readonly scale: number; readonly mean: readonly number[]; readonly std: readonly number[] },
): Plan {
  const pixels: Input = { argument: "pixels", shape: [height, width], value: bytes, owned };
  const out = imageOutput(call, layout, { n: 1, h: height, w: width, c: CHANNELS[color] });
  const words = [layout === "NHWC" ? 0 : 1, height, width, COLORS.indexOf(color), scale, ...mean, ...std];
  return { call, op: "pixelsToTensor", inputs: [pixels], outputs: [out], words };
}

/** Floats as RGBA bytes, four in an element: `round(clamp(value * scale, 0, 255))`. */
export function tensorToPixels(
  call: string,
  x: Tensor,
  { layout, height, width, color }: PixelConversion,
  scale: number,
): Plan {
  const words = [layout === "NHWC" ? 0 : 1, height, width, COLORS.indexOf(color), scale, 0];
  return {
    call,
    op: "tensorToPixels",
    inputs: [tensorInput(call, "tensor", x)],
    outputs: [output(call, [height, width], "int32")],
    words,
  };
}

/** Luma of images of three or four channels. */
export function grey(call: string, image: ImageInput, layout: Layout): Plan {
  return imagePlan(call, "grey", image, layout, 1);
}

/** The magnitude of Sobel's gradient, channel by channel. */
export function edges(call: string, x: Tensor, layout: Layout): Plan {
  const image = imageInput(call, x, layout);
  return imagePlan(call, "edges", image, layout, image.c);
}

/** An operator that keeps the size of images, and has no options. */
function imagePlan(call: string, op: OpName, image: ImageInput, layout: Layout, channels: number): Plan {
  const { n, h, w, c } = image;
  const out = imageOutput(call, layout, { n, h, w, c: channels });
  return { call, op, inputs: [image], outputs: [out], words: [layout === "NHWC" ? 0 : 1, n, h, w, c] };
}

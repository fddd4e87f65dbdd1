/** Convolutions, products, pools and resized images by their definitions. */
import type { ResizeAttributes } from "../../../model/attributes.ts";
import { tapsOf } from "../../../model/resampling.ts";
import { at, sizeOf } from "../../../test/oracle/nd.ts";
import { activated, broadcast, flatOf, given, made, type Numbers, type Operator, pick, places } from "./numbers.ts";

/** The window of a convolution or pool, from its words behind the image. */
function windowOf([
  kH = 1,
  kW = 1,
  sH = 1,
  sW = 1,
  dH = 1,
  dW = 1,
  top = 0,
  left = 0,
  bottom = 0,
  right = 0,
]: readonly number[]): {
  kernel: [number, number];
  stride: [number, number];
  dilation: [number, number];
  before: [number, number];
  after: [number, number];
} {
  return { kernel: [kH, kW], stride: [sH, sW], dilation: [dH, dW], before: [top, left], after: [bottom, right] };
}

function conv2d(inputs: readonly (Numbers | undefined)[], words: readonly number[]): readonly Numbers[] {
  const [, , n = 1, inH = 1, inW = 1, inC = 1, outC = 1, ...rest] = words;
  const { kernel, stride, dilation, before, after } = windowOf(rest);
  const groups = at(words, 17);
  const [x, w, bias, residual] = [given(inputs, 0), given(inputs, 1), inputs[2], inputs[3]];
  const size = [inH, inW].map(
    (input, i) =>
      Math.floor((input + at(before, i) + at(after, i) - at(dilation, i) * (at(kernel, i) - 1) - 1) / at(stride, i)) +
      1,
  );
  const [outH, outW] = [at(size, 0), at(size, 1)];
  const [groupIn, groupOut] = [inC / groups, outC / groups];
  const shape = [n, outH, outW, outC];
  const y = made(sizeOf(shape), (flat) => {
    const [image = 0, oh = 0, ow = 0, oc = 0] = places(flat, shape);
    let sum = (bias?.[oc] ?? 0) + (residual?.[flat] ?? 0);
    for (let kh = 0; kh < kernel[0]; kh++) {
      for (let kw = 0; kw < kernel[1]; kw++) {
        const [ih, iw] = [oh * stride[0] + kh * dilation[0] - before[0], ow * stride[1] + kw * dilation[1] - before[1]];
        if (ih < 0 || iw < 0 || ih >= inH || iw >= inW) continue;
        for (let ic = 0; ic < groupIn; ic++) {
          const channel = Math.floor(oc / groupOut) * groupIn + ic;
          // The filter is [outC, inC / groups, kH, kW].
          sum +=
            at(x, ((image * inH + ih) * inW + iw) * inC + channel) *
            at(w, ((oc * groupIn + ic) * kernel[0] + kh) * kernel[1] + kw);
        }
      }
    }
    return sum;
  });
  return [activated(words.slice(18), y)];
}

function convTranspose2d(inputs: readonly (Numbers | undefined)[], words: readonly number[]): readonly Numbers[] {
  const [, , n = 1, inH = 1, inW = 1, inC = 1, outC = 1, ...rest] = words;
  const { kernel, stride, dilation, before, after } = windowOf(rest);
  const [groups, extra] = [at(words, 17), words.slice(21)];
  const [x, w, bias] = [given(inputs, 0), given(inputs, 1), inputs[2]];
  const size = [inH, inW].map(
    (input, i) =>
      (input - 1) * at(stride, i) -
      at(before, i) -
      at(after, i) +
      at(dilation, i) * (at(kernel, i) - 1) +
      at(extra, i) +
      1,
  );
  const [outH, outW] = [at(size, 0), at(size, 1)];
  const [groupIn, groupOut] = [inC / groups, outC / groups];
  const y = made(n * outH * outW * outC, (flat) => bias?.[flat % outC] ?? 0);
  for (const [flat, value] of x.entries()) {
    const [image = 0, ih = 0, iw = 0, ic = 0] = places(flat, [n, inH, inW, inC]);
    for (let kh = 0; kh < kernel[0]; kh++) {
      for (let kw = 0; kw < kernel[1]; kw++) {
        const [oh, ow] = [ih * stride[0] + kh * dilation[0] - before[0], iw * stride[1] + kw * dilation[1] - before[1]];
        if (oh < 0 || ow < 0 || oh >= outH || ow >= outW) continue;
        for (let oc = 0; oc < groupOut; oc++) {
          const to = ((image * outH + oh) * outW + ow) * outC + Math.floor(ic / groupIn) * groupOut + oc;
          // The filter is [inC, outC / groups, kH, kW].
          y[to] = at(y, to) + value * at(w, ((ic * groupOut + oc) * kernel[0] + kh) * kernel[1] + kw);
        }
      }
    }
  }
  return [activated(words.slice(18, 21), y)];
}

function dense(inputs: readonly (Numbers | undefined)[], words: readonly number[]): readonly Numbers[] {
  const [m = 1, k = 1, n = 1, transposed = 0] = words;
  const [x, w, bias] = [given(inputs, 0), given(inputs, 1), inputs[2]];
  const y = made(m * n, (flat) => {
    const [row, column] = [Math.floor(flat / n), flat % n];
    let sum = bias?.[column] ?? 0;
    for (let i = 0; i < k; i++) sum += at(x, row * k + i) * at(w, transposed === 1 ? column * k + i : i * n + column);
    return sum;
  });
  return [activated(words.slice(4), y)];
}

function matmul(
  inputs: readonly (Numbers | undefined)[],
  [m = 1, k = 1, n = 1, rank = 0, ...batches]: readonly number[],
): readonly Numbers[] {
  const [a, b] = [given(inputs, 0), given(inputs, 1)];
  const [left, right] = [batches.slice(0, rank), batches.slice(rank)];
  const batch = broadcast(left, right);
  const shape = [...batch, m, n];
  return [
    made(sizeOf(shape), (flat) => {
      const indices = places(flat, shape);
      const [row, column] = [at(indices, rank), at(indices, rank + 1)];
      const [i, j] = [flatOf(indices.slice(0, rank), left), flatOf(indices.slice(0, rank), right)];
      let sum = 0;
      for (let each = 0; each < k; each++) sum += at(a, (i * m + row) * k + each) * at(b, (j * k + each) * n + column);
      return sum;
    }),
  ];
}

/** Kinds of pools: maximum, mean, and the 2-norm and 1-norm. */
function pooled(kind: number, values: readonly number[], counted: number): number {
  if (kind === 0) return Math.max(...values);
  if (kind === 1) return values.reduce((sum, value) => sum + value, 0) / counted;
  if (kind === 2) return Math.hypot(...values);
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

function pool2d(inputs: readonly (Numbers | undefined)[], words: readonly number[]): readonly Numbers[] {
  const [kind = 0, layout = 0, n = 1, inH = 1, inW = 1, c = 1, ...rest] = words;
  // Images with their channels first are as many images of one channel.
  if (layout === 1) return pool2d(inputs, [kind, 0, n * c, inH, inW, 1, ...rest]);
  const { kernel, stride, dilation, before, after } = windowOf(rest);
  const [ceil, includePad] = [at(words, 16), at(words, 17)];
  const x = given(inputs, 0);
  const size = [inH, inW].map((input, i) => {
    const room = (input + at(before, i) + at(after, i) - at(dilation, i) * (at(kernel, i) - 1) - 1) / at(stride, i);
    const count = (ceil === 1 ? Math.ceil(room) : Math.floor(room)) + 1;
    // A window that begins behind the image and its padding is none.
    return ceil === 1 && (count - 1) * at(stride, i) >= input + at(before, i) ? count - 1 : count;
  });
  const shape = [n, at(size, 0), at(size, 1), c];
  const indices = new Float64Array(sizeOf(shape));
  return [
    made(sizeOf(shape), (flat) => {
      const [image = 0, oh = 0, ow = 0, channel = 0] = places(flat, shape);
      const values: number[] = [];
      const elements: number[] = [];
      let counted = 0;
      for (let kh = 0; kh < kernel[0]; kh++) {
        for (let kw = 0; kw < kernel[1]; kw++) {
          const [ih, iw] = [
            oh * stride[0] + kh * dilation[0] - before[0],
            ow * stride[1] + kw * dilation[1] - before[1],
          ];
          const inside = ih >= 0 && iw >= 0 && ih < inH && iw < inW;
          const element = ((image * inH + ih) * inW + iw) * c + channel;
          if (inside) elements.push(element);
          if (inside) values.push(at(x, element));
          if (inside || (includePad === 1 && ih < inH + after[0] && iw < inW + after[1])) counted++;
        }
      }
      indices[flat] = at(elements, values.indexOf(Math.max(...values)));
      return pooled(kind, values, counted);
    }),
    indices,
  ];
}

function globalPool2d(
  inputs: readonly (Numbers | undefined)[],
  [kind = 0, , n = 1, h = 1, w = 1, c = 1]: readonly number[],
): readonly Numbers[] {
  const x = given(inputs, 0);
  const pixels = Array.from({ length: h * w }, (_, pixel) => pixel);
  return [
    made(n * c, (flat) => {
      const [image, channel] = [Math.floor(flat / c), flat % c];
      return pooled(
        kind,
        pixels.map((pixel) => at(x, (image * h * w + pixel) * c + channel)),
        h * w,
      );
    }),
  ];
}

const RESIZE_MODES = ["nearest", "linear", "cubic"] as const;
const COORDINATES = [
  "half_pixel",
  "align_corners",
  "asymmetric",
  "pytorch_half_pixel",
  "half_pixel_symmetric",
] as const;
const ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

function resize2d([x]: readonly (Numbers | undefined)[], words: readonly number[]): readonly Numbers[] {
  const [
    ,
    n = 1,
    h = 1,
    w = 1,
    c = 1,
    outH = 1,
    outW = 1,
    mode = 0,
    coordinates = 0,
    rounding = 0,
    cubicCoeffA = -0.75,
    outside = 0,
    antialias = 0,
    scaleH = 0,
    scaleW = 0,
  ] = words;
  const attributes: ResizeAttributes = {
    mode: pick(RESIZE_MODES, mode),
    coordinateTransformationMode: pick(COORDINATES, coordinates),
    nearestMode: pick(ROUNDINGS, rounding),
    cubicCoeffA,
    excludeOutside: outside === 1,
    extrapolationValue: 0,
    antialias: antialias === 1,
    axes: [],
    keepAspectRatioPolicy: "stretch",
  };
  const taps = (
    [
      [h, outH, scaleH],
      [w, outW, scaleW],
    ] as const
  ).map(([input, output, scale]) =>
    tapsOf({ input, output, scale: scale === 0 ? output / input : scale, roi: [0, 1] }, attributes),
  );
  const shape = [n, outH, outW, c];
  return [
    made(sizeOf(shape), (flat) => {
      const [image = 0, oh = 0, ow = 0, channel = 0] = places(flat, shape);
      let sum = 0;
      pick(pick(taps, 0), oh).indices.forEach((ih, i) => {
        pick(pick(taps, 1), ow).indices.forEach((iw, j) => {
          const weight = at(pick(pick(taps, 0), oh).weights, i) * at(pick(pick(taps, 1), ow).weights, j);
          sum += weight * at(x ?? [], ((image * h + ih) * w + iw) * c + channel);
        });
      });
      return sum;
    }),
  ];
}

/** Operators of this file. */
export const layers: Readonly<Record<string, Operator>> = {
  conv2d,
  convTranspose2d,
  dense,
  matmul,
  pool2d,
  globalPool2d,
  resize2d,
};

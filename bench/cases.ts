/** What is measured: layers of networks people run, pools, and filters of a full-HD picture. */

/** A convolution with bias, batch `n`; each side of an axis padded alike. */
export interface ConvCase {
  readonly kind: "conv";
  readonly name: string;
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly inC: number;
  readonly outC: number;
  readonly kH: number;
  readonly kW: number;
  readonly stride: number;
  readonly padH: number;
  readonly padW: number;
  readonly dilation: number;
  readonly groups: number;
}

/** A pool over a square window. Padding counts neither as a maximum nor in a mean. */
export interface PoolCase {
  readonly kind: "pool";
  readonly name: string;
  readonly pool: "max" | "avg" | "global-avg";
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly inC: number;
  readonly size: number;
  readonly stride: number;
  readonly pad: number;
}

/** A filter of a grey picture; what lies outside the picture is 0, but for edges the nearest pixel. */
export interface FilterCase {
  readonly kind: "filter";
  readonly name: string;
  readonly filter: "laplacian" | "sobel-x" | "gaussian" | "log" | "edges" | "half";
  readonly h: number;
  readonly w: number;
}

export type Case = ConvCase | PoolCase | FilterCase;

type Square = readonly [size: number, inC: number, outC: number, kernel: number, stride: number, pad: number];

/** A square convolution of one square picture. */
export function conv(name: string, [size, inC, outC, kernel, stride, pad]: Square, groups = 1): ConvCase {
  const square = { h: size, w: size, kH: kernel, kW: kernel, padH: pad, padW: pad };
  return { kind: "conv", name, n: 1, ...square, inC, outC, stride, dilation: 1, groups };
}

/** How far a dilated kernel reaches. */
export function reach(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

export function pool(
  name: string,
  kind: PoolCase["pool"],
  [size, inC, window, stride, pad]: readonly [number, number, number, number, number],
): PoolCase {
  return { kind: "pool", name, pool: kind, n: 1, h: size, w: size, inC, size: window, stride, pad };
}

const fullHd = { h: 1080, w: 1920 } as const;

export const convolutions: readonly ConvCase[] = [
  conv("resnet18 conv1 7x7 s2 3-64 224²", [224, 3, 64, 7, 2, 3]),
  conv("resnet 3x3 64-64 56²", [56, 64, 64, 3, 1, 1]),
  conv("resnet 3x3 128-128 28²", [28, 128, 128, 3, 1, 1]),
  conv("resnet 3x3 256-256 14²", [14, 256, 256, 3, 1, 1]),
  conv("resnet 3x3 512-512 7²", [7, 512, 512, 3, 1, 1]),
  conv("resnet 3x3 s2 64-128 56²", [56, 64, 128, 3, 2, 1]),
  conv("resnet50 1x1 64-256 56²", [56, 64, 256, 1, 1, 0]),
  conv("resnet50 1x1 1024-256 14²", [14, 1024, 256, 1, 1, 0]),
  conv("vgg 3x3 128-128 112²", [112, 128, 128, 3, 1, 1]),
  conv("mobilenet conv1 3x3 s2 3-32 224²", [224, 3, 32, 3, 2, 1]),
  conv("mobilenet dw 3x3 32 112²", [112, 32, 32, 3, 1, 1], 32),
  conv("mobilenet dw 3x3 s2 96 112²", [112, 96, 96, 3, 2, 1], 96),
  conv("mobilenet dw 3x3 384 14²", [14, 384, 384, 3, 1, 1], 384),
  conv("mobilenet 1x1 32-16 112²", [112, 32, 16, 1, 1, 0]),
  conv("mobilenet 1x1 32-192 28²", [28, 32, 192, 1, 1, 0]),
  conv("mobilenet 1x1 160-960 7²", [7, 160, 960, 1, 1, 0]),
  conv("lenet 5x5 1-6 28²", [28, 1, 6, 5, 1, 2]),
  { ...conv("picture 3x3 1-1 1080x1920", [1, 1, 1, 3, 1, 1]), ...fullHd },
];

export const pools: readonly PoolCase[] = [
  pool("max 3x3 s2 64 112²", "max", [112, 64, 3, 2, 1]),
  pool("max 2x2 s2 64 224²", "max", [224, 64, 2, 2, 0]),
  pool("avg 2x2 s2 64 112²", "avg", [112, 64, 2, 2, 0]),
  pool("avg 3x3 192 28²", "avg", [28, 192, 3, 1, 1]),
  pool("global avg 512 7²", "global-avg", [7, 512, 7, 1, 0]),
];

export const filters: readonly FilterCase[] = [
  { kind: "filter", name: "filter 3x3 1080x1920", filter: "laplacian", ...fullHd },
  { kind: "filter", name: "sobel x 1080x1920", filter: "sobel-x", ...fullHd },
  { kind: "filter", name: "gaussian 9x9 1080x1920", filter: "gaussian", ...fullHd },
  { kind: "filter", name: "laplacian of gaussian 9x9 1080x1920", filter: "log", ...fullHd },
  { kind: "filter", name: "sobel magnitude 1080x1920", filter: "edges", ...fullHd },
  { kind: "filter", name: "halve, linear 1080x1920", filter: "half", ...fullHd },
];

/** Height and width of a case's output. */
export function outputSize(layer: Case): readonly [h: number, w: number] {
  const along = (size: number, kernel: number, stride: number, pad: number): number =>
    Math.floor((size + 2 * pad - kernel) / stride) + 1;
  switch (layer.kind) {
    case "conv":
      return [
        along(layer.h, reach(layer.kH, layer.dilation), layer.stride, layer.padH),
        along(layer.w, reach(layer.kW, layer.dilation), layer.stride, layer.padW),
      ];
    case "pool":
      return [along(layer.h, layer.size, layer.stride, layer.pad), along(layer.w, layer.size, layer.stride, layer.pad)];
    case "filter":
      return layer.filter === "half" ? [layer.h / 2, layer.w / 2] : [layer.h, layer.w];
  }
}

/** Where the window begins, before the first row and the first column. */
export interface Begin {
  readonly top: number;
  readonly left: number;
}

export function evenPadding(layer: ConvCase | PoolCase): Begin {
  return layer.kind === "conv" ? { top: layer.padH, left: layer.padW } : { top: layer.pad, left: layer.pad };
}

/** Where TensorFlow's "same" padding begins: it puts the odd pixel at the end, where the others pad evenly. */
export function samePadding(layer: ConvCase | PoolCase): Begin {
  const { h, w, stride } = layer;
  const before = (size: number, kernel: number): number => {
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
    return Math.floor(total / 2);
  };
  return layer.kind === "conv"
    ? { top: before(h, reach(layer.kH, layer.dilation)), left: before(w, reach(layer.kW, layer.dilation)) }
    : { top: before(h, layer.size), left: before(w, layer.size) };
}

/** Multiplications and additions of the definition (what Winograd saves is not subtracted). Pools have none. */
export function flops(layer: Case): number {
  const [outH, outW] = outputSize(layer);
  switch (layer.kind) {
    case "conv":
      return (2 * layer.n * outH * outW * layer.outC * layer.inC * layer.kH * layer.kW) / layer.groups;
    case "pool":
      return 0;
    case "filter":
      return 2 * outH * outW * { laplacian: 9, "sobel-x": 9, gaussian: 81, log: 81, edges: 20, half: 4 }[layer.filter];
  }
}

/** Bytes of input, filter and output: what must move at least once. */
export function bytes(layer: Case): { readonly input: number; readonly all: number } {
  const [outH, outW] = outputSize(layer);
  switch (layer.kind) {
    case "conv": {
      const input = 4 * layer.n * layer.h * layer.w * layer.inC;
      const filter = (4 * layer.kH * layer.kW * layer.inC * layer.outC) / layer.groups;
      return { input, all: input + filter + 4 * layer.n * outH * outW * layer.outC };
    }
    case "pool": {
      const input = 4 * layer.n * layer.h * layer.w * layer.inC;
      return { input, all: input + 4 * layer.n * outH * outW * layer.inC };
    }
    case "filter":
      return { input: 4 * layer.h * layer.w, all: 4 * (layer.h * layer.w + outH * outW) };
  }
}

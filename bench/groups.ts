/** The cases in groups, by which `--case` names them. */
import { type Case, type ConvCase, conv, convolutions, filters, pool, pools } from "./cases.ts";

/** A case, and how often its network has it. */
export interface Member {
  readonly layer: Case;
  readonly count: number;
}

export interface Group {
  readonly name: string;
  readonly title: string;
  /** Runs when no case is asked for. */
  readonly standard: boolean;
  /** Shown line by line, as the sum of a network's layers, or as a distribution. */
  readonly shown: "lines" | "sum" | "distribution";
  readonly members: readonly Member[];
}

function once(layers: readonly Case[]): readonly Member[] {
  return layers.map((layer) => ({ layer, count: 1 }));
}

export const groups: readonly Group[] = [
  { name: "convolutions", title: "Convolutions", standard: true, shown: "lines", members: once(convolutions) },
  { name: "pools", title: "Pools", standard: true, shown: "lines", members: once(pools) },
  { name: "filters", title: "Filters of a grey picture", standard: true, shown: "lines", members: once(filters) },
  { name: "resnet18", title: "ResNet-18 by layers", standard: false, shown: "sum", members: resnet18() },
  { name: "mobilenetv2", title: "MobileNetV2 by layers", standard: false, shown: "sum", members: mobilenetV2() },
  { name: "sweep", title: "Shapes of many networks", standard: false, shown: "distribution", members: once(sweep()) },
];

/** A convolution that is named by its sizes. */
function named(prefix: string, layer: Omit<ConvCase, "name">): ConvCase {
  const { n, h, w, inC, outC, kH, kW, stride, dilation, groups: split } = layer;
  const kind = split === 1 ? "" : split === inC ? "dw " : `g${split} `;
  const parts = [
    `${prefix}${kind}${kH}x${kW}`,
    ...(stride === 1 ? [] : [`s${stride}`]),
    ...(dilation === 1 ? [] : [`d${dilation}`]),
    split === inC && inC === outC ? inC : `${inC}-${outC}`,
    h === w ? `${h}²` : `${h}x${w}`,
    ...(n === 1 ? [] : [`n${n}`]),
  ];
  return { ...layer, name: parts.join(" ") };
}

/** Equal layers become one member with a count. */
function counted(layers: readonly Case[]): readonly Member[] {
  const members = new Map<string, { layer: Case; count: number }>();
  for (const layer of layers) {
    const found = members.get(layer.name);
    if (found) found.count++;
    else members.set(layer.name, { layer, count: 1 });
  }
  return [...members.values()];
}

function resnet18(): readonly Member[] {
  const layer = (size: number, inC: number, outC: number, kernel: number, stride: number): ConvCase =>
    named("resnet18 ", conv("", [size, inC, outC, kernel, stride, (kernel - 1) / 2]));
  const layers: Case[] = [
    layer(224, 3, 64, 7, 2),
    pool("resnet18 max 3x3 s2 64 112²", "max", [112, 64, 3, 2, 1]),
    ...Array.from({ length: 4 }, () => layer(56, 64, 64, 3, 1)),
  ];
  for (const [size, inC] of [
    [56, 64],
    [28, 128],
    [14, 256],
  ] as const) {
    const outC = 2 * inC;
    layers.push(layer(size, inC, outC, 3, 2), layer(size, inC, outC, 1, 2));
    for (let i = 0; i < 3; i++) layers.push(layer(size / 2, outC, outC, 3, 1));
  }
  layers.push(pool("resnet18 global avg 512 7²", "global-avg", [7, 512, 7, 1, 0]));
  return counted(layers);
}

function mobilenetV2(): readonly Member[] {
  const layer = (size: number, inC: number, outC: number, kernel: number, stride: number, split = 1): ConvCase =>
    named("mobilenetv2 ", conv("", [size, inC, outC, kernel, stride, (kernel - 1) / 2], split));
  const layers: Case[] = [layer(224, 3, 32, 3, 2)];
  let [size, inC] = [112, 32];
  const blocks = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expansion = 1, outC = 1, repeats = 1, first = 1] of blocks) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? first : 1;
      const wide = expansion * inC;
      if (expansion > 1) layers.push(layer(size, inC, wide, 1, 1));
      layers.push(layer(size, wide, wide, 3, stride, wide));
      size /= stride;
      layers.push(layer(size, wide, outC, 1, 1));
      inC = outC;
    }
  }
  layers.push(layer(7, 320, 1280, 1, 1), pool("mobilenetv2 global avg 1280 7²", "global-avg", [7, 1280, 7, 1, 0]));
  return counted(layers);
}

/** Shapes off the beaten track that networks do have: odd channels and sizes, groups, dilation, long kernels, batches. */
function sweep(): readonly Case[] {
  const layers: ConvCase[] = [];
  const add = (
    sizes: readonly number[],
    channels: readonly (readonly [number, number])[],
    change: Partial<ConvCase> = {},
  ): void => {
    for (const size of sizes) {
      for (const [inC, outC] of channels) {
        const kernel = { kH: change.kH ?? 3, kW: change.kW ?? 3 };
        const dilation = change.dilation ?? 1;
        const base = {
          ...conv("", [size, inC, outC, 3, 1, 0]),
          ...kernel,
          padH: (dilation * (kernel.kH - 1)) >> 1,
          padW: (dilation * (kernel.kW - 1)) >> 1,
          ...change,
        };
        layers.push(named("", base.groups === 0 ? { ...base, groups: inC } : base));
      }
    }
  };
  const square = (size: number): { readonly kH: number; readonly kW: number } => ({ kH: size, kW: size });
  const same = (...channels: readonly number[]): readonly (readonly [number, number])[] => channels.map((c) => [c, c]);
  const depthwise = { groups: 0 };
  // Dense 3x3: ShuffleNet's, EfficientNet's and Inception's channels, DenseNet's growth, U-Net's and detectors' sizes.
  add(
    [7, 14, 28],
    [
      [24, 24],
      [40, 80],
      [58, 58],
      [116, 116],
      [112, 160],
    ],
  );
  add(
    [17, 35],
    [
      [64, 96],
      [96, 96],
      [160, 192],
    ],
  );
  add(
    [8, 13, 20, 26, 40, 52],
    [
      [128, 32],
      [96, 128],
      [255, 64],
    ],
  );
  add(
    [72, 80, 104, 160],
    [
      [24, 24],
      [32, 64],
      [48, 48],
    ],
  );
  add(
    [128, 256],
    [
      [16, 16],
      [64, 32],
      [3, 16],
    ],
  );
  // Stride 2.
  add(
    [224, 299, 320],
    [
      [3, 16],
      [3, 24],
      [3, 32],
      [3, 48],
    ],
    { stride: 2 },
  );
  add(
    [28, 56, 75],
    [
      [40, 80],
      [64, 128],
      [96, 160],
    ],
    { stride: 2 },
  );
  add(
    [149, 147],
    [
      [32, 32],
      [32, 64],
    ],
  );
  // Depthwise 3x3, 5x5, 7x7.
  add([7, 14, 28, 56], same(24, 58, 144, 240), depthwise);
  add([14, 28, 56, 112], same(72, 96), { ...depthwise, stride: 2 });
  add([7, 14, 28], same(72, 120, 240, 480, 672), { ...depthwise, ...square(5) });
  add([14, 28, 56], same(72, 144, 240), { ...depthwise, ...square(5), stride: 2 });
  add([56, 28, 14, 7], same(96, 192, 384), { ...depthwise, ...square(7) });
  add([33, 65], same(96, 256), { ...depthwise, dilation: 2 });
  // 1x1: squeezes, expansions, shuffles, classifiers.
  add(
    [1],
    [
      [960, 240],
      [1280, 1000],
      [2048, 1000],
    ],
    square(1),
  );
  add(
    [7, 14, 28, 56],
    [
      [24, 144],
      [116, 116],
      [240, 40],
      [40, 240],
    ],
    square(1),
  );
  add(
    [8, 17, 35],
    [
      [192, 64],
      [288, 48],
      [768, 192],
    ],
    square(1),
  );
  add(
    [28, 56],
    [
      [64, 128],
      [256, 512],
    ],
    { ...square(1), stride: 2 },
  );
  // Groups of ResNeXt and RegNet.
  add(
    [56, 28, 14],
    [
      [128, 128],
      [256, 256],
    ],
    { groups: 32 },
  );
  add(
    [28, 14],
    [
      [232, 232],
      [464, 464],
    ],
    { groups: 8 },
  );
  // Dilated, as in segmentation.
  for (const dilation of [2, 4, 6, 12])
    add(
      [33, 65],
      [
        [64, 64],
        [128, 128],
      ],
      { dilation },
    );
  // Long kernels of Inception.
  add(
    [17],
    [
      [128, 128],
      [160, 160],
      [192, 192],
    ],
    { kH: 1, kW: 7 },
  );
  add(
    [17],
    [
      [128, 128],
      [160, 160],
      [192, 192],
    ],
    { kH: 7, kW: 1 },
  );
  add([8], [[384, 384]], { kH: 1, kW: 3 });
  add([8], [[384, 384]], { kH: 3, kW: 1 });
  // Large kernels and patches.
  add(
    [35, 28],
    [
      [48, 64],
      [16, 32],
    ],
    square(5),
  );
  add(
    [224],
    [
      [3, 96],
      [3, 64],
    ],
    { ...square(4), stride: 4, padH: 0, padW: 0 },
  );
  add([227], [[3, 64]], { ...square(11), stride: 4, padH: 2, padW: 2 });
  add(
    [128, 256],
    [
      [1, 64],
      [3, 32],
      [32, 3],
    ],
    square(9),
  );
  // Batches.
  add(
    [7, 14],
    [
      [64, 64],
      [128, 128],
    ],
    { n: 8 },
  );
  add([7, 14], same(96, 240), { ...depthwise, n: 8 });
  add(
    [7, 14],
    [
      [96, 576],
      [576, 96],
    ],
    { ...square(1), n: 8 },
  );
  return layers;
}

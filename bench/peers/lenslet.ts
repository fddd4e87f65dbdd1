/** lenslet through its public API, in this thread: pictures' own layout, and NCHW as most of its peers have it. */
import type { Engine, Tensor } from "lenslet";
import { outputSize } from "../cases.ts";
import {
  type ConvWork,
  type FilterWork,
  GAUSSIAN_SIGMA,
  hwioToOihw,
  isConv,
  isPool,
  kernelOf,
  nhwcToNchw,
  type PoolWork,
  type Work,
} from "../work.ts";
import { type Environment, floats, type Peer, type Prepared, type Runtime } from "./peer.ts";

type Layout = "NHWC" | "NCHW";

/** The name of the contender that everything is compared with. */
export const LENSLET = "lenslet";
export const LENSLET_NCHW = "lenslet NCHW";

function lenslet(name: string, layout: Layout): Peer {
  return {
    name,
    kind: "lenslet",
    hosts: ["node", "browser"],
    packageName: "lenslet",
    files: ["lenslet/dist/browser/index.js", "lenslet/dist/wasm/relaxed.js"],
    wasm: "lenslet/dist/wasm/relaxed.wasm",
    async open({ build }: Environment): Promise<Runtime> {
      const { createEngine } = await import("lenslet");
      const engine = await createEngine({ build });
      return {
        about: `${engine.info.build} build, ${layout}, this thread`,
        close: () => engine.dispose(),
        async prepare(work: Work): Promise<Prepared | undefined> {
          if (isConv(work)) return conv(engine, work, layout);
          if (isPool(work)) return pool(engine, work, layout);
          return layout === "NHWC" ? filter(engine, work) : undefined;
        },
      };
    },
  };
}

export const lensletNhwc: Peer = lenslet(LENSLET, "NHWC");
export const lensletNchw: Peer = lenslet(LENSLET_NCHW, "NCHW");

function prepared(layout: Layout, call: () => Tensor, constants: readonly Tensor[]): Prepared {
  let into: Float32Array<ArrayBuffer> | undefined;
  return {
    layout,
    async compute() {
      const y = call();
      into ??= new Float32Array(y.size);
      const data = floats(await y.data({ into }));
      y.dispose();
      return data;
    },
    keep: () => call().dispose(),
    dispose() {
      for (const tensor of constants) tensor.dispose();
    },
  };
}

function picture(engine: Engine, { layer, input }: ConvWork | PoolWork, layout: Layout): Tensor {
  const { n, h, w, inC } = layer;
  return layout === "NHWC"
    ? engine.tensor(input, [n, h, w, inC])
    : engine.tensor(nhwcToNchw(input, n, h * w, inC), [n, inC, h, w]);
}

function conv(engine: Engine, work: ConvWork, layout: Layout): Prepared {
  const { kH, kW, inC, outC, groups, stride, dilation, padH, padW } = work.layer;
  const x = picture(engine, work, layout);
  const weights =
    layout === "NHWC"
      ? engine.tensor(work.filter, [kH, kW, inC / groups, outC])
      : engine.tensor(hwioToOihw(work), [outC, inC / groups, kH, kW]);
  const bias = engine.tensor(work.bias);
  const options = { stride, padding: [padH, padW], dilation, groups, bias, layout } as const;
  return prepared(layout, () => engine.conv2d(x, weights, options), [x, weights, bias]);
}

function pool(engine: Engine, work: PoolWork, layout: Layout): Prepared {
  const { size, stride, pad, pool: kind } = work.layer;
  const x = picture(engine, work, layout);
  const options = { size, stride, padding: pad, layout };
  const call = {
    max: () => engine.maxPool2d(x, options),
    avg: () => engine.avgPool2d(x, options),
    "global-avg": () => engine.globalAvgPool2d(x, { layout }),
  }[kind];
  return prepared(layout, call, [x]);
}

async function filter(engine: Engine, { layer, input }: FilterWork): Promise<Prepared> {
  const { filters } = await import("lenslet");
  const x = engine.tensor(input, [1, layer.h, layer.w, 1]);
  if (layer.filter === "half") {
    const [h, w] = outputSize(layer);
    return prepared("NHWC", () => engine.resize(x, { size: [h, w], mode: "linear" }), [x]);
  }
  if (layer.filter === "edges") return prepared("NHWC", () => filters.edges(x), [x]);
  const kernel = kernelOf(layer);
  const { data, shape } =
    layer.filter === "sobel-x"
      ? filters.sobelX()
      : layer.filter === "gaussian"
        ? filters.gaussian({ sigma: GAUSSIAN_SIGMA, size: 9 })
        : { data: kernel?.taps ?? [], shape: [kernel?.size ?? 0, kernel?.size ?? 0, 1, 1] };
  const taps = engine.tensor(data, shape);
  return prepared("NHWC", () => engine.conv2d(x, taps, { padding: "same" }), [x, taps]);
}

/** Layers that make images smaller, or larger. */
import { checkOptions, flag, pair, type Pair } from "../../options.ts";
import { slide, type WindowOptions } from "../../shape.ts";
import type { PoolAttributes } from "../attributes.ts";
import { integers } from "../constant.ts";
import { windowAttributes } from "./convolution.ts";
import { imageValue, type Layer, type LayerOptions, type Value } from "./network.ts";

/** Options of {@link maxPool2d}. */
export interface PoolLayerOptions extends WindowOptions, LayerOptions {
  /** The window's size: one number, or `[h, w]`. */
  readonly size: Pair;
  /** Rounds output sizes up instead of down. Default false. */
  readonly ceilMode?: boolean | undefined;
}

/** Options of {@link avgPool2d}. */
export interface AvgPoolLayerOptions extends PoolLayerOptions {
  /** Whether elements of the padding count. Default false. */
  readonly countIncludePad?: boolean | undefined;
}

const KEYS = ["size", "stride", "padding", "dilation", "ceilMode", "name"];

function pooling(
  call: string,
  options: PoolLayerOptions,
  add: (name: string, x: Value, attributes: PoolAttributes, shape: readonly number[]) => Value,
): Layer {
  const size = pair(call, "size", options.size);
  const ceilMode = flag(call, "ceilMode", options.ceilMode ?? false);
  return (x) => {
    const [h, w, c] = imageValue(call, x);
    const windows = slide(call, "size", [h, w], size, { ...options, stride: options.stride ?? size }, ceilMode);
    const name = x.network.layerName(call, options.name);
    const attributes = { ...windowAttributes(windows), kernelShape: size, ceilMode };
    return add(name, x, attributes, [windows.h.output, windows.w.output, c]);
  };
}

/** The largest element of each window, channel by channel. */
export function maxPool2d(options: PoolLayerOptions): Layer {
  checkOptions("maxPool2d", options, KEYS);
  return pooling("maxPool2d", options, (name, x, attributes, shape) =>
    x.network.add("MaxPool", name, [x], { ...attributes, storageOrder: 0 }, shape),
  );
}

/** The mean of each window, channel by channel. */
export function avgPool2d(options: AvgPoolLayerOptions): Layer {
  checkOptions("avgPool2d", options, [...KEYS, "countIncludePad"]);
  const countIncludePad = flag("avgPool2d", "countIncludePad", options.countIncludePad ?? false);
  return pooling("avgPool2d", options, (name, x, attributes, shape) =>
    x.network.add("AveragePool", name, [x], { ...attributes, countIncludePad }, shape),
  );
}

function globalPooling(call: string, op: "GlobalAveragePool" | "GlobalMaxPool", options: LayerOptions): Layer {
  checkOptions(call, options, ["name"]);
  return (x) => {
    const [, , c] = imageValue(call, x);
    const name = x.network.layerName(call, options.name);
    const pooled = x.network.add(op, `${name}/pool`, [x], {}, [1, 1, c]);
    return x.network.add("Flatten", name, [pooled], { axis: 1 }, [c]);
  };
}

/** The mean of each channel: a vector. */
export function globalAvgPool2d(options: LayerOptions = {}): Layer {
  return globalPooling("globalAvgPool2d", "GlobalAveragePool", options);
}

/** The largest element of each channel: a vector. */
export function globalMaxPool2d(options: LayerOptions = {}): Layer {
  return globalPooling("globalMaxPool2d", "GlobalMaxPool", options);
}

/** Options of {@link resize}. */
export interface ResizeLayerOptions extends LayerOptions {
  /** The output's size: one number, or `[h, w]`. */
  readonly size: Pair;
  /** Default `"linear"`. */
  readonly mode?: "nearest" | "linear" | undefined;
}

/** Images in another size. */
export function resize(options: ResizeLayerOptions): Layer {
  const call = "resize";
  checkOptions(call, options, ["size", "mode", "name"]);
  const [outH, outW] = pair(call, "size", options.size);
  return (x) => {
    const { network } = x;
    const [, , c] = imageValue(call, x);
    const name = network.layerName(call, options.name);
    const sizes = network.constant(`${name}/sizes`, integers([outH, outW]));
    const attributes = {
      mode: options.mode ?? "linear",
      coordinateTransformationMode: "half_pixel",
      nearestMode: "round_prefer_floor",
      cubicCoeffA: -0.75,
      excludeOutside: false,
      extrapolationValue: 0,
      antialias: false,
      axes: [2, 3],
      keepAspectRatioPolicy: "stretch",
    } as const;
    // Absent inputs before it: roi and scales.
    return network.add("Resize", name, [x, undefined, undefined, sizes], attributes, [outH, outW, c]);
  };
}

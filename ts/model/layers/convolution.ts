/** Layers that slide filters over images. */
import { LensletError } from "../../errors.ts";
import type { Activation } from "../../ops/activation.ts";
import { checkOptions, count, flag, invalid, pair, type Pair } from "../../options.ts";
import { elementCount, formatShape, type Shape, slide, type WindowOptions, type Windows } from "../../shape.ts";
import type { NdArray, Numbers } from "../../tensor.ts";
import { floats } from "../constant.ts";
import { activated } from "./activation.ts";
import type { Initialiser } from "./initialiser.ts";
import { imageValue, type Layer, type LayerOptions, type Network } from "./network.ts";

/** Weights that are known. */
export interface FilterWeights {
  /** `[kH, kW, inC / groups, outC]` */
  readonly filter: NdArray;
  /** `[outC]` */
  readonly bias?: Numbers | undefined;
}

/** Options of {@link conv2d}. */
export interface Conv2dLayerOptions extends WindowOptions, LayerOptions {
  /** Output channels. */
  readonly filters: number;
  /** The filter's size: one number, or `[kH, kW]`. */
  readonly size: Pair;
  /** Groups of channels that do not see one another. Default 1. */
  readonly groups?: number | undefined;
  /** Whether a number is added to each output channel. Default true. */
  readonly bias?: boolean | undefined;
  /** Default `"identity"`. */
  readonly activation?: Activation | undefined;
  /** How the filter begins; the bias begins with zeros. Default `"heUniform"`. */
  readonly initialiser?: Initialiser | undefined;
  /** Weights that are known already. */
  readonly weights?: FilterWeights | undefined;
}

const KEYS = [
  "filters",
  "size",
  "stride",
  "padding",
  "dilation",
  "groups",
  "bias",
  "activation",
  "initialiser",
  "weights",
  "name",
];

/** A window's attributes in the graph. */
export function windowAttributes({ h, w }: Windows): {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: "NOTSET";
} {
  return {
    strides: [h.stride, w.stride],
    dilations: [h.dilation, w.dilation],
    pads: [h.padBefore, w.padBefore, h.padAfter, w.padAfter],
    autoPad: "NOTSET",
  };
}

/** Convolution of images, as `engine.conv2d`. */
export function conv2d(options: Conv2dLayerOptions): Layer {
  const call = "conv2d";
  checkOptions(call, options, KEYS);
  const outC = count(call, "filters", options.filters);
  const [kH, kW] = pair(call, "size", options.size);
  const groups = count(call, "groups", options.groups ?? 1);
  const biased = flag(call, "bias", options.bias ?? true);
  if (outC % groups !== 0) throw invalid(call, "groups", groups, `a divisor of the ${outC} filters`);
  return (x) => {
    const { network } = x;
    const [h, w, inC] = imageValue(call, x);
    if (inC % groups !== 0) throw invalid(call, "groups", groups, `a divisor of the ${inC} input channels`);
    const name = network.layerName(call, options.name);
    const windows = slide(call, "size", [h, w], [kH, kW], options);
    const sizes = { kH, kW, inC: inC / groups, outC };
    const inputs = [x, ...filterAndBias(network, call, name, sizes, groups, biased, options)];
    const shape: Shape = [windows.h.output, windows.w.output, outC];
    const y = network.add("Conv", name, inputs, { ...windowAttributes(windows), group: groups }, shape);
    return activated(call, `${name}/activation`, y, options.activation);
  };
}

interface FilterSizes {
  readonly kH: number;
  readonly kW: number;
  /** Of a group. */
  readonly inC: number;
  readonly outC: number;
}

function filterAndBias(
  network: Network,
  call: string,
  name: string,
  { kH, kW, inC, outC }: FilterSizes,
  groups: number,
  biased: boolean,
  { weights, initialiser = "heUniform" }: Conv2dLayerOptions,
): readonly string[] {
  const taps = kH * kW;
  const shape = [outC, inC, kH, kW];
  const data =
    weights === undefined
      ? network.initialisers.draw(call, initialiser, taps * inC * outC, taps * inC, (taps * outC) / groups)
      : givenFilter(call, weights.filter, { kH, kW, inC, outC });
  const filter = network.constant(`${name}.filter`, floats(data, shape));
  if (!biased) {
    if (weights?.bias === undefined) return [filter];
    throw invalid(call, "bias", false, "true, or no weights.bias");
  }
  return [filter, network.constant(`${name}.bias`, floats(givenVector(call, "weights.bias", weights?.bias, outC)))];
}

/** A filter `[kH, kW, inC, outC]` in the graph's order `[outC, inC, kH, kW]`. */
function givenFilter(call: string, filter: NdArray, { kH, kW, inC, outC }: FilterSizes): Float32Array {
  const expected = [kH, kW, inC, outC];
  if (formatShape(filter.shape) !== formatShape(expected) || filter.data.length !== elementCount(expected)) {
    const text = `${call}: weights.filter has shape ${formatShape(filter.shape)} and ${filter.data.length} elements; expected ${formatShape(expected)}: [kH, kW, inC / groups, outC]`;
    throw new LensletError("shape-mismatch", text, { argument: "weights.filter" });
  }
  const out = new Float32Array(filter.data.length);
  const taps = kH * kW;
  for (let tap = 0; tap < taps; tap++) {
    for (let i = 0; i < inC; i++) {
      for (let o = 0; o < outC; o++) out[(o * inC + i) * taps + tap] = filter.data[(tap * inC + i) * outC + o] ?? 0;
    }
  }
  return out;
}

/** Numbers for each of `length` channels; zeros where none are given. */
export function givenVector(call: string, argument: string, values: Numbers | undefined, length: number): Float32Array {
  if (values === undefined) return new Float32Array(length);
  if (values.length === length) return Float32Array.from(values);
  const text = `${call}: ${argument} has ${values.length} elements; expected ${length}, one a channel`;
  throw new LensletError("shape-mismatch", text, { argument });
}

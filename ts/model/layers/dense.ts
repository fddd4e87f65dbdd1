/** Layers of vectors. */
import { LensletError } from "../../errors.ts";
import type { Activation } from "../../ops/activation.ts";
import { checkOptions, count, flag, invalid } from "../../options.ts";
import { formatShape } from "../../shape.ts";
import type { NdArray, Numbers } from "../../tensor.ts";
import { floats } from "../constant.ts";
import { activated } from "./activation.ts";
import { givenVector } from "./convolution.ts";
import type { Initialiser } from "./initialiser.ts";
import { checkedValue, type Layer, type LayerOptions, vectorValue } from "./network.ts";

/** Options of {@link dense}. */
export interface DenseLayerOptions extends LayerOptions {
  /** Outputs. */
  readonly units: number;
  /** Whether a number is added to each output. Default true. */
  readonly bias?: boolean | undefined;
  /** Default `"identity"`. */
  readonly activation?: Activation | undefined;
  /** How the weights begin; the bias begins with zeros. Default `"glorotUniform"`. */
  readonly initialiser?: Initialiser | undefined;
  /** Weights `[k, units]` and bias `[units]` that are known already. */
  readonly weights?: { readonly weights: NdArray; readonly bias?: Numbers | undefined } | undefined;
}

/** Every output is a weighted sum of all inputs, as `engine.dense`. Takes vectors: `flatten()` makes them of images. */
export function dense(options: DenseLayerOptions): Layer {
  const call = "dense";
  checkOptions(call, options, ["units", "bias", "activation", "initialiser", "weights", "name"]);
  const units = count(call, "units", options.units);
  const biased = flag(call, "bias", options.bias ?? true);
  if (!biased && options.weights?.bias !== undefined) throw invalid(call, "bias", false, "true, or no weights.bias");
  return (x) => {
    const { network } = x;
    const k = vectorValue(call, x);
    const name = network.layerName(call, options.name);
    const data =
      options.weights === undefined
        ? network.initialisers.draw(call, options.initialiser ?? "glorotUniform", k * units, k, units)
        : givenWeights(call, options.weights.weights, k, units);
    const inputs = [x, network.constant(`${name}.weights`, floats(data, [k, units]))];
    if (biased) {
      const bias = givenVector(call, "weights.bias", options.weights?.bias, units);
      inputs.push(network.constant(`${name}.bias`, floats(bias)));
    }
    const y = network.add("Gemm", name, inputs, { alpha: 1, beta: 1, transA: false, transB: false }, [units]);
    return activated(call, `${name}/activation`, y, options.activation);
  };
}

function givenWeights(call: string, { data, shape }: NdArray, k: number, units: number): Float32Array {
  if (formatShape(shape) === formatShape([k, units]) && data.length === k * units) return Float32Array.from(data);
  const text = `${call}: weights.weights has shape ${formatShape(shape)} and ${data.length} elements; expected [${k}, ${units}]: [k, units]`;
  throw new LensletError("shape-mismatch", text, { argument: "weights.weights" });
}

/** Images as vectors: `[h, w, c]` becomes `[h * w * c]`. */
export function flatten(options: LayerOptions = {}): Layer {
  checkOptions("flatten", options, ["name"]);
  return (x) => {
    const { network, shape } = checkedValue("flatten", "x", x);
    const [h, w, c] = shape;
    if (h === undefined || w === undefined || c === undefined) return x;
    const name = network.layerName("flatten", options.name);
    const image = network.add("Transpose", `${name}/nhwc`, [x], { perm: [0, 2, 3, 1] }, shape);
    return network.add("Flatten", name, [image], { axis: 1 }, [h * w * c]);
  };
}

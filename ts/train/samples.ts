/** Samples as options give them, and whether a network can learn from them. */
import { LensletError } from "../errors.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import { specialise } from "../model/specialise/specialise.ts";
import { checkOptions, invalid, list, show } from "../options.ts";
import { elementCount, formatShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { arrayDataset, type SampleArray, type TargetArray } from "./data/arrays.ts";
import { type Dataset, isDataset } from "./data/dataset.ts";
import type { Loss } from "./loss.ts";
import type { SampleOptions } from "./options.ts";

/** The dataset that options name, or make of arrays. `prefix` comes before the arguments' names: `"validation."`. */
export async function samplesOf(call: string, options: SampleOptions, prefix = ""): Promise<Dataset> {
  const { dataset, x, y } = options;
  if (dataset === undefined) {
    if (x === undefined || y === undefined) {
      const missing = x === undefined ? "x" : "y";
      throw invalid(call, `${prefix}${missing}`, undefined, "inputs x and targets y, or a dataset");
    }
    return arrayDataset(call, { x: await sampleArray(x), y: await targetArray(y) });
  }
  if (x !== undefined || y !== undefined) {
    const text = `${call}: ${prefix}dataset and ${prefix}${x === undefined ? "y" : "x"} are both given; expected either a dataset, or x and y`;
    throw new LensletError("invalid-argument", text, { argument: `${prefix}dataset` });
  }
  if (!isDataset(dataset)) throw notDataset(call, `${prefix}dataset`, dataset);
  return dataset;
}

/** The inputs of samples whose targets nobody knows. */
export async function inputsOf(call: string, x: unknown): Promise<Dataset> {
  if (isDataset(x)) return x;
  const array = await sampleArray(x as SampleArray | Tensor);
  const n = typeof array === "object" && array !== null && Array.isArray(array.shape) ? array.shape[0] : 0;
  return arrayDataset(call, { x: array, y: new Uint8Array(typeof n === "number" && n > 0 ? n : 0) });
}

/** The `validation` option where it names samples. */
export async function validationOf(call: string, value: SampleOptions | Dataset): Promise<Dataset> {
  if (isDataset(value)) return value;
  checkOptions(call, value, ["dataset", "x", "y"], "validation");
  return samplesOf(call, value, "validation.");
}

function notDataset(call: string, argument: string, value: unknown): LensletError {
  return invalid(call, argument, value, "a dataset, as data.arrays, data.idx and data.folder make them");
}

async function sampleArray(x: SampleArray | Tensor): Promise<SampleArray> {
  return x instanceof Tensor ? { data: await x.data(), shape: x.shape } : x;
}

async function targetArray(y: TargetArray | Tensor): Promise<TargetArray> {
  if (!(y instanceof Tensor)) return y;
  const data = await y.data();
  return y.shape.length === 1 ? data : { data, shape: y.shape };
}

/** How samples come into a network, and what it makes of one. */
export interface Fit {
  /** The network's input. */
  readonly input: ValueName;
  /** Shapes of one sample and of what the network gives for it. */
  readonly inputShape: Shape;
  readonly outputShape: Shape;
}

/** How samples of a shape fit a network that sees `batch` of them at once: throws `shape-mismatch` if they do not. */
export function fitInputs(call: string, graph: Graph, output: ValueName, inputShape: Shape, batch = 2): Fit {
  const [[input, info] = [undefined, undefined], ...more] = graph.inputs;
  if (input === undefined || more.length > 0) {
    const names = list([...graph.inputs.keys()].map(show));
    const text = `${call}: the network has ${graph.inputs.size} inputs (${names}); samples are for networks of one input. model.run() takes several`;
    throw new LensletError("model-unsupported", text, { argument: "model" });
  }
  const [, ...sizes] = info.shape ?? [undefined, ...inputShape];
  const fits =
    sizes.length === inputShape.length &&
    sizes.every((size, axis) => typeof size !== "number" || size === inputShape[axis]);
  if (!fits) {
    const wanted = `[${sizes.map((size) => size ?? "?").join(", ")}]`;
    const turned = isTurned(sizes, inputShape)
      ? `; the network takes images [c, h, w], as ONNX has them: extend(graph, { layout: "NHWC" }) makes one that takes [h, w, c]`
      : "";
    const text = `${call}: a sample of x has shape ${formatShape(inputShape)}; expected ${wanted}, the network's input ${show(input)} without the batch${turned}`;
    throw new LensletError("shape-mismatch", text, { argument: "x" });
  }
  const inputs = new Map([[input, { type: info.type, shape: [batch, ...inputShape] }]]);
  const known = specialise({ ...graph, inputs, outputs: [output] }, new Map([[input, [batch, ...inputShape]]]));
  const [rows, ...outputShape] = known.infos.get(output)?.shape ?? [];
  if (rows === batch) return { input, inputShape, outputShape };
  const text = `${call}: the output ${show(output)} has shape ${formatShape([rows ?? 0, ...outputShape])} for ${batch} samples; expected [${batch}, ...]: a network that gives something for each sample`;
  throw new LensletError("model-unsupported", text, { argument: "output" });
}

function isTurned(sizes: readonly unknown[], [h, w, c, ...more]: Shape): boolean {
  const [inC, inH, inW] = sizes;
  const isOpenOr = (size: unknown, wanted: number | undefined): boolean => typeof size !== "number" || size === wanted;
  return sizes.length === 3 && more.length === 0 && inC === c && isOpenOr(inH, h) && isOpenOr(inW, w);
}

/** Throws `shape-mismatch` unless targets of samples are what a loss compares the network's outputs with. */
export function checkTargets(call: string, { outputShape }: Fit, loss: Loss, dataset: Dataset): void {
  const { targetShape, classes } = dataset;
  const [count = 1] = outputShape;
  if (loss.kind === "crossEntropy") {
    if (outputShape.length > 1) return;
    if (targetShape.length > 0) {
      const text = `${call}: a target of y has shape ${formatShape(targetShape)}; expected the number of a class for each sample, as the loss is "crossEntropy"`;
      throw new LensletError("shape-mismatch", text, { argument: "y" });
    }
    if (classes === undefined || classes.length <= count) return;
    const text = `${call}: y has ${classes.length} classes, from 0 to ${classes.length - 1}, but the network has ${count} outputs; expected at most as many classes`;
    throw new LensletError("shape-mismatch", text, { argument: "y" });
  }
  if (elementCount(targetShape) === elementCount(outputShape)) return;
  const text = `${call}: a target of y has shape ${formatShape(targetShape)}, what the network gives for a sample ${formatShape(outputShape)}; expected the same, as the loss is ${show(loss.kind)}`;
  throw new LensletError("shape-mismatch", text, { argument: "y" });
}

/** Throws `invalid-argument` unless the labels of a batch are classes of the network. `indices` are the samples' numbers. */
export function checkLabels(
  call: string,
  { outputShape: [classes = 1, ...more] }: Fit,
  { kind }: Loss,
  targets: Float32Array,
  indices: Int32Array,
): void {
  if (kind === "binaryCrossEntropy") {
    const wrong = targets.findIndex((target) => !(target >= 0 && target <= 1));
    if (wrong < 0) return;
    const sample = indices[Math.floor((wrong * indices.length) / targets.length)];
    throw invalid(
      call,
      "y",
      targets[wrong],
      `numbers from 0 to 1, as the loss is "binaryCrossEntropy" (sample ${sample})`,
    );
  }
  if (kind !== "crossEntropy" || more.length > 0) return;
  const wrong = targets.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong >= 0)
    throw invalid(call, `y[${indices[wrong]}]`, targets[wrong], `the number of a class, from 0 to ${classes - 1}`);
}

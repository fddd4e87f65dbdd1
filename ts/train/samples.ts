/** Samples as options give them, and whether a network can learn from them. */
import { LensletError } from "../errors.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import { specialise } from "../model/specialise/specialise.ts";
import { checkOptions, invalid, show } from "../options.ts";
import { elementCount, formatShape, type Shape } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { arrayDataset, isNamed, type NamedArrays, type SampleArray, type TargetArray } from "./data/arrays.ts";
import { type AnyDataset, isAnyDataset } from "./data/dataset.ts";
import { type Head, headOf } from "./head.ts";
import type { Loss } from "./loss.ts";
import type { SampleInputs, SampleOptions } from "./options.ts";

/** The dataset that options name, or make of arrays. `prefix` comes before the arguments' names: `"validation."`. */
export async function samplesOf(call: string, options: SampleOptions, prefix = ""): Promise<AnyDataset> {
  const { dataset, x, y } = options;
  if (dataset === undefined) {
    if (x === undefined || y === undefined) {
      const missing = x === undefined ? "x" : "y";
      throw invalid(call, `${prefix}${missing}`, undefined, "inputs x and targets y, or a dataset");
    }
    return arrayDataset(call, { x: await sampleArrays(x), y: await targetArray(y) });
  }
  if (x !== undefined || y !== undefined) {
    const text = `${call}: ${prefix}dataset and ${prefix}${x === undefined ? "y" : "x"} are both given; expected either a dataset, or x and y`;
    throw new LensletError("invalid-argument", text, { argument: `${prefix}dataset` });
  }
  if (!isAnyDataset(dataset)) throw notDataset(call, `${prefix}dataset`, dataset);
  return dataset;
}

/** The inputs of samples whose targets nobody knows. */
export async function inputsOf(call: string, x: unknown): Promise<AnyDataset> {
  if (isAnyDataset(x)) return x;
  const arrays = await sampleArrays(x as SampleInputs);
  const first = isNamed(arrays) ? Object.values(arrays)[0] : arrays;
  const n = typeof first === "object" && first !== null && Array.isArray(first.shape) ? first.shape[0] : 0;
  return arrayDataset(call, { x: arrays, y: new Uint8Array(typeof n === "number" && n > 0 ? n : 0) });
}

/** The `validation` option where it names samples. */
export async function validationOf(call: string, value: SampleOptions | AnyDataset): Promise<AnyDataset> {
  if (isAnyDataset(value)) return value;
  checkOptions(call, value, ["dataset", "x", "y"], "validation");
  return samplesOf(call, value, "validation.");
}

function notDataset(call: string, argument: string, value: unknown): LensletError {
  return invalid(call, argument, value, "a dataset, as data.arrays, data.idx and data.folder make them");
}

async function sampleArrays(x: SampleInputs): Promise<SampleArray | NamedArrays> {
  if (!isNamed(x)) return sampleArray(x);
  const read = Object.entries(x).map(async ([name, each]) => [name, await sampleArray(each)] as const);
  return Object.fromEntries(await Promise.all(read));
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
  /** Shapes of one sample, by the names of the network's inputs, in their order. */
  readonly inputs: ReadonlyMap<ValueName, Shape>;
  /** The shape of what the network gives for one sample. */
  readonly outputShape: Shape;
  /** What of that a loss is computed of, for as many samples as were asked for. */
  readonly head: Head;
}

/** What is wanted of a network for its samples. */
export interface Wanted {
  readonly output: ValueName;
  readonly loss?: Loss | undefined;
}

/**
 * How samples of a dataset fit a network that sees `batch` of them at once. Throws `shape-mismatch` if they do not,
 * `invalid-argument` where the network has other inputs, and what `headOf` throws.
 */
export function fitInputs(call: string, graph: Graph, { output, loss }: Wanted, dataset: AnyDataset, batch = 2): Fit {
  const samples = sampleShapes(call, graph, dataset);
  const sized: Graph["inputs"] = new Map(
    Array.from(graph.inputs, ([name, { type, shape }]) => {
      const sample = samples.get(name) ?? [];
      checkSample(call, graph, name, shape, sample);
      return [name, { type, shape: [batch, ...sample] }];
    }),
  );
  const known = specialise({ ...graph, inputs: sized, outputs: [output] }, new Map());
  const [rows, ...outputShape] = known.infos.get(output)?.shape ?? [];
  if (rows === batch) return { inputs: samples, outputShape, head: headOf(call, known, output, loss) };
  const text = `${call}: the output ${show(output)} has shape ${formatShape([rows ?? 0, ...outputShape])} for ${batch} samples; expected [${batch}, ...]: a network that gives something for each sample`;
  throw new LensletError("model-unsupported", text, { argument: "output" });
}

/** Shapes of a dataset's inputs, by the names that the network has for them, in the network's order. */
function sampleShapes(call: string, { inputs }: Graph, dataset: AnyDataset): ReadonlyMap<ValueName, Shape> {
  const names = [...inputs.keys()];
  const expected = `{ ${names.map(show).join(", ")} }, each { data, shape }, or a dataset of these inputs`;
  const wrong = (what: string, argument = "x"): LensletError =>
    new LensletError("invalid-argument", `${call}: x ${what}; expected ${expected}`, { argument });
  if ("inputShape" in dataset) {
    const [name] = names;
    if (names.length === 1 && name !== undefined) return new Map([[name, dataset.inputShape]]);
    throw wrong(`is one input, the network has ${names.length}`);
  }
  const { inputShapes } = dataset;
  const unknown = Object.keys(inputShapes).find((name) => !inputs.has(name));
  if (unknown !== undefined) throw wrong(`has ${show(unknown)}, which is no input of the network`, unknown);
  return new Map(
    names.map((name) => {
      const shape = Object.hasOwn(inputShapes, name) ? inputShapes[name] : undefined;
      if (shape === undefined) throw wrong(`has no ${show(name)}`, name);
      return [name, shape];
    }),
  );
}

/** Throws `shape-mismatch` unless samples of a shape are what an input takes. */
function checkSample(
  call: string,
  { inputs }: Graph,
  name: ValueName,
  shape: readonly unknown[] | undefined,
  sample: Shape,
): void {
  if (shape === undefined) return;
  const [, ...sizes] = shape;
  const fits =
    sizes.length === sample.length && sizes.every((size, axis) => typeof size !== "number" || size === sample[axis]);
  if (fits) return;
  const wanted = `[${sizes.map((size) => size ?? "?").join(", ")}]`;
  const turned = isTurned(sizes, sample)
    ? `; the network takes images [c, h, w], as ONNX has them: extend(graph, { layout: "NHWC" }) makes one that takes [h, w, c]`
    : "";
  const x = inputs.size === 1 ? "x" : `x.${name}`;
  const text = `${call}: a sample of ${x} has shape ${formatShape(sample)}; expected ${wanted}, the network's input ${show(name)} without the batch${turned}`;
  throw new LensletError("shape-mismatch", text, { argument: "x" });
}

/** What a batch holds for each of a network's inputs. */
export function inputsByName(
  { inputs: names }: Fit,
  inputs: Float32Array<ArrayBuffer> | Readonly<Record<string, Float32Array<ArrayBuffer>>>,
): ReadonlyMap<ValueName, Float32Array<ArrayBuffer>> {
  const ofOne = inputs instanceof Float32Array ? inputs : undefined;
  const named = inputs instanceof Float32Array ? {} : inputs;
  return new Map(Array.from(names.keys(), (name) => [name, ofOne ?? named[name] ?? new Float32Array()]));
}

function isTurned(sizes: readonly unknown[], [h, w, c, ...more]: Shape): boolean {
  const [inC, inH, inW] = sizes;
  const isOpenOr = (size: unknown, wanted: number | undefined): boolean => typeof size !== "number" || size === wanted;
  return sizes.length === 3 && more.length === 0 && inC === c && isOpenOr(inH, h) && isOpenOr(inW, w);
}

/** Throws `shape-mismatch` unless targets of samples are what a loss compares the network's outputs with. */
export function checkTargets(call: string, { outputShape, head }: Fit, loss: Loss, dataset: AnyDataset): void {
  const { targetShape, classes } = dataset;
  const wrong = (what: string, expected: string): LensletError => {
    const text = `${call}: ${what}; expected ${expected}, as the loss is ${show(loss.kind)}`;
    return new LensletError("shape-mismatch", text, { argument: "y" });
  };
  const target = `a target of y has shape ${formatShape(targetShape)}`;
  if (loss.kind !== "crossEntropy") {
    if (elementCount(targetShape) === elementCount(outputShape)) return;
    throw wrong(`${target}, what the network gives for a sample ${formatShape(outputShape)}`, "the same");
  }
  if (head.classAxis === 0) throw wrong(`the network gives ${formatShape(outputShape)} for a sample`, "[classes]");
  const places = outputShape.filter((_, axis) => axis + 1 !== head.classAxis);
  if (places.length === 0) {
    if (targetShape.length > 0) throw wrong(target, "the number of a class for each sample");
  } else if (elementCount(targetShape) !== elementCount(places)) {
    throw wrong(target, `${formatShape(places)}, the number of a class for each place of the output`);
  }
  const count = outputShape[head.classAxis - 1] ?? 1;
  if (classes === undefined || classes.length <= count) return;
  const text = `${call}: y has ${classes.length} classes, from 0 to ${classes.length - 1}, but the network has ${count} outputs; expected at most as many classes`;
  throw new LensletError("shape-mismatch", text, { argument: "y" });
}

/** Throws `invalid-argument` unless the labels of a batch are classes of the network. `indices` are the samples' numbers. */
export function checkLabels(
  call: string,
  { outputShape, head }: Fit,
  { kind }: Loss,
  targets: Float32Array,
  indices: Int32Array,
): void {
  const sampleOf = (place: number): number | undefined =>
    indices[Math.floor((place * indices.length) / targets.length)];
  if (kind === "binaryCrossEntropy") {
    const wrong = targets.findIndex((target) => !(target >= 0 && target <= 1));
    if (wrong < 0) return;
    const expected = `numbers from 0 to 1, as the loss is "binaryCrossEntropy" (sample ${sampleOf(wrong)})`;
    throw invalid(call, "y", targets[wrong], expected);
  }
  if (kind !== "crossEntropy") return;
  const classes = outputShape[head.classAxis - 1] ?? 1;
  const wrong = targets.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong < 0) return;
  const expected = `the number of a class, from 0 to ${classes - 1}`;
  throw invalid(call, `y[${sampleOf(wrong)}]`, targets[wrong], expected);
}

/** Samples that lie in memory. */
import { LensletError } from "../../errors.ts";
import { checkOptions, invalid, numeric } from "../../options.ts";
import { elementCount, formatShape, type Shape } from "../../shape.ts";
import type { AnyDataset, Dataset, MultiInputDataset, Samples } from "./dataset.ts";

/** Numbers with a shape, the first axis of which counts samples. */
export interface SampleArray {
  /** Row-major. Bytes are what pictures and IDX files hold. */
  readonly data: Float32Array | Uint8Array | Uint8ClampedArray;
  /** `[n, ...]`. */
  readonly shape: Shape;
}

/** What a sample should become known for: the number of its class, or a target with a shape of its own. */
export type TargetArray = readonly number[] | Float32Array | Uint8Array | Int32Array | SampleArray;

/** Inputs of a network with several, by their names there: as many samples of each. */
export type NamedArrays = Readonly<Record<string, SampleArray>>;

/** How inputs are scaled, each of several alike: `(x - mean) / std`, for each channel (the last axis) or for all. */
export interface ScalingOptions {
  /** Subtracted. Default 0. */
  readonly mean?: number | readonly number[] | undefined;
  /** What is divided by, after that. Default 1. */
  readonly std?: number | readonly number[] | undefined;
}

/** Options of {@link arrays}. */
export interface ArraysOptions extends ScalingOptions {
  /** `[n, ...inputShape]`. Bytes become numbers from 0 to 1, before `mean` and `std`. */
  readonly x: SampleArray;
  /** Numbers of classes, one a sample, or `[n, ...targetShape]`; targets are never scaled. */
  readonly y: TargetArray;
  /** Where `y` are numbers of classes: what the classes are called. Default: their numbers. */
  readonly classes?: readonly string[] | undefined;
}

/** Options of {@link arrays} for a network with several inputs. */
export interface NamedArraysOptions extends Omit<ArraysOptions, "x"> {
  /** As of {@link ArraysOptions}, by the names of the network's inputs. */
  readonly x: NamedArrays;
}

/** Options of either kind. */
interface AnyArraysOptions extends Omit<ArraysOptions, "x"> {
  readonly x: SampleArray | NamedArrays;
}

/**
 * Samples in memory. The arrays are kept, not copied: bytes stay bytes until a batch is made of them, so that Fashion-MNIST
 * takes 47 MB and not 188.
 *
 * Throws `shape-mismatch` where lengths and shapes do not agree, and `invalid-argument`, also for labels that are no class.
 *
 * @example
 * const digits = data.arrays({ x: { data: pixels, shape: [1000, 28, 28, 1] }, y: labels });
 * const pairs = data.arrays({ x: { left: { data: a, shape }, right: { data: b, shape } }, y: same });
 */
export function arrays(options: ArraysOptions): Dataset;
export function arrays(options: NamedArraysOptions): MultiInputDataset;
export function arrays(options: AnyArraysOptions): AnyDataset {
  return arrayDataset("data.arrays", options);
}

/** The same on behalf of another function, which its errors name. */
export function arrayDataset(call: string, options: ArraysOptions): Dataset;
export function arrayDataset(call: string, options: AnyArraysOptions): AnyDataset;
export function arrayDataset(call: string, options: AnyArraysOptions): AnyDataset {
  checkOptions(call, options, ["x", "y", "classes", "mean", "std"]);
  const { x } = options;
  if (!isNamed(x)) {
    const input = inputOf(call, "x", x, options);
    const { inputShape, read } = input;
    const { targets, ...rest } = targetsAndClasses(call, options, input.size);
    return { ...rest, inputShape, batch: (indices): Samples => ({ inputs: read(indices), targets: targets(indices) }) };
  }
  const inputs = Object.entries(x).map(([name, array]) => ({ name, ...inputOf(call, `x.${name}`, array, options) }));
  const [first, ...others] = inputs;
  const size = first?.size ?? 0;
  const other = others.find((input) => input.size !== size);
  if (other !== undefined) {
    const text = `${call}: x.${other.name} has ${other.size} samples, x.${first?.name ?? ""} has ${size}; expected as many of each input`;
    throw new LensletError("shape-mismatch", text, { argument: "x" });
  }
  const { targets, ...rest } = targetsAndClasses(call, options, size);
  return {
    ...rest,
    inputShapes: Object.fromEntries(inputs.map(({ name, inputShape }) => [name, inputShape])),
    batch: (indices) => ({
      inputs: Object.fromEntries(inputs.map(({ name, read }) => [name, read(indices)])),
      targets: targets(indices),
    }),
  };
}

/** Whether arrays come by name: an array's own values are numbers and a shape. */
export function isNamed<T extends object>(x: T | Readonly<Record<string, T>>): x is Readonly<Record<string, T>> {
  const isArray = (value: unknown): boolean =>
    typeof value === "object" && value !== null && "shape" in value && Array.isArray(value.shape);
  return typeof x === "object" && x !== null && !isArray(x) && Object.values(x).some(isArray);
}

/** Reads samples, one after another. */
type Read = (indices: Int32Array) => Float32Array<ArrayBuffer>;

interface ArrayInput {
  readonly size: number;
  readonly inputShape: Shape;
  readonly read: Read;
}

function inputOf(call: string, argument: string, value: SampleArray, options: ScalingOptions): ArrayInput {
  const {
    data,
    shape: [size = 0, ...inputShape],
  } = checkedArray(call, argument, value);
  const scale = scaling(call, options, data, inputShape.at(-1) ?? 1);
  const length = elementCount(inputShape);
  const read: Read = (indices) => {
    const inputs = new Float32Array(indices.length * length);
    for (const [place, index] of indices.entries())
      scale(data.subarray(index * length, (index + 1) * length), inputs, place * length);
    return inputs;
  };
  return { size, inputShape, read };
}

/** What a dataset of `size` samples has beside its inputs. */
function targetsAndClasses(
  call: string,
  { y, classes }: Omit<ArraysOptions, "x">,
  size: number,
): Pick<Dataset, "size" | "targetShape" | "classes"> & { readonly targets: Read } {
  const { data, shape: targetShape } = targetsOf(call, y, size);
  const width = elementCount(targetShape);
  const targets: Read = (indices) => {
    const wanted = new Float32Array(indices.length * width);
    for (const [place, index] of indices.entries())
      for (let i = 0; i < width; i++) wanted[place * width + i] = data[index * width + i] ?? 0;
    return wanted;
  };
  return { size, targetShape, classes: classNames(call, classes, data, targetShape), targets };
}

function checkedArray(call: string, argument: string, value: SampleArray): SampleArray {
  const known =
    typeof value === "object" &&
    value !== null &&
    Array.isArray(value.shape) &&
    [Float32Array, Uint8Array, Uint8ClampedArray].some((type) => value.data instanceof type);
  if (!known) throw invalid(call, argument, value, "{ data: Float32Array or Uint8Array, shape: [n, ...] }");
  const whole = value.shape.length > 0 && value.shape.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!whole)
    throw invalid(call, `${argument}.shape`, value.shape, "positive integers, the first of which counts samples");
  if (elementCount(value.shape) !== value.data.length) {
    const text = `${call}: ${argument} has shape ${formatShape(value.shape)}, which is ${elementCount(value.shape)} elements, but data has ${value.data.length}`;
    throw new LensletError("shape-mismatch", text, { argument });
  }
  return value;
}

function targetsOf(
  call: string,
  y: TargetArray,
  size: number,
): { readonly data: ArrayLike<number>; readonly shape: Shape } {
  const bare = Array.isArray(y) || ArrayBuffer.isView(y);
  const [n, shape, data] = bare ? [y.length, [], y] : withShape(checkedArray(call, "y", y as SampleArray));
  if (n === size) return { data, shape };
  const text = `${call}: y has ${n} targets; expected ${size}, as many as there are inputs in x`;
  throw new LensletError("shape-mismatch", text, { argument: "y" });
}

function withShape({ data, shape: [n = 0, ...shape] }: SampleArray): [number, Shape, ArrayLike<number>] {
  return [n, shape, data];
}

/** The classes' names, if `targets` are whole numbers that could be classes; labels are checked against given ones. */
function classNames(
  call: string,
  given: readonly string[] | undefined,
  targets: ArrayLike<number>,
  shape: Shape,
): readonly string[] | undefined {
  if (shape.length > 0) {
    if (given !== undefined) throw invalid(call, "classes", given, "nothing where y has a shape: no target is a class");
    return undefined;
  }
  let last = -1;
  for (let i = 0; i < targets.length; i++) {
    const label = targets[i] ?? Number.NaN;
    const named = given === undefined || label < given.length;
    if (Number.isInteger(label) && label >= 0 && named) last = Math.max(last, label);
    else if (given === undefined) return undefined;
    else throw invalid(call, `y[${i}]`, label, `the number of a class, from 0 to ${given.length - 1}`);
  }
  return given ?? Array.from({ length: last + 1 }, (_, label) => String(label));
}

/** Writes one input's values, as numbers of the range wanted, to `to` from `at` on. */
export type Scale = (from: Float32Array | Uint8Array | Uint8ClampedArray, to: Float32Array, at: number) => void;

/** How values of arrays like `data`, of so many channels, become a network's input. */
export function scaling(
  call: string,
  options: ScalingOptions,
  data: Float32Array | Uint8Array | Uint8ClampedArray,
  channels: number,
): Scale {
  const mean = perChannel(call, "mean", options.mean ?? 0, channels);
  const std = perChannel(call, "std", options.std ?? 1, channels);
  if (std.includes(0)) throw invalid(call, "std", options.std, "numbers other than 0: inputs are divided by them");
  if (!(data instanceof Float32Array)) return byTable(mean, std);
  if (mean.every((value) => value === 0) && std.every((value) => value === 1))
    return (from, to, at) => to.set(from, at);
  return (from, to, at) => {
    for (let i = 0; i < from.length; i++) {
      const channel = i % channels;
      to[at + i] = ((from[i] ?? 0) - (mean[channel] ?? 0)) / (std[channel] ?? 1);
    }
  };
}

/** Bytes by a table of what each becomes. */
function byTable(mean: readonly number[], std: readonly number[]): Scale {
  const channels = mean.length;
  const table = new Float32Array(256 * channels);
  for (let byte = 0; byte < 256; byte++) {
    for (let c = 0; c < channels; c++) table[byte * channels + c] = (byte / 255 - (mean[c] ?? 0)) / (std[c] ?? 1);
  }
  if (channels === 1) {
    return (from, to, at) => {
      for (let i = 0; i < from.length; i++) to[at + i] = table[from[i] ?? 0] ?? 0;
    };
  }
  return (from, to, at) => {
    for (let i = 0; i < from.length; i++) to[at + i] = table[(from[i] ?? 0) * channels + (i % channels)] ?? 0;
  };
}

function perChannel(call: string, argument: string, value: unknown, channels: number): readonly number[] {
  const expected = `a finite number, or ${channels} of them, one a channel`;
  if (!Array.isArray(value))
    return Array.from({ length: channels }, () => numeric(call, argument, value, expected, true));
  if (value.length !== channels) throw invalid(call, argument, value, expected);
  return value.map((item, i) => numeric(call, `${argument}[${i}]`, item, "a finite number", true));
}

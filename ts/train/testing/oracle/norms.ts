/** Normalisations by their definitions. */
import { at } from "../../../test/oracle/nd.ts";
import { given, type Numbers, type Operator } from "./numbers.ts";

/** Each value less the mean of its set, over the root of the set's variance and epsilon. */
function normalised(
  x: Numbers,
  epsilon: number,
  setOf: (flat: number) => number,
): { y: Numbers; means: number[]; variances: number[] } {
  const sets: number[][] = [];
  x.forEach((value, flat) => {
    const set = setOf(flat);
    const values = sets[set];
    if (values === undefined) sets[set] = [value];
    else values.push(value);
  });
  const means = sets.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const variances = sets.map(
    (values, set) => values.reduce((sum, value) => sum + (value - at(means, set)) ** 2, 0) / values.length,
  );
  const y = x.map(
    (value, flat) => (value - at(means, setOf(flat))) / Math.sqrt(at(variances, setOf(flat)) + Math.fround(epsilon)),
  );
  return { y, means, variances };
}

function affine(
  y: Numbers,
  scale: Numbers | undefined,
  offset: Numbers | undefined,
  indexOf: (flat: number) => number,
): Numbers {
  return y.map((value, flat) => value * (scale?.[indexOf(flat)] ?? 1) + (offset?.[indexOf(flat)] ?? 0));
}

function grouped(
  inputs: readonly (Numbers | undefined)[],
  [, , h = 1, w = 1, c = 1]: readonly number[],
  groups: number,
  epsilon: number,
): readonly Numbers[] {
  const image = h * w * c;
  const setOf = (flat: number): number => Math.floor(flat / image) * groups + Math.floor((flat % c) / (c / groups));
  const { y } = normalised(given(inputs, 0), epsilon, setOf);
  return [affine(y, inputs[1], inputs[2], (flat) => flat % c)];
}

/** Operators of this file. */
export const norms: Readonly<Record<string, Operator>> = {
  batchNormTraining: (inputs, [c = 1, epsilon = 0]) => {
    const { y, means, variances } = normalised(given(inputs, 0), epsilon, (flat) => flat % c);
    return [affine(y, inputs[1], inputs[2], (flat) => flat % c), Float64Array.from([...means, ...variances])];
  },
  batchNorm: (inputs, [, channels = 1, inner = 1, epsilon = 0]) => {
    const channel = (flat: number): number => Math.floor(flat / inner) % channels;
    const y = given(inputs, 0).map((value, flat) => {
      const [mean, variance] = [at(given(inputs, 1), channel(flat)), at(given(inputs, 2), channel(flat))];
      return (value - mean) / Math.sqrt(variance + Math.fround(epsilon));
    });
    return [affine(y, inputs[3], inputs[4], channel)];
  },
  instanceNorm: (inputs, words) => grouped(inputs, words, at(words, 4), at(words, 5)),
  groupNorm: (inputs, words) => grouped(inputs, words, at(words, 5), at(words, 6)),
  layerNorm: (inputs, [, inner = 1, epsilon = 0]) => {
    const { y } = normalised(given(inputs, 0), epsilon, (flat) => Math.floor(flat / inner));
    return [affine(y, inputs[1], inputs[2], (flat) => flat % inner)];
  },
  lrn: ([x], [, , , , c = 1, size = 1, alpha = 0, beta = 0, bias = 0]) => {
    const from = x ?? new Float64Array();
    const before = Math.floor((size - 1) / 2);
    return [
      from.map((value, flat) => {
        const channel = flat % c;
        let sum = 0;
        for (let other = Math.max(0, channel - before); other <= Math.min(c - 1, channel - before + size - 1); other++)
          sum += at(from, flat - channel + other) ** 2;
        return value * (bias + (alpha / size) * sum) ** -beta;
      }),
    ];
  },
};

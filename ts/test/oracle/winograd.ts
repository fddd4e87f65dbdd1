/**
 * How far Winograd's F(4x4, 3x3) may stray, from its definition (Lavin and Gray 2015). A tile's inputs mix on the way to
 * its 4x4 outputs, so that the error of an output depends on inputs that it does not see.
 */
import { unit } from "./compare.ts";
import type { Axis } from "./geometry.ts";
import { at, type Nd, sizeOf } from "./nd.ts";

type Matrix = readonly (readonly number[])[];

const [half, two] = [Math.SQRT1_2, Math.SQRT2];

/** The transforms along one axis: of a tile's inputs and of three taps to values, and of their products to outputs. */
interface Transforms {
  readonly ofInput: Matrix;
  readonly ofFilter: Matrix;
  readonly ofProducts: Matrix;
  /** The most products of a channel that are summed at a point of the plane. */
  readonly terms: number;
}

/** A stride of one: the points 0, ±√½, ±√2 and infinity. */
const byOne: Transforms = {
  ofInput: [
    [1, 0, -2.5, 0, 1, 0],
    [0, -2 * half, -2, half, 1, 0],
    [0, 2 * half, -2, -half, 1, 0],
    [0, -two / 2, -0.5, two, 1, 0],
    [0, two / 2, -0.5, -two, 1, 0],
    [0, 1, 0, -2.5, 0, 1],
  ],
  ofFilter: [
    [1, 0, 0],
    [-2 / 3, (-2 / 3) * half, -1 / 3],
    [-2 / 3, (2 / 3) * half, -1 / 3],
    [1 / 6, two / 6, 1 / 3],
    [1 / 6, -two / 6, 1 / 3],
    [0, 0, 1],
  ],
  ofProducts: [
    [1, 1, 1, 1, 1, 0],
    [0, half, -half, two, -two, 0],
    [0, 0.5, 0.5, 2, 2, 0],
    [0, half / 2, -half / 2, 2 * two, -2 * two, 1],
  ],
  terms: 1,
};

/**
 * A stride of two, in magnitudes: the points ±3/8, ±5/4 and infinity, where five even inputs meet the outer taps, and but for 3/8
 * four odd inputs the middle one.
 */
const byTwo: Transforms = (() => {
  const [a, b] = [3 / 8, 5 / 4];
  const apart = b * b - a * a;
  const inner = [a * b * b, 0, b * b, 0, a, 0, 1, 0, 0];
  const outer = [b * a * a, 0, a * a, 0, b, 0, 1, 0, 0];
  const odd = [0, (a * a + a * b) / (2 * apart), 0, 0.5 / b, 0, (1 + a / b) / (2 * apart), 0, 0, 0];
  const ofInner = [0.5 / (a * apart), 0, 0.5 / apart];
  const ofOuter = [0.5 / (b * apart), 0, 0.5 / apart];
  const ofMiddle = [0, 1, 0];
  return {
    ofInput: [
      inner,
      inner,
      outer,
      outer,
      [a * a * b * b, 0, 0, 0, a * a + b * b, 0, 0, 0, 1],
      [0, (b * b) / apart, 0, 0, 0, 1 / apart, 0, 0, 0],
      odd,
      odd,
      [0, a * b * b, 0, b * b, 0, a, 0, 1, 0],
    ],
    ofFilter: [ofInner, ofInner, ofOuter, ofOuter, [0, 0, 1], ofMiddle, ofMiddle, ofMiddle, ofMiddle],
    ofProducts: [0, 1, 2, 3].map((n) => {
      const [atInner, atOuter, last] = [a ** n, b ** n, n === 3 ? 1 : 0];
      return [atInner, atInner, atOuter, atOuter, last, atInner, atOuter, atOuter, last];
    }),
    terms: 4,
  };
})();

/**
 * Roundings from an input to an output besides one a product, none of them fused: less than twelve along either axis of the
 * inputs' transform, eight along either of the products', five along either of the filter's.
 */
const roundings = 50;

/** True if a convolution may be computed so. */
export function isWinograd(filter: Nd, groups: number, [rows, columns]: readonly [Axis, Axis]): boolean {
  return at(filter.shape, 0) === 3 && at(filter.shape, 1) === 3 && groups === 1 && isStride(rows, columns);
}

/** One on both axes, or two without a dilation. */
function isStride(rows: Axis, columns: Axis): boolean {
  return (
    rows.stride === columns.stride &&
    (rows.stride === 1 || (rows.stride === 2 && rows.dilation * columns.dilation === 1))
  );
}

/** Where tiles begin along an axis, outputs a dilation apart: as few as there can be of four outputs, then of three. */
function firsts({ output, dilation }: Axis): readonly number[] {
  const phases = Math.min(dilation, output);
  const outputs = Math.ceil(output / phases);
  const count = Math.ceil(outputs / 4);
  const whole = Math.max(outputs - 3 * count, 0);
  const first = (tile: number): number => 3 * tile + Math.min(tile, whole);
  return Array.from({ length: phases * count }, (_, i) => Math.floor(i / count) + first(i % count) * dilation).filter(
    (i) => i < output,
  );
}

/**
 * What its transforms may add to the error of each output, NHWC: `n u |A|ᵀ ((|G| |g| |G|ᵀ) (|B|ᵀ |d| |B|)) |A|`, summed
 * over channels, `n` the number of roundings (Higham, Accuracy and Stability, 3.1).
 */
export function winogradTolerance(
  x: Nd,
  filter: Nd,
  [rows, columns]: readonly [Axis, Axis],
): Float64Array<ArrayBuffer> {
  const [n, inC, outC] = [at(x.shape, 0), at(filter.shape, 2), at(filter.shape, 3)];
  const { ofInput, ofFilter, ofProducts, terms } = rows.stride === 2 ? byTwo : byOne;
  const span = ofInput.length;
  const shape = [n, rows.output, columns.output, outC];
  const tolerance = new Float64Array(sizeOf(shape));
  const weights = Array.from({ length: inC * outC }, (_, pair) =>
    onBothAxes(ofFilter, (h, w) => at(filter.data, (h * 3 + w) * inC * outC + pair)),
  );
  for (let image = 0; image < n; image++) {
    for (const top of firsts(rows)) {
      for (const left of firsts(columns)) {
        const points = Array.from({ length: inC }, (_, c) =>
          onBothAxes(ofInput, (i, j) => {
            const row = top * rows.stride + i * rows.dilation - rows.before;
            const column = left * columns.stride + j * columns.dilation - columns.before;
            const inside = row >= 0 && row < rows.input && column >= 0 && column < columns.input;
            return inside ? at(x.data, ((image * rows.input + row) * columns.input + column) * inC + c) : 0;
          }),
        );
        for (let oc = 0; oc < outC; oc++) {
          const outputs = onBothAxes(ofProducts, (i, j) =>
            points.reduce(
              (sum, point, c) => sum + at(point, i * span + j) * at(weights[c * outC + oc] ?? [], i * span + j),
              0,
            ),
          );
          for (const [index, output] of outputs.entries()) {
            const row = top + Math.floor(index / 4) * rows.dilation;
            const column = left + (index % 4) * columns.dilation;
            if (row >= rows.output || column >= columns.output) continue;
            const place = ((image * rows.output + row) * columns.output + column) * outC + oc;
            tolerance[place] = Math.max(at(tolerance, place), (terms * inC + roundings) * unit * output);
          }
        }
      }
    }
  }
  return tolerance;
}

/** `|m| |x| |m|ᵀ`, flat. */
function onBothAxes(matrix: Matrix, x: (row: number, column: number) => number): readonly number[] {
  const size = matrix[0]?.length ?? 0;
  const down = matrix.map((weights) =>
    Array.from({ length: size }, (_, column) =>
      weights.reduce((sum, weight, row) => sum + Math.abs(weight * x(row, column)), 0),
    ),
  );
  return down.flatMap((sums) =>
    matrix.map((weights) => weights.reduce((sum, weight, column) => sum + Math.abs(weight) * at(sums, column), 0)),
  );
}

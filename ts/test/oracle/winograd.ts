/**
 * How far Winograd's F(4x4, 3x3) may stray, from its definition (Lavin and Gray 2015). A tile's 6x6 inputs mix on the way to
 * its 4x4 outputs, so that the error of an output depends on inputs that it does not see.
 */
import { unit } from "./compare.ts";
import type { Axis } from "./geometry.ts";
import { at, type Nd, sizeOf } from "./nd.ts";

type Matrix = readonly (readonly number[])[];

const [half, two] = [Math.SQRT1_2, Math.SQRT2];

/** The points 0, ±√½, ±√2 and infinity: six inputs to points, three taps to points, points to four outputs. */
const ofInput: Matrix = [
  [1, 0, -2.5, 0, 1, 0],
  [0, -2 * half, -2, half, 1, 0],
  [0, 2 * half, -2, -half, 1, 0],
  [0, -two / 2, -0.5, two, 1, 0],
  [0, two / 2, -0.5, -two, 1, 0],
  [0, 1, 0, -2.5, 0, 1],
];
const ofFilter: Matrix = [
  [1, 0, 0],
  [-2 / 3, (-2 / 3) * half, -1 / 3],
  [-2 / 3, (2 / 3) * half, -1 / 3],
  [1 / 6, two / 6, 1 / 3],
  [1 / 6, -two / 6, 1 / 3],
  [0, 0, 1],
];
const ofProducts: Matrix = [
  [1, 1, 1, 1, 1, 0],
  [0, half, -half, two, -two, 0],
  [0, 0.5, 0.5, 2, 2, 0],
  [0, half / 2, -half / 2, 2 * two, -2 * two, 1],
];

/**
 * Roundings from an input to an output besides one a channel, none of them fused: less than seven along either axis of the
 * inputs' transform, six along either of the products', and the filter's point.
 */
const roundings = 28;

/** True if a convolution may be computed so. */
export function isWinograd(filter: Nd, groups: number, [rows, columns]: readonly [Axis, Axis]): boolean {
  return at(filter.shape, 0) === 3 && at(filter.shape, 1) === 3 && groups === 1 && rows.stride * columns.stride === 1;
}

/** Where tiles begin along an axis: tiles of four outputs a dilation apart. */
function firsts({ output, dilation }: Axis): readonly number[] {
  return Array.from({ length: output }, (_, i) => i).filter((i) => Math.floor(i / dilation) % 4 === 0);
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
            const row = top + i * rows.dilation - rows.before;
            const column = left + j * columns.dilation - columns.before;
            const inside = row >= 0 && row < rows.input && column >= 0 && column < columns.input;
            return inside ? at(x.data, ((image * rows.input + row) * columns.input + column) * inC + c) : 0;
          }),
        );
        for (let oc = 0; oc < outC; oc++) {
          const outputs = onBothAxes(ofProducts, (i, j) =>
            points.reduce(
              (sum, point, c) => sum + at(point, i * 6 + j) * at(weights[c * outC + oc] ?? [], i * 6 + j),
              0,
            ),
          );
          for (const [index, output] of outputs.entries()) {
            const row = top + Math.floor(index / 4) * rows.dilation;
            const column = left + (index % 4) * columns.dilation;
            if (row >= rows.output || column >= columns.output) continue;
            const place = ((image * rows.output + row) * columns.output + column) * outC + oc;
            tolerance[place] = (inC + roundings) * unit * output;
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

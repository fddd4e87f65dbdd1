/** The comparison with what ONNX's test cases expect. */
import type { Constant } from "../../model/constant.ts";

/** What ONNX's own runner grants. */
export const USUAL = 1e-3;

/** What nearly all cases keep to. */
export const TIGHT = 1e-5;

const ABSOLUTE = 1e-7;

/** Throws unless types and shapes agree, and each number up to `relative` of it. */
export function assertAgrees(name: string, actual: Constant, expected: Constant, relative: number): void {
  const what = (constant: Constant): string => `${constant.type} of shape [${constant.shape.join(", ")}]`;
  if (what(actual) !== what(expected)) throw new Error(`${name} is ${what(actual)}; expected ${what(expected)}`);
  // A constant that is computed when it is read is computed each time.
  const [values, wanted] = [actual.data, expected.data];
  if (values.length !== wanted.length) throw new Error(`${name} has ${values.length} elements`);
  for (let i = 0; i < wanted.length; i++) {
    if (!agree(values[i] ?? Number.NaN, wanted[i] ?? Number.NaN, relative)) {
      throw new Error(`${name}[${i}] is ${values[i]}; expected ${wanted[i]}`);
    }
  }
}

function agree(value: number, wanted: number, relative: number): boolean {
  if (value === wanted || (Number.isNaN(value) && Number.isNaN(wanted))) return true;
  return Number.isFinite(wanted) && Math.abs(value - wanted) <= ABSOLUTE + relative * Math.abs(wanted);
}

/** How far a case may be off: the expanded windows have 2 pi as 6.28319, what is expected of them has all its digits. */
export function toleranceOf(name: string): number {
  return /window.*_expanded$/.test(name) ? USUAL : TIGHT;
}

/** The comparison of ONNX's own runner. */
import type { Constant } from "../../model/constant.ts";

const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

/** Throws unless types and shapes agree, and each number up to a thousandth of it. */
export function assertAgrees(name: string, actual: Constant, expected: Constant): void {
  const what = (constant: Constant): string => `${constant.type} of shape [${constant.shape.join(", ")}]`;
  if (what(actual) !== what(expected)) throw new Error(`${name} is ${what(actual)}; expected ${what(expected)}`);
  // A constant that is computed when it is read is computed each time.
  const [values, wanted] = [actual.data, expected.data];
  if (values.length !== wanted.length) throw new Error(`${name} has ${values.length} elements`);
  for (let i = 0; i < wanted.length; i++) {
    if (!agree(values[i] ?? Number.NaN, wanted[i] ?? Number.NaN)) {
      throw new Error(`${name}[${i}] is ${values[i]}; expected ${wanted[i]}`);
    }
  }
}

function agree(value: number, wanted: number): boolean {
  if (value === wanted || (Number.isNaN(value) && Number.isNaN(wanted))) return true;
  return Number.isFinite(wanted) && Math.abs(value - wanted) <= ABSOLUTE + RELATIVE * Math.abs(wanted);
}

/** Types and shapes of functions of elements in the same place. */
import { formatShape } from "../../../shape.ts";
import type { NumberType } from "../../constant.ts";
import type { KnownInfo } from "../../graph.ts";
import { broadcastsTo } from "../broadcast.ts";
import type { Operands } from "../operands.ts";
import type { Rule, Rules } from "./rule.ts";

type UnaryOp =
  | "Relu"
  | "LeakyRelu"
  | "ThresholdedRelu"
  | "Elu"
  | "Celu"
  | "Selu"
  | "Sigmoid"
  | "HardSigmoid"
  | "HardSwish"
  | "Swish"
  | "Tanh"
  | "Mish"
  | "Softplus"
  | "Softsign"
  | "Gelu"
  | "Erf"
  | "Exp"
  | "Log"
  | "Sqrt"
  | "Reciprocal"
  | "Abs"
  | "Neg"
  | "Floor"
  | "Ceil"
  | "Round"
  | "Sign"
  | "Not"
  | "Sin"
  | "Cos"
  | "Identity"
  | "Dropout"
  | "Cast"
  | "Clip"
  | "PRelu";

type BroadcastOp =
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Pow"
  | "Mod"
  | "Min"
  | "Max"
  | "Sum"
  | "Mean"
  | "Equal"
  | "Less"
  | "LessOrEqual"
  | "Greater"
  | "GreaterOrEqual"
  | "And"
  | "Or"
  | "Xor"
  | "Where";

/** All types but truth. */
export const NUMBERS: readonly NumberType[] = ["float32", "int64", "int32", "int8", "uint8"];

/** Same type and shape as `x`, which has one of `types`. */
function same(...types: readonly NumberType[]): (at: Operands) => readonly KnownInfo[] {
  return (at) => {
    at.expectType(0, ...types);
    return [at.info(0)];
  };
}

const float = same("float32");
const number = same(...NUMBERS);

function clip(at: Operands): readonly KnownInfo[] {
  at.expectType(0, ...NUMBERS);
  at.expectOneType();
  for (const index of [1, 2]) {
    if (!at.has(index) || at.shape(index).every((size) => size === 1)) continue;
    throw at.invalid(`${at.name(index)} has the shape ${formatShape(at.shape(index))}; expected a scalar`);
  }
  return [at.info(0)];
}

function prelu(at: Operands): readonly KnownInfo[] {
  at.expectType(0, ...NUMBERS);
  at.expectOneType();
  if (broadcastsTo(at.shape(1), at.shape(0))) return [at.info(0)];
  const [x, slope] = [formatShape(at.shape(0)), formatShape(at.shape(1))];
  throw at.invalid(`slope of shape ${slope} does not broadcast to x, which is ${x}`);
}

/** Inputs of one of `types` that broadcast; `to`: the output's type if it is another. */
function broadcast(types: readonly NumberType[], to?: NumberType): (at: Operands) => readonly KnownInfo[] {
  return (at) => {
    at.expectType(0, ...types);
    at.expectOneType();
    return [{ type: to ?? at.type(0), shape: at.broadcast() }];
  };
}

const arithmetic = broadcast(NUMBERS);
const comparison = broadcast(NUMBERS, "bool");
const logic = broadcast(["bool"]);
const floats = broadcast(["float32"]);

function power(at: Operands): readonly KnownInfo[] {
  at.expectType(0, ...NUMBERS);
  at.expectType(1, ...NUMBERS);
  return [{ type: at.type(0), shape: at.broadcast() }];
}

function where(at: Operands): readonly KnownInfo[] {
  at.expectType(0, "bool");
  at.expectOneType(1);
  return [{ type: at.type(1), shape: at.broadcast() }];
}

const cast: Rule<"Cast"> = (at, { to }) => [{ type: to, shape: at.shape(0) }];

/** Rules of functions of elements. */
export const elementwise: Rules<UnaryOp | BroadcastOp> = {
  Relu: number,
  LeakyRelu: float,
  ThresholdedRelu: float,
  Elu: float,
  Celu: float,
  Selu: float,
  Sigmoid: float,
  HardSigmoid: float,
  HardSwish: float,
  Swish: float,
  Tanh: float,
  Mish: float,
  Softplus: float,
  Softsign: float,
  Gelu: float,
  Erf: number,
  Exp: float,
  Log: float,
  Sqrt: float,
  Reciprocal: float,
  Abs: number,
  Neg: number,
  Floor: float,
  Ceil: float,
  Round: float,
  Sign: number,
  Not: same("bool"),
  Sin: float,
  Cos: float,
  Identity: (at) => [at.info(0)],
  Dropout: (at) => [at.info(0), { type: "bool", shape: at.shape(0) }],
  Cast: cast,
  Clip: clip,
  PRelu: prelu,

  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Pow: power,
  Mod: arithmetic,
  Min: arithmetic,
  Max: arithmetic,
  Sum: floats,
  Mean: floats,
  Equal: broadcast([...NUMBERS, "bool"], "bool"),
  Less: comparison,
  LessOrEqual: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  And: logic,
  Or: logic,
  Xor: logic,
  Where: where,
};

/** Operators of which output elements depend on the input elements of the same place alone. */
export const elementwiseOps: ReadonlySet<string> = new Set(Object.keys(elementwise));

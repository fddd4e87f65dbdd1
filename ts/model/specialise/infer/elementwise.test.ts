import { describe } from "vitest";
import { expectCases, typed, yields } from "../testing/cases.ts";
import { constant, type Operand } from "../testing/nodes.ts";
import { elementwise } from "./elementwise.ts";

const ints = (shape: readonly number[]): Operand => ({ type: "int64", shape });
const bools = (shape: readonly number[]): Operand => ({ type: "bool", shape });

describe("inference of elementwise", () => {
  expectCases(Object.keys(elementwise), [
    ...(
      [
        "Relu",
        "Sigmoid",
        "HardSwish",
        "Tanh",
        "Mish",
        "Softplus",
        "Softsign",
        "Erf",
        "Exp",
        "Log",
        "Sqrt",
        "Reciprocal",
        "Abs",
        "Neg",
        "Floor",
        "Ceil",
        "Round",
        "Sign",
        "Sin",
        "Cos",
        "Identity",
      ] as const
    ).map((op) => yields(op, [[2, 3]], {}, [2, 3])),
    ...(["LeakyRelu", "ThresholdedRelu", "Elu", "Celu", "Swish"] as const).map((op) =>
      yields(op, [[2, 3]], { alpha: 1 }, [2, 3]),
    ),
    yields("Selu", [[]], { alpha: 1, gamma: 1 }, []),
    yields("HardSigmoid", [[4]], { alpha: 0.2, beta: 0.5 }, [4]),
    yields("Gelu", [[4]], { approximate: "tanh" }, [4]),
    yields("Clip", [[2, 3], [], undefined], {}, [2, 3]),
    typed(yields("Clip", [ints([2]), undefined, ints([1])], {}, [2]), "int64"),
    yields("PRelu", [[3, 4, 5], [5]], {}, [3, 4, 5]),
    typed(yields("Not", [bools([3])], {}, [3]), "bool"),
    typed(yields("Dropout", [[3, 4]], { ratio: 0.5 }, [3, 4], [3, 4]), "float32", "bool"),
    typed(yields("Cast", [[3, 4]], { to: "int64" }, [3, 4]), "int64"),

    // Broadcasting, from ONNX's page about it.
    ...(["Add", "Sub", "Mul", "Div"] as const).map((op) => yields(op, [[2, 3, 4, 5], []], {}, [2, 3, 4, 5])),
    yields("Pow", [[2, 3, 4, 5], constant("int64", [2])], {}, [2, 3, 4, 5]),
    typed(yields("Mod", [ints([4, 5]), ints([2, 3, 4, 5])], { fmod: false }, [2, 3, 4, 5]), "int64"),
    ...(["Min", "Max", "Sum", "Mean"] as const).map((op) =>
      yields(
        op,
        [
          [1, 4, 5],
          [2, 3, 1, 1],
          [3, 4, 5],
        ],
        {},
        [2, 3, 4, 5],
      ),
    ),
    yields("Max", [[7]], {}, [7]),
    ...(["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"] as const).map((op) =>
      typed(
        yields(
          op,
          [
            [3, 4, 5],
            [2, 1, 1, 1],
          ],
          {},
          [2, 3, 4, 5],
        ),
        "bool",
      ),
    ),
    ...(["And", "Or", "Xor"] as const).map((op) => typed(yields(op, [bools([3, 1]), bools([4])], {}, [3, 4]), "bool")),
    yields("Where", [bools([2, 1]), [1, 3], []], {}, [2, 3]),
    yields("Add", [[0, 3], [1]], {}, [0, 3]),
  ]);
});

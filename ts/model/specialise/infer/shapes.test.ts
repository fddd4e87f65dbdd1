import { describe } from "vitest";
import { expectCases, typed, yields } from "../testing/cases.ts";
import { constant, int64, type Operand } from "../testing/nodes.ts";
import { shapes } from "./shapes.ts";

const ints = (shape: readonly number[]): Operand => ({ type: "int64", shape });

describe("inference of shapes", () => {
  expectCases(Object.keys(shapes), [
    typed(yields("Shape", [[2, 3, 4]], { start: 0, end: undefined }, [3]), "int64"),
    typed(yields("Shape", [[2, 3, 4]], { start: -2, end: -1 }, [1]), "int64"),
    typed(yields("Size", [[2, 3, 4]], {}, []), "int64"),
    yields("ConstantOfShape", [int64(4, 3, 2)], { value: 1, type: "float32" }, [4, 3, 2]),
    typed(yields("ConstantOfShape", [int64()], { value: 1, type: "int32" }, []), "int32"),
    typed(
      yields("Range", [constant("int64", [10], []), constant("int64", [4], []), constant("int64", [-2], [])], {}, [3]),
      "int64",
    ),
    yields(
      "Range",
      [constant("float32", [1], []), constant("float32", [5], []), constant("float32", [2], [])],
      {},
      [2],
    ),
    typed(yields("Range", [int64(3), int64(1), int64(1)], {}, [0]), "int64"),
    yields("DequantizeLinear", [{ type: "int8", shape: [4, 3] }, []], { axis: 1, blockSize: 0 }, [4, 3]),
    yields(
      "DequantizeLinear",
      [{ type: "uint8", shape: [4, 3] }, [4], { type: "uint8", shape: [4] }],
      { axis: 0, blockSize: 0 },
      [4, 3],
    ),
    yields("DequantizeLinear", [{ type: "int8", shape: [4, 5] }, [4, 3]], { axis: -1, blockSize: 2 }, [4, 5]),
    typed(
      yields("NonMaxSuppression", [[2, 6, 4], [2, 3, 6], int64(4)], { centerPointBox: false }, [24, 3], [1]),
      "int64",
      "int64",
    ),
    typed(
      yields("NonMaxSuppression", [[1, 6, 4], [1, 1, 6], ints([1])], { centerPointBox: false }, [6, 3], [1]),
      "int64",
      "int64",
    ),
    typed(
      yields(
        "NonMaxSuppression",
        [
          [1, 6, 4],
          [1, 1, 6],
        ],
        { centerPointBox: false },
        [0, 3],
        [1],
      ),
      "int64",
      "int64",
    ),
  ]);
});

import { describe } from "vitest";
import { expectCases, typed, yields } from "../testing/cases.ts";
import { int64 } from "../testing/nodes.ts";
import { along } from "./along.ts";

const reduce = { keepdims: true, noopWithEmptyAxes: false } as const;

describe("inference of along", () => {
  expectCases(Object.keys(along), [
    yields("Softmax", [[3, 4, 5]], { axis: -1, flatten: false }, [3, 4, 5]),
    yields("LogSoftmax", [[3, 4]], { axis: 2, flatten: true }, [3, 4]),
    ...(
      [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceSumSquare",
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
      ] as const
    ).flatMap((op) => [
      yields(op, [[3, 2, 2]], reduce, [1, 1, 1]),
      yields(op, [[3, 2, 2], int64(1)], { ...reduce, keepdims: false }, [3, 2]),
      yields(op, [[3, 2, 2], int64(-2, 0)], reduce, [1, 1, 2]),
      yields(op, [[3, 2, 2], int64()], { ...reduce, noopWithEmptyAxes: true }, [3, 2, 2]),
    ]),
    ...(["ArgMax", "ArgMin"] as const).flatMap((op) => [
      typed(yields(op, [[2, 3, 4]], { axis: 1, keepdims: true, selectLastIndex: false }, [2, 1, 4]), "int64"),
      typed(yields(op, [[2, 3, 4]], { axis: -1, keepdims: false, selectLastIndex: true }, [2, 3]), "int64"),
    ]),
    typed(
      yields("TopK", [[3, 4], int64(3)], { axis: 1, largest: true, sorted: true }, [3, 3], [3, 3]),
      "float32",
      "int64",
    ),
  ]);
});

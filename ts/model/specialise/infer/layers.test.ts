import { describe } from "vitest";
import { expectCases, typed, yields } from "../testing/cases.ts";
import { layers } from "./layers.ts";

const window = { strides: [], dilations: [], pads: [], autoPad: "NOTSET" } as const;
const conv = { ...window, group: 1 } as const;
const transposed = { ...conv, outputPadding: [], outputShape: [] } as const;
const pool = { ...window, ceilMode: false } as const;
const fused = {};

describe("inference of layers", () => {
  expectCases(Object.keys(layers), [
    // Convolutions. The first seven: ONNX's and PyTorch's own examples.
    yields(
      "Conv",
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      { ...conv, pads: [1, 1, 1, 1] },
      [1, 1, 5, 5],
    ),
    yields(
      "Conv",
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      conv,
      [1, 1, 3, 3],
    ),
    yields(
      "Conv",
      [
        [1, 1, 7, 5],
        [1, 1, 3, 3],
      ],
      { ...conv, strides: [2, 2], pads: [1, 1, 1, 1] },
      [1, 1, 4, 3],
    ),
    yields(
      "Conv",
      [
        [1, 1, 7, 5],
        [1, 1, 3, 3],
      ],
      { ...conv, strides: [2, 2], pads: [1, 0, 1, 0] },
      [1, 1, 4, 2],
    ),
    yields(
      "Conv",
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      { ...conv, strides: [2, 2], autoPad: "SAME_LOWER" },
      [1, 1, 3, 3],
    ),
    yields(
      "Conv",
      [[20, 16, 50, 100], [33, 16, 3, 5], [33]],
      { ...conv, strides: [2, 1], pads: [4, 2, 4, 2], dilations: [3, 1] },
      [20, 33, 26, 100],
    ),
    yields(
      "Conv",
      [
        [2, 4, 10],
        [4, 2, 5],
      ],
      { ...conv, group: 2 },
      [2, 4, 6],
    ),
    yields(
      "Conv",
      [[1, 8, 16, 16], [8, 1, 3, 3], [8], [1, 8, 16, 16]],
      { ...conv, group: 8, autoPad: "SAME_UPPER" },
      [1, 8, 16, 16],
    ),
    yields(
      "Conv",
      [
        [1, 3, 224, 224],
        [32, 3, 3, 3],
      ],
      { ...conv, strides: [2, 2], autoPad: "VALID", pads: [9, 9, 9, 9] },
      [1, 32, 111, 111],
    ),
    yields(
      "Conv",
      [
        [1, 2, 4, 5, 6],
        [3, 2, 2, 2, 2],
      ],
      conv,
      [1, 3, 3, 4, 5],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3, 3],
        [1, 2, 3, 3],
      ],
      transposed,
      [1, 2, 5, 5],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3],
        [1, 2, 3],
      ],
      transposed,
      [1, 2, 5],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3, 3],
        [1, 2, 3, 3],
      ],
      { ...transposed, strides: [3, 2], outputShape: [10, 8] },
      [1, 2, 10, 8],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3, 3],
        [1, 2, 3, 3],
      ],
      { ...transposed, strides: [3, 2], outputPadding: [1, 1] },
      [1, 2, 10, 8],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3, 3],
        [1, 2, 3, 3],
      ],
      { ...transposed, strides: [2, 2], autoPad: "SAME_UPPER" },
      [1, 2, 6, 6],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3, 3],
        [1, 2, 3, 3],
      ],
      { ...transposed, strides: [3, 2], pads: [1, 2, 1, 2] },
      [1, 2, 7, 3],
    ),
    yields(
      "ConvTranspose",
      [
        [1, 1, 3, 3],
        [1, 1, 2, 2],
      ],
      { ...transposed, dilations: [2, 2] },
      [1, 1, 5, 5],
    ),
    yields("ConvTranspose", [[1, 4, 3, 3], [4, 2, 3, 3], [4]], { ...transposed, group: 2 }, [1, 4, 5, 5]),

    // Products.
    yields(
      "Gemm",
      [
        [3, 5],
        [5, 4],
        [1, 4],
      ],
      { ...fused, alpha: 1, beta: 1, transA: false, transB: false },
      [3, 4],
    ),
    yields("Gemm", [[4, 3], [5, 4], []], { ...fused, alpha: 0.25, beta: 0.35, transA: true, transB: true }, [3, 5]),
    yields(
      "MatMul",
      [
        [3, 4],
        [4, 3],
      ],
      fused,
      [3, 3],
    ),
    yields(
      "MatMul",
      [
        [2, 3, 4],
        [2, 4, 3],
      ],
      fused,
      [2, 3, 3],
    ),
    yields("MatMul", [[7, 1, 3, 4], [5, 4, 2], [2]], fused, [7, 5, 3, 2]),
    yields("MatMul", [[4], [4]], fused, []),
    yields("MatMul", [[4], [2, 4, 3]], fused, [2, 3]),
    yields("MatMul", [[2, 3, 4], [4]], fused, [2, 3]),

    // Normalisation.
    yields("BatchNormalization", [[2, 3, 4, 5], [3], [3], [3], [3]], { epsilon: 1e-5, momentum: 0.9 }, [2, 3, 4, 5]),
    yields("BatchNormalization", [[2, 3], [3], [3], [3], [3]], { epsilon: 1e-5, momentum: 0.9 }, [2, 3]),
    yields("InstanceNormalization", [[2, 3, 4], [3], [3]], { epsilon: 1e-5 }, [2, 3, 4]),
    yields("GroupNormalization", [[3, 4, 2, 2], [4], [4]], { epsilon: 1e-5, numGroups: 2 }, [3, 4, 2, 2]),
    yields(
      "LayerNormalization",
      [
        [2, 3, 4, 5],
        [4, 5],
      ],
      { axis: -2, epsilon: 1e-5 },
      [2, 3, 4, 5],
      [2, 3, 1, 1],
      [2, 3, 1, 1],
    ),
    yields("LRN", [[5, 5, 5, 5]], { alpha: 0.0002, beta: 0.5, bias: 2, size: 3 }, [5, 5, 5, 5]),

    // Pools, from ONNX's examples; ceil drops a last window that begins in the padding.
    yields("AveragePool", [[1, 3, 32, 32]], { ...pool, kernelShape: [2, 2], countIncludePad: false }, [1, 3, 31, 31]),
    yields(
      "AveragePool",
      [[1, 3, 28, 28]],
      { ...pool, kernelShape: [3, 3], pads: [2, 2, 2, 2], countIncludePad: true },
      [1, 3, 30, 30],
    ),
    yields(
      "AveragePool",
      [[1, 3, 32, 32]],
      { ...pool, kernelShape: [5, 5], strides: [3, 3], countIncludePad: false },
      [1, 3, 10, 10],
    ),
    yields(
      "AveragePool",
      [[1, 1, 4, 4]],
      { ...pool, kernelShape: [3, 3], strides: [2, 2], ceilMode: true, countIncludePad: false },
      [1, 1, 2, 2],
    ),
    yields(
      "AveragePool",
      [[1, 1, 4, 4]],
      { ...pool, kernelShape: [1, 1], strides: [2, 2], ceilMode: true, countIncludePad: false },
      [1, 1, 2, 2],
    ),
    yields(
      "AveragePool",
      [[1, 1, 2, 2]],
      { ...pool, kernelShape: [3, 3], strides: [3, 3], pads: [0, 0, 1, 1], ceilMode: true, countIncludePad: false },
      [1, 1, 1, 1],
    ),
    yields(
      "AveragePool",
      [[1, 3, 32, 32]],
      { ...pool, kernelShape: [2, 2], autoPad: "SAME_LOWER", countIncludePad: false },
      [1, 3, 32, 32],
    ),
    typed(
      yields(
        "MaxPool",
        [[1, 1, 4, 4]],
        { ...pool, kernelShape: [2, 2], dilations: [2, 2], storageOrder: 0 },
        [1, 1, 2, 2],
        [1, 1, 2, 2],
      ),
      "float32",
      "int64",
    ),
    typed(
      yields(
        "MaxPool",
        [[1, 1, 5, 5]],
        { ...pool, kernelShape: [3, 3], strides: [2, 2], autoPad: "SAME_UPPER", storageOrder: 0 },
        [1, 1, 3, 3],
        [1, 1, 3, 3],
      ),
      "float32",
      "int64",
    ),
    typed(
      yields(
        "MaxPool",
        [[1, 3, 32, 32, 32]],
        { ...pool, kernelShape: [2, 2, 2], storageOrder: 0 },
        [1, 3, 31, 31, 31],
        [1, 3, 31, 31, 31],
      ),
      "float32",
      "int64",
    ),
    // PyTorch: a window of 2 over 3 with 1 of padding and a stride of 2 would begin its third place behind the end.
    typed(
      yields(
        "MaxPool",
        [[1, 1, 3]],
        { ...pool, kernelShape: [2], strides: [2], pads: [1, 1], ceilMode: true, storageOrder: 0 },
        [1, 1, 2],
        [1, 1, 2],
      ),
      "float32",
      "int64",
    ),
    yields("LpPool", [[1, 3, 32]], { ...pool, kernelShape: [2], p: 2 }, [1, 3, 31]),
    yields("GlobalMaxPool", [[1, 3, 5, 6]], {}, [1, 3, 1, 1]),
    yields("GlobalAveragePool", [[1, 3, 5]], {}, [1, 3, 1]),
    yields("GlobalLpPool", [[1, 3, 5, 6, 7]], { p: 2 }, [1, 3, 1, 1, 1]),
  ]);
});

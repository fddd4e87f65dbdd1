import type { Operators } from "./operator.ts";

/** Products of matrices. */
export const weightedSums: Operators = {
  Gemm: {
    inputs: [2, 3],
    add: (node, graph) => {
      const { attributes } = node;
      // Broadcasting had to be asked for once, and is only possible where it is now done unasked.
      if (node.version < 7) attributes.ignore("broadcast");
      const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
      const [transA, transB] = [attributes.flag("transA", false), attributes.flag("transB", false)];
      graph.add({ ...node.base, op: "Gemm", attributes: { alpha, beta, transA, transB } });
    },
  },
  MatMul: {
    inputs: [2, 2],
    add: (node, graph) => graph.add({ ...node.base, op: "MatMul", attributes: {} }),
  },
};

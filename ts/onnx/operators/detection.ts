import type { Operators } from "./operator.ts";

/** What finds objects. */
export const detection: Operators = {
  NonMaxSuppression: {
    inputs: [2, 5],
    add: (node, graph) => {
      const centerPointBox = node.attributes.flag("center_point_box", false);
      graph.add({ ...node.base, op: "NonMaxSuppression", attributes: { centerPointBox } });
    },
  },
};

/** The choice among boxes that overlap. */
import { elementCount } from "../../shape.ts";
import type { Node, ValueName } from "../graph.ts";
import { plainOrder } from "../layout.ts";
import type { Lowering } from "./lowering.ts";

export function nonMaxSuppression({ inputs, outputs, attributes }: Node<"NonMaxSuppression">, to: Lowering): void {
  const [boxes, scores, maxPerClass, iou, score] = inputs;
  const [selected, count] = outputs;
  const [n = 1, b = 1] = to.shape(boxes);
  const classes = to.shape(scores)[1] ?? 1;
  const known = (name: ValueName | undefined, what: string): number | undefined => {
    if (name === undefined) return undefined;
    const value = to.constant(name)?.data[0];
    if (value === undefined) throw to.unsupported(`${what} is known only when the network runs`);
    return value;
  };
  const threshold = known(score, "score_threshold");
  const words = [
    ...[n, b, classes, Math.min(known(maxPerClass, "max_output_boxes_per_class") ?? 0, b)],
    ...[known(iou, "iou_threshold") ?? 0, threshold ?? 0, threshold === undefined ? 0 : 1],
    attributes.centerPointBox ? 1 : 0,
  ];
  const rows = to.result(selected, plainOrder(2));
  if (elementCount(to.shape(selected)) === 0) throw to.unsupported("it may select no boxes at all");
  to.emit("nonMaxSuppression", [to.plain(boxes), to.plain(scores)], [rows, to.result(count, plainOrder(1))], words);
}

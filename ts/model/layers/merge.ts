/** Where branches of a network meet. */
import { LensletError } from "../../errors.ts";
import { invalid } from "../../options.ts";
import { formatShape } from "../../shape.ts";
import { checkedValue, type Value } from "./network.ts";

function merge(call: string, op: "Add" | "Mul", first: Value, second: Value): Value {
  const { network, shape } = checkedValue(call, "a", first);
  const other = checkedValue(call, "b", second, network);
  const name = network.layerName(call, undefined);
  if (formatShape(other.shape) === formatShape(shape)) return network.add(op, name, [first, second], {}, shape);
  throw mismatch(call, "b", other, `${formatShape(shape)}, the shape of a`);
}

/** `a + b`, of equal shapes: the shortcut of a residual network. */
export function add(a: Value, b: Value): Value {
  return merge("add", "Add", a, b);
}

/** `a * b`, element by element, of equal shapes. */
export function mul(a: Value, b: Value): Value {
  return merge("mul", "Mul", a, b);
}

/** Channels of images, or elements of vectors, one behind the other. */
export function concat(values: readonly Value[]): Value {
  const call = "concat";
  const [first] = values;
  if (!Array.isArray(values) || first === undefined) throw invalid(call, "values", values, "an array of values");
  const { network, shape } = checkedValue(call, "values[0]", first);
  const outer = shape.slice(0, -1);
  let channels = 0;
  for (const [index, value] of values.entries()) {
    const { shape: other } = checkedValue(call, `values[${index}]`, value, network);
    if (formatShape(other.slice(0, -1)) !== formatShape(outer))
      throw mismatch(call, `values[${index}]`, value, `all sizes but the last as in ${formatShape(shape)}`);
    channels += other.at(-1) ?? 0;
  }
  // Channels are axis 1 of the graph's [n, c, h, w], and of [n, k].
  return network.add("Concat", network.layerName(call, undefined), values, { axis: 1 }, [...outer, channels]);
}

function mismatch(call: string, argument: string, { shape }: Value, expected: string): LensletError {
  return new LensletError(
    "shape-mismatch",
    `${call}: ${argument} has shape ${formatShape(shape)}; expected ${expected}`,
    {
      argument,
    },
  );
}

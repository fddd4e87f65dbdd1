/** Functions that files spell out in small steps, each as the one operator that it is. */
import { derived } from "../derived.ts";
import { type Constant, floats } from "../constant.ts";
import type { KnownGraph, Node, ValueName } from "../graph.ts";
import { isOp, Rewrite } from "./rewrite.ts";

/**
 * Recognises, in their usual spellings: hard sigmoid and hard swish (by a Clip from 0 to 6), swish (by Sigmoid), GELU (by
 * Erf or Tanh), mish (by Softplus), layer normalisation (by ReduceMean), and global pools (by reductions). Exact up to
 * rounding. The steps that nobody else uses are left for `withoutDead`.
 */
export function recognise(graph: KnownGraph): KnownGraph {
  const rewrite = new Rewrite(graph);
  for (const node of rewrite.nodes()) {
    const [value] = node.outputs;
    if (value === undefined || rewrite.info(value).type !== "float32") continue;
    const next = product(rewrite, node) ?? globalPool(rewrite, node);
    if (next !== undefined) rewrite.replace(node, next);
    else layerNorm(rewrite, node);
  }
  return rewrite.finish();
}

/** The number that a constant of one element holds. */
function scalar(rewrite: Rewrite, value: ValueName | undefined): number | undefined {
  const constant = rewrite.constant(value);
  return constant?.data.length === 1 ? constant.data[0] : undefined;
}

/** Whether two numbers are the same but for float32's rounding. */
function near(a: number | undefined, b: number): boolean {
  return a !== undefined && Math.abs(a - b) <= 2e-6 * Math.abs(b);
}

/** Values that are multiplied, times a number. */
interface Product {
  readonly factor: number;
  readonly values: readonly ValueName[];
}

/** A value as a product; three factors at most, as no function here has more. */
function productOf(rewrite: Rewrite, value: ValueName, depth = 0): Product {
  const node = rewrite.producer(value);
  const plain = { factor: 1, values: [value] };
  if (depth > 3 || node === undefined || (node.op !== "Mul" && node.op !== "Div")) return plain;
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return plain;
  const [left, right] = [scalar(rewrite, a), scalar(rewrite, b)];
  if (node.op === "Div") {
    if (right === undefined || right === 0) return plain;
    const inner = productOf(rewrite, a, depth + 1);
    return { factor: inner.factor / right, values: inner.values };
  }
  if (left !== undefined || right !== undefined) {
    const inner = productOf(rewrite, left === undefined ? a : b, depth + 1);
    return { factor: inner.factor * (left ?? right ?? 1), values: inner.values };
  }
  const [x, y] = [productOf(rewrite, a, depth + 1), productOf(rewrite, b, depth + 1)];
  return x.values.length + y.values.length > 3
    ? plain
    : { factor: x.factor * y.factor, values: [...x.values, ...y.values] };
}

/** A product that is a function of one value. */
function product(rewrite: Rewrite, node: Node): Node | undefined {
  const [value] = node.outputs;
  if ((node.op !== "Mul" && node.op !== "Div") || value === undefined) return undefined;
  const { factor, values } = productOf(rewrite, value);
  const { name, outputs } = node;
  const [p, q] = values;
  if (p === undefined) return undefined;
  if (values.length === 1) {
    const x = reluSixAfterThree(rewrite, p);
    if (x === undefined || !near(factor, 1 / 6)) return undefined;
    return { name, op: "HardSigmoid", inputs: [x], outputs, attributes: { alpha: 1 / 6, beta: 0.5 } };
  }
  if (values.length !== 2 || q === undefined) return undefined;
  for (const [x, gate] of [
    [p, q],
    [q, p],
  ] as const) {
    if (near(factor, 1 / 6) && reluSixAfterThree(rewrite, gate) === x) {
      return { name, op: "HardSwish", inputs: [x], outputs, attributes: {} };
    }
    if (near(factor, 0.5)) {
      const approximate = gelu(rewrite, x, gate);
      if (approximate !== undefined) return { name, op: "Gelu", inputs: [x], outputs, attributes: { approximate } };
    }
    if (factor !== 1) continue;
    const maker = rewrite.producer(gate);
    if (isOp(maker, "HardSigmoid") && maker.inputs[0] === x) {
      const { alpha, beta } = maker.attributes;
      if (near(alpha, 1 / 6) && near(beta, 0.5)) return { name, op: "HardSwish", inputs: [x], outputs, attributes: {} };
    }
    if (isOp(maker, "Sigmoid")) {
      const alpha = multipleOf(rewrite, maker.inputs[0], x);
      if (alpha !== undefined) return { name, op: "Swish", inputs: [x], outputs, attributes: { alpha } };
    }
    if (isOp(maker, "Tanh") && rewrite.madeBy("Softplus", maker.inputs[0])?.inputs[0] === x) {
      return { name, op: "Mish", inputs: [x], outputs, attributes: {} };
    }
  }
  return undefined;
}

/** k if `value` is k * x. */
function multipleOf(rewrite: Rewrite, value: ValueName | undefined, x: ValueName): number | undefined {
  if (value === x) return 1;
  if (value === undefined) return undefined;
  const { factor, values } = productOf(rewrite, value);
  return values.length === 1 && values[0] === x ? factor : undefined;
}

/** The value to which a node adds `constant`, if `value` is such a sum. */
function without(rewrite: Rewrite, value: ValueName | undefined, constant: number): ValueName | undefined {
  const node = rewrite.madeBy("Add", value);
  if (node === undefined) return undefined;
  const [a, b] = node.inputs;
  if (near(scalar(rewrite, b), constant)) return a;
  return near(scalar(rewrite, a), constant) ? b : undefined;
}

/** x if `value` is min(max(x + 3, 0), 6). */
function reluSixAfterThree(rewrite: Rewrite, value: ValueName): ValueName | undefined {
  const clip = rewrite.madeBy("Clip", value);
  if (clip === undefined) return undefined;
  const [shifted, min, max] = clip.inputs;
  if (scalar(rewrite, min) !== 0 || scalar(rewrite, max) !== 6) return undefined;
  return without(rewrite, shifted, 3);
}

/** Which form of GELU `0.5 * x * gate` is. */
function gelu(rewrite: Rewrite, x: ValueName, gate: ValueName): "none" | "tanh" | undefined {
  const inner = rewrite.producer(without(rewrite, gate, 1));
  if (isOp(inner, "Erf")) return near(multipleOf(rewrite, inner.inputs[0], x), Math.SQRT1_2) ? "none" : undefined;
  if (!isOp(inner, "Tanh") || inner.inputs[0] === undefined) return undefined;
  const { factor, values } = productOf(rewrite, inner.inputs[0]);
  if (values.length !== 1 || !near(factor, Math.sqrt(2 / Math.PI))) return undefined;
  const sum = rewrite.madeBy("Add", values[0]);
  const cubic = sum?.inputs.find((input) => input !== x);
  if (cubic === undefined || sum?.inputs.length !== 2 || !sum.inputs.includes(x)) return undefined;
  const cube = productOf(rewrite, cubic);
  if (!near(cube.factor, 0.044715)) return undefined;
  const power = rewrite.madeBy("Pow", cube.values[0]);
  const isPower = cube.values.length === 1 && power?.inputs[0] === x && scalar(rewrite, power.inputs[1]) === 3;
  return isPower || (cube.values.length === 3 && cube.values.every((value) => value === x)) ? "tanh" : undefined;
}

/** A mean or maximum over all axes behind channels. */
function globalPool(rewrite: Rewrite, node: Node): Node | undefined {
  if (node.op !== "ReduceMean" && node.op !== "ReduceMax") return undefined;
  const [x, axes] = node.inputs;
  if (!node.attributes.keepdims || x === undefined) return undefined;
  const { shape } = rewrite.info(x);
  const given = rewrite.constant(axes);
  if (shape.length !== 4 || given?.data.length !== 2) return undefined;
  if (!given.data.every((axis) => axis === 2 || axis === 3 || axis === -1 || axis === -2)) return undefined;
  const { name, outputs } = node;
  const op = node.op === "ReduceMean" ? "GlobalAveragePool" : "GlobalMaxPool";
  return { name, op, inputs: [x], outputs, attributes: {} };
}

/** The value whose mean over trailing axes `value` is, and how many axes these are. */
function trailingMean(rewrite: Rewrite, value: ValueName | undefined): { of: ValueName; axes: number } | undefined {
  const node = rewrite.madeBy("ReduceMean", value);
  const [x, axes] = node?.inputs ?? [];
  const given = rewrite.constant(axes);
  if (node === undefined || x === undefined || given === undefined || !node.attributes.keepdims) return undefined;
  const rank = rewrite.info(x).shape.length;
  const counted = Array.from(given.data, (axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  const trailing = counted.length > 0 && counted.every((axis, i) => axis === rank - counted.length + i);
  return trailing ? { of: x, axes: counted.length } : undefined;
}

/** Replaces `(x - mean) / sqrt(mean((x - mean)^2) + epsilon)`, and scale and bias behind it. */
function layerNorm(rewrite: Rewrite, node: Node): void {
  if (node.op !== "Div") return;
  const [numerator, denominator] = node.inputs;
  const centred = rewrite.madeBy("Sub", numerator);
  const mean = trailingMean(rewrite, centred?.inputs[1]);
  const x = centred?.inputs[0];
  if (x === undefined || mean === undefined || mean.of !== x) return;
  const root = rewrite.producer(denominator);
  const isRoot = isOp(root, "Sqrt") || (isOp(root, "Pow") && scalar(rewrite, root.inputs[1]) === 0.5);
  const sum = isRoot ? rewrite.madeBy("Add", root.inputs[0]) : undefined;
  if (sum === undefined) return;
  const [left, right] = sum.inputs;
  const epsilon = scalar(rewrite, right) ?? scalar(rewrite, left);
  const variance = trailingMean(rewrite, scalar(rewrite, right) === undefined ? right : left);
  if (epsilon === undefined || variance?.axes !== mean.axes) return;
  if (!isSquareOfDifference(rewrite, variance.of, centred)) return;

  const { shape } = rewrite.info(x);
  const inner = shape.slice(shape.length - mean.axes);
  const scale = operandBehind(rewrite, node, "Mul", inner);
  const bias = operandBehind(rewrite, scale?.node ?? node, "Add", inner);
  const last = bias?.node ?? scale?.node ?? node;
  const ones = (source: Constant): ValueName =>
    rewrite.addConstant(
      `${node.name}.ones`,
      derived(source, `ones ${inner.join()}`, inner, () =>
        new Float32Array(inner.reduce((n, size) => n * size, 1)).fill(1),
      ),
    );
  const source = rewrite.constant(scalar(rewrite, right) === undefined ? left : right) ?? floats(new Float32Array(1));
  const norm: Node = {
    name: node.name,
    op: "LayerNormalization",
    inputs: [x, scale?.operand ?? ones(source), bias?.operand],
    outputs: last.outputs,
    attributes: { axis: shape.length - mean.axes, epsilon },
  };
  const others = [node, scale?.node, bias?.node].filter((each) => each !== undefined && each !== last);
  rewrite.merge([...others.filter((each) => each !== undefined), last], norm);
}

/** Whether `value` is the square of `centred`, or of the same difference computed again. */
function isSquareOfDifference(rewrite: Rewrite, value: ValueName, centred: Node<"Sub"> | undefined): boolean {
  const node = rewrite.producer(value);
  const base = node?.inputs[0];
  const squared =
    (isOp(node, "Pow") && scalar(rewrite, node.inputs[1]) === 2) || (isOp(node, "Mul") && node.inputs[1] === base);
  if (!squared || centred === undefined) return false;
  const difference = rewrite.madeBy("Sub", base);
  if (difference === undefined) return false;
  return difference === centred || difference.inputs.every((input, i) => input === centred.inputs[i]);
}

/** The node that alone uses the output of `node`, if it is `op` with a constant of the shape `inner`, and that constant. */
function operandBehind(
  rewrite: Rewrite,
  node: Node,
  op: "Mul" | "Add",
  inner: readonly number[],
): { node: Node; operand: ValueName } | undefined {
  const [value] = node.outputs;
  const user = value === undefined ? undefined : rewrite.onlyUser(value);
  if (user?.op !== op) return undefined;
  const operand = user.inputs.find((input) => input !== value);
  const constant = rewrite.constant(operand);
  if (operand === undefined || constant?.shape.join() !== inner.join()) return undefined;
  return { node: user, operand };
}

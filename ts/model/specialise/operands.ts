/** One node as the rules of its operator see it: what is known of its operands, and errors that name them. */
import { LensletError } from "../../errors.ts";
import { elementCount, formatShape } from "../../shape.ts";
import type { Constant, NumberType } from "../constant.ts";
import type { KnownInfo, Node, ValueName } from "../graph.ts";
import { describeNode, inputName } from "../signature.ts";
import { broadcastShapes } from "./broadcast.ts";

/** What is known of a graph's values; a `KnownGraph` is that. */
export interface KnownValues {
  readonly infos: ReadonlyMap<ValueName, KnownInfo>;
  readonly constants: ReadonlyMap<ValueName, Constant>;
}

/** Most numbers of an operand that tells about axes, or parts of one. */
const MOST_NUMBERS = 4096;

/** The operands of one node. */
export class Operands {
  readonly node: Node;
  readonly #values: KnownValues;

  constructor(node: Node, values: KnownValues) {
    this.node = node;
    this.#values = values;
  }

  /** How many inputs the node has, absent ones among them. */
  get count(): number {
    return this.node.inputs.length;
  }

  /** Whether the input at `index` is there. */
  has(index: number): boolean {
    return this.node.inputs[index] !== undefined;
  }

  /** Type and shape of the input at `index`. */
  info(index: number): KnownInfo {
    const name = this.node.inputs[index];
    if (name === undefined) throw this.invalid(`${this.name(index)} is missing`);
    const info = this.#values.infos.get(name);
    if (info === undefined) throw this.invalid(`${this.name(index)} is ${JSON.stringify(name)}, which nothing makes`);
    return info;
  }

  /** Sizes of the input at `index`. */
  shape(index: number): readonly number[] {
    return this.info(index).shape;
  }

  /** Type of the input at `index`. */
  type(index: number): NumberType {
    return this.info(index).type;
  }

  /** The numbers of the input at `index`, unless they are absent or computed while the network runs. */
  constant(index: number): Constant | undefined {
    const name = this.node.inputs[index];
    return name === undefined ? undefined : this.#values.constants.get(name);
  }

  /** The numbers of an input on which a shape depends. */
  known(index: number): Constant {
    const constant = this.constant(index);
    if (constant !== undefined) return constant;
    const name = this.node.inputs[index];
    if (name === undefined) throw this.invalid(`${this.name(index)} is missing`);
    const value = `${this.name(index)} (${JSON.stringify(name)})`;
    throw this.unsupported(`the output's shape depends on ${value}, which is known only when the network runs`);
  }

  /** Numbers, few, on which a shape depends. */
  numbers(index: number): readonly number[] {
    const constant = this.known(index);
    const size = elementCount(constant.shape);
    // Seen before the numbers are: those of a large constant may have to be computed.
    if (size > MOST_NUMBERS) {
      throw this.invalid(`${this.name(index)} has ${size} elements; expected at most ${MOST_NUMBERS}`);
    }
    return Array.from(constant.data);
  }

  /** A vector of integers on which a shape depends. */
  integers(index: number): readonly number[] {
    const { type, shape } = this.info(index);
    if (type !== "int64" && type !== "int32") {
      throw this.invalid(`${this.name(index)} is ${type}; expected int64`);
    }
    if (shape.length > 1) {
      throw this.invalid(`${this.name(index)} has the shape ${formatShape(shape)}; expected one axis`);
    }
    return this.numbers(index);
  }

  /** One number on which a shape depends. */
  number(index: number): number {
    const values = this.numbers(index);
    const [value] = values;
    if (value !== undefined && values.length === 1) return value;
    throw this.invalid(`${this.name(index)} has ${values.length} elements; expected one`);
  }

  /** The axis that `axis` means in a tensor of `rank` axes; a negative one counts from the end. */
  axis(axis: number, rank: number, what = "axis"): number {
    if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
    throw this.invalid(
      rank === 0
        ? `${what} is ${axis}, but a scalar has no axes`
        : `${what} is ${axis}; expected an integer from ${-rank} to ${rank - 1} (the input has ${rank} axes)`,
    );
  }

  /** Axes in a tensor of `rank` axes, counted from the start; each may be named once. */
  axes(axes: readonly number[], rank: number, what = "axes"): readonly number[] {
    const parsed = axes.map((axis) => this.axis(axis, rank, what));
    if (new Set(parsed).size === parsed.length) return parsed;
    throw this.invalid(`${what} ${formatShape(axes)} name an axis twice`);
  }

  /** The shape to which inputs `from` to `to` (excluded) broadcast. */
  broadcast(from = 0, to: number = this.count): readonly number[] {
    let shape = this.shape(from);
    for (let index = from + 1; index < to; index++) {
      const both = broadcastShapes(shape, this.shape(index));
      if (both === undefined) {
        const [left, right] = [formatShape(shape), formatShape(this.shape(index))];
        throw this.invalid(`${this.name(index)} of shape ${right} does not broadcast with ${left}`);
      }
      shape = both;
    }
    return shape;
  }

  /** Throws unless the input at `index` has one of `types`. */
  expectType(index: number, ...types: readonly NumberType[]): void {
    const type = this.type(index);
    if (!types.includes(type)) throw this.invalid(`${this.name(index)} is ${type}; expected ${types.join(" or ")}`);
  }

  /** Throws unless inputs `from` to `to` (excluded) have the type of the first of them. */
  expectOneType(from = 0, to: number = this.count): void {
    const type = this.type(from);
    for (let index = from + 1; index < to; index++) {
      if (!this.has(index) || this.type(index) === type) continue;
      const [first, other] = [this.name(from), this.name(index)];
      throw this.invalid(`${first} is ${type} and ${other} is ${this.type(index)}; expected one type`);
    }
  }

  /** Throws unless the input at `index` has exactly this shape. */
  expectShape(index: number, shape: readonly number[], why: string): void {
    const actual = this.shape(index);
    if (actual.length === shape.length && actual.every((size, axis) => size === shape[axis])) return;
    const text = `${this.name(index)} has the shape ${formatShape(actual)}; expected ${formatShape(shape)}`;
    throw this.invalid(`${text} (${why})`);
  }

  /** Throws unless the input at `index` has at least `min` axes and at most `max`. */
  expectRank(index: number, min: number, max: number, axes: string): void {
    const shape = this.shape(index);
    if (shape.length >= min && shape.length <= max) return;
    throw this.invalid(`${this.name(index)} has the shape ${formatShape(shape)}; expected ${axes}`);
  }

  /** What messages call the input at `index`. */
  name(index: number): string {
    return inputName(this.node.op, index);
  }

  /** The error for a node that no input shapes make right. */
  invalid(text: string): LensletError {
    return new LensletError("model-invalid", `${describeNode(this.node)}: ${text}`);
  }

  /** The error for a node that is right and that lenslet cannot run. */
  unsupported(text: string): LensletError {
    return new LensletError("model-unsupported", `${describeNode(this.node)}: ${text}`);
  }

  /** The error for an output without elements. */
  empty(text: string): LensletError {
    return new LensletError("empty-output", `${describeNode(this.node)}: ${text}`);
  }
}

/** Where a rule works: one step of the forward pass, the gradients of its outputs, and the steps that follow from them. */
import type { OpName } from "../../command.ts";
import { elementCount, type Shape } from "../../shape.ts";
import { floats } from "../../model/constant.ts";
import type { Node } from "../../model/graph.ts";
import { type Buffer, type LoweredStep, type Target, type Temporary, temporary } from "../../model/lower/lowering.ts";

/** The core's codes of functions of two elements that rules use. */
export const BINARY = { add: 0, sub: 1, mul: 2, div: 3, pow: 7, equal: 11, less: 12, greater: 14 } as const;

/** The core's codes of functions of one element that rules use. */
export const UNARY = { neg: 1, exp: 3, log: 4, square: 5, floor: 8, sign: 11, truncate: 13, sin: 15, cos: 16 } as const;

/** The backward pass of a network in the making: gradients by buffer, and the steps that compute them. */
export class Backward {
  readonly steps: LoweredStep[] = [];
  readonly #gradients = new Map<Buffer, Buffer>();
  readonly #isWanted: (buffer: Buffer) => boolean;
  readonly #makers = new Map<Buffer, LoweredStep>();
  readonly #uses = new Map<Buffer, number>();
  /** Results whose gradients are those in front of their activations already. */
  readonly #unfused = new Set<Buffer>();

  /**
   * `path`: the steps that gradients go through. `isWanted`: whether the gradient of a buffer leads to that of something
   * trained.
   */
  constructor(path: readonly LoweredStep[], isWanted: (buffer: Buffer) => boolean) {
    this.#isWanted = isWanted;
    for (const step of path) {
      for (const output of step.outputs) this.#makers.set(output, step);
      for (const input of step.inputs) this.#uses.set(input, (this.#uses.get(input) ?? 0) + 1);
    }
  }

  /** The step that makes a buffer that has one use. */
  makerOf(buffer: Buffer): LoweredStep | undefined {
    return this.#uses.get(buffer) === 1 ? this.#makers.get(buffer) : undefined;
  }

  /** Notes that what the gradient of a result is given has been taken through the result's activation. */
  markUnfused(buffer: Buffer): void {
    this.#unfused.add(buffer);
  }

  isUnfused(buffer: Buffer): boolean {
    return this.#unfused.has(buffer);
  }

  isWanted(buffer: Buffer | undefined): boolean {
    return buffer !== undefined && this.#isWanted(buffer);
  }

  /** The sum of what the gradient of a buffer has been given. */
  gradient(buffer: Buffer): Buffer | undefined {
    return this.#gradients.get(buffer);
  }

  /** Adds to the gradient of a buffer, which has `length` elements. */
  add(node: Node, buffer: Buffer, gradient: Buffer, length: number): void {
    const before = this.#gradients.get(buffer);
    if (before === undefined) {
      this.#gradients.set(buffer, gradient);
      return;
    }
    const sum = temporary(length);
    this.push(node, "binary", [before, gradient], [sum], [BINARY.add, 1, length, 1, length], true);
    this.#gradients.set(buffer, sum);
  }

  push(
    node: Node,
    op: OpName,
    inputs: readonly Buffer[],
    outputs: readonly Target[],
    words: readonly number[],
    commutes = false,
  ): void {
    this.steps.push({ op, inputs, outputs, words, node, commutes, moves: false });
  }
}

/** What a rule sees of the step that it is for. */
export class Site {
  readonly step: LoweredStep;
  readonly #backward: Backward;

  constructor(step: LoweredStep, backward: Backward) {
    this.step = step;
    this.#backward = backward;
  }

  /** An operand of the step. */
  input(index: number): Buffer {
    return this.step.inputs[index] ?? { kind: "none" };
  }

  /** The step's first result. */
  get output(): Temporary {
    const [output] = this.step.outputs;
    if (output?.kind !== "temporary") throw new Error(`a ${this.step.op} without a result`);
    return output;
  }

  /** The gradient of the step's first result. */
  get gradient(): Buffer {
    const gradient = this.#backward.gradient(this.output);
    if (gradient === undefined) throw new Error(`a ${this.step.op} without a gradient`);
    return gradient;
  }

  /** The step that makes an operand which nobody else uses. */
  makerOf(index: number): LoweredStep | undefined {
    return this.#backward.makerOf(this.input(index));
  }

  /** Tells the step that makes an operand that its gradient is the one in front of its activation. */
  passActivation(index: number): void {
    this.#backward.markUnfused(this.input(index));
  }

  /** Whether the gradient of the step's result is the one in front of its activation: who uses it has seen to that. */
  get isPastActivation(): boolean {
    return this.#backward.isUnfused(this.output);
  }

  /** Whether the gradient of an operand is wanted. */
  wants(index: number): boolean {
    return this.#backward.isWanted(this.step.inputs[index]);
  }

  /** Adds to the gradient of an operand. */
  give(index: number, gradient: Buffer, length: number = lengthOf(gradient)): void {
    if (this.wants(index)) this.#backward.add(this.step.node, this.input(index), gradient, length);
  }

  /** A step of several results. */
  emit(op: OpName, inputs: readonly Buffer[], outputs: readonly Temporary[], words: readonly number[]): void {
    this.#backward.push(this.step.node, op, inputs, outputs, words);
  }

  /** A step of one result. */
  make(op: OpName, inputs: readonly Buffer[], words: readonly number[], length: number): Temporary {
    const result = temporary(length);
    this.emit(op, inputs, [result], words);
    return result;
  }

  /** A function of elements of two operands of one length; or of the first one's length, if the second is one number. */
  binary(code: number, a: Buffer, b: Buffer | number, length: number = lengthOf(a)): Temporary {
    const right = typeof b === "number" ? number(b) : b;
    const words = [code, 1, length, ...(typeof b === "number" ? [0] : [1, length])];
    return this.make("binary", [a, right], words, length);
  }

  /** A function of elements of two operands that broadcast; shapes of the same rank. */
  broadcastBinary(code: number, [a, b]: readonly [Buffer, Buffer], [left, right]: readonly [Shape, Shape]): Temporary {
    const out = broadcast(left, right);
    return this.make("binary", [a, b], [code, left.length, ...left, right.length, ...right], elementCount(out));
  }

  /** A function of one element. */
  unary(code: number, x: Buffer, length: number = lengthOf(x)): Temporary {
    return this.make("unary", [x], [code], length);
  }

  /** Repeats elements. */
  broadcastTo(x: Buffer, shape: Shape, out: Shape): Buffer {
    if (elementCount(shape) === elementCount(out)) return x;
    return this.make("broadcastTo", [x], [shape.length, ...shape, ...out], elementCount(out));
  }

  /** The sum over the axes along which `shape` was broadcast to `out`. */
  sumTo(gradient: Buffer, out: Shape, shape: Shape): Buffer {
    if (elementCount(shape) === elementCount(out)) return gradient;
    return this.make("sumTo", [gradient], [out.length, ...out, shape.length, ...shape], elementCount(shape));
  }

  /** Where `condition` is not 0, `a`; else the number `b`. */
  where(condition: Buffer, a: Buffer, b: number, length: number = lengthOf(a)): Temporary {
    return this.make("where", [condition, a, number(b)], [1, length, length, 1], length);
  }
}

/** The shape of two that broadcast, of the same rank. */
export function broadcast(a: Shape, b: Shape): Shape {
  return a.map((size, axis) => Math.max(size, b[axis] ?? 1));
}

/** One number as an operand. */
export function number(value: number): Buffer {
  return { kind: "weight", constant: floats(Float32Array.of(value), []) };
}

/** Elements of an operand. */
export function lengthOf(buffer: Buffer): number {
  if (buffer.kind === "temporary" || buffer.kind === "variable") return buffer.length;
  if (buffer.kind === "weight") return elementCount(buffer.constant.shape);
  throw new Error(`nobody has said how long a buffer of kind ${buffer.kind} is`);
}

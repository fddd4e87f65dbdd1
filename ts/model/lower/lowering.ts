/** From a graph to steps of the core: what all operators need for it. */
import type { OpName } from "../../command.ts";
import { LensletError } from "../../errors.ts";
import { elementCount, type Shape } from "../../shape.ts";
import type { Constant, NumberType } from "../constant.ts";
import { derived } from "../derived.ts";
import type { KnownGraph, KnownInfo, Node, ValueName } from "../graph.ts";
import { Operands } from "../specialise/operands.ts";
import {
  isSameOrder,
  liftedOrder,
  moveBetween,
  type Order,
  orderKey,
  physicalShape,
  plainOrder,
  transposed,
} from "../layout.ts";

/** A buffer that steps write; where it lies is the memory plan's to say. */
export interface Temporary {
  readonly kind: "temporary";
  /** Elements, float32. */
  readonly length: number;
}

/**
 * A tensor of the engine that lives longer than a run, and that steps may change where it lies: what is trained, the
 * statistics of a batch normalisation, what an optimiser remembers.
 */
export interface Variable {
  readonly kind: "variable";
  /** Unique among those of a network. */
  readonly name: string;
  readonly shape: Shape;
  /** Elements, float32. */
  readonly length: number;
}

/** What a step may write. */
export type Target = Temporary | Variable;

/** Where a step finds its numbers, before there are places in memory. */
export type Buffer =
  | Target
  | { readonly kind: "none" }
  | { readonly kind: "weight"; readonly constant: Constant }
  | { readonly kind: "input"; readonly index: number };

/** No operand. */
export const NONE: Buffer = { kind: "none" };

/** One call of an operator of the core. */
export interface LoweredStep {
  readonly op: OpName;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Target[];
  readonly words: readonly number[];
  /** The node that it is for. */
  readonly node: Node;
  /** Whether input 0 and input 1 may change places. */
  readonly commutes: boolean;
  /** Whether it only moves the elements of an operand to another order. */
  readonly moves: boolean;
}

/** A value as it lies in memory. */
export interface Held {
  readonly buffer: Buffer;
  /** As the graph has it. */
  readonly shape: Shape;
  readonly order: Order;
}

/** What else than inference a network may be lowered for. */
export interface Training {
  /** Inputs of the graph that are tensors of the engine, of the shapes that the graph says. */
  readonly variables: ReadonlyMap<ValueName, Variable>;
  /** Present where the network learns: batches are normalised by their own statistics, and Dropout drops. */
  readonly learning?: Learning;
}

/** What Dropout needs to know. */
export interface Learning {
  /** Its first number counts the steps. */
  readonly clock: Buffer;
  /** Two halves, each below 2^31. */
  readonly seed: readonly [low: number, high: number];
}

/** Steps in the making. */
export class Lowering {
  readonly steps: LoweredStep[] = [];
  readonly #training: Training | undefined;
  #streams = 0;
  readonly #graph: KnownGraph;
  readonly #held = new Map<ValueName, Held>();
  /** Values moved to other orders, by {@link orderKey}. */
  readonly #moved = new Map<Held, Map<string, Buffer>>();
  #node: Node | undefined;

  constructor(graph: KnownGraph, training?: Training) {
    this.#graph = graph;
    this.#training = training;
    let index = 0;
    for (const name of graph.inputs.keys())
      this.#hold(name, training?.variables.get(name) ?? { kind: "input", index: index++ });
    for (const [name, constant] of graph.constants) this.#hold(name, { kind: "weight", constant });
  }

  #hold(name: ValueName, buffer: Buffer): void {
    const { shape } = this.info(name);
    this.#held.set(name, { buffer, shape, order: plainOrder(shape.length) });
  }

  /** The node whose steps follow. */
  begin(node: Node): void {
    this.#node = node;
  }

  info(name: ValueName | undefined): KnownInfo {
    const info = name === undefined ? undefined : this.#graph.infos.get(name);
    if (info === undefined) throw new Error(`nothing is known of the value ${String(name)}`);
    return info;
  }

  shape(name: ValueName | undefined): Shape {
    return this.info(name).shape;
  }

  type(name: ValueName | undefined): NumberType {
    return this.info(name).type;
  }

  /** The operands of a node, for what the inference of shapes finds out about them. */
  operands(node: Node): Operands {
    return new Operands(node, this.#graph);
  }

  /** The numbers of a constant; undefined for other values, and for none. */
  constant(name: ValueName | undefined): Constant | undefined {
    return name === undefined ? undefined : this.#graph.constants.get(name);
  }

  /** What is known of the step of training that this is for; undefined if nothing is learnt. */
  get learning(): Learning | undefined {
    return this.#training?.learning;
  }

  /** Tells the Dropouts of a network apart: 0, 1, 2, ... */
  nextStream(): number {
    return this.#streams++;
  }

  /** Whether a value is no result of a run: a constant, or what is trained. */
  isWeight(name: ValueName | undefined): boolean {
    return name !== undefined && (this.#graph.constants.has(name) || this.variable(name) !== undefined);
  }

  /** The tensor of the engine that a value is. */
  variable(name: ValueName | undefined): Variable | undefined {
    return name === undefined ? undefined : this.#training?.variables.get(name);
  }

  /** A value as it lies in memory. */
  held(name: ValueName | undefined): Held {
    const held = name === undefined ? undefined : this.#held.get(name);
    if (held === undefined) throw new Error(`the value ${String(name)} is used before it is made`);
    return held;
  }

  /** A value in an order; elements move where that is not their order already, once for all who want the same. */
  operand(name: ValueName | undefined, order: Order): Buffer {
    return this.inOrder(this.held(name), order);
  }

  /** A value in the graph's order. */
  plain(name: ValueName | undefined): Buffer {
    return this.operand(name, plainOrder(this.shape(name).length));
  }

  /** An optional operand of one element a channel. */
  optional(name: ValueName | undefined): Buffer {
    return name === undefined ? NONE : this.plain(name);
  }

  /** What is held, in another order. */
  inOrder(held: Held, order: Order): Buffer {
    const { buffer, shape } = held;
    if (isSameOrder(shape, held.order, order)) return buffer;
    const key = orderKey(shape, order);
    const moved = this.#moved.get(held) ?? new Map<string, Buffer>();
    this.#moved.set(held, moved);
    let result = moved.get(key);
    if (result === undefined) {
      result = this.#move(held, order);
      moved.set(key, result);
    }
    return result;
  }

  #move({ buffer, shape, order: from }: Held, order: Order): Buffer {
    const { shape: sizes, perm } = moveBetween(shape, from, order);
    if (buffer.kind === "weight") {
      const { constant } = buffer;
      const key = `moved ${sizes.join()} by ${perm.join()}`;
      const move = (): Float32Array<ArrayBuffer> => transposed(constant.data, sizes, perm);
      return { kind: "weight", constant: derived(constant, key, physicalShape(shape, order), move) };
    }
    const result = temporary(elementCount(shape));
    this.#push("transpose", [buffer], [result], [sizes.length, ...sizes, ...perm], false, true);
    return result;
  }

  /** Says where the value of a node's output lies: where another does, for what moves nothing. */
  define(name: ValueName | undefined, held: Held): void {
    if (name !== undefined) this.#held.set(name, held);
  }

  /** A new buffer for an output, in an order; one that nobody wants gets a buffer too. */
  result(name: ValueName | undefined, order: Order, shape: Shape = this.shape(name)): Temporary {
    const buffer = temporary(elementCount(shape));
    this.define(name, { buffer, shape, order });
    return buffer;
  }

  /** A step of the node that began last. */
  emit(
    op: OpName,
    inputs: readonly Buffer[],
    outputs: readonly Target[],
    words: readonly number[],
    commutes = false,
  ): void {
    this.#push(op, inputs, outputs, words, commutes, false);
  }

  #push(
    op: OpName,
    inputs: readonly Buffer[],
    outputs: readonly Target[],
    words: readonly number[],
    commutes: boolean,
    moves: boolean,
  ): void {
    if (this.#node === undefined) throw new Error(`a ${op} of no node`);
    this.steps.push({ op, inputs, outputs, words, node: this.#node, commutes, moves });
  }

  /** The error for a node that lenslet cannot run. */
  unsupported(text: string): LensletError {
    const { name = "", op = "" } = this.#node ?? {};
    return new LensletError("model-unsupported", `node ${JSON.stringify(name)} (${op}): ${text}`);
  }
}

/** A new buffer. */
export function temporary(length: number): Temporary {
  return { kind: "temporary", length };
}

/** What is held, with axes of size 1 before its own, up to `rank` axes in all. */
export function lifted(held: Held, rank: number): Held {
  const { buffer, shape, order } = held;
  const added = rank - shape.length;
  // The same object: what was moved is remembered by it.
  if (added === 0) return held;
  return { buffer, shape: [...new Array<number>(added).fill(1), ...shape], order: liftedOrder(order, rank) };
}

/** A graph while a pass changes it: who makes and who uses each value is known without looking through the graph. */
import type { OpType } from "../attributes.ts";
import type { Constant } from "../constant.ts";
import type { KnownGraph, KnownInfo, Node, ValueName } from "../graph.ts";

/**
 * Collects the changes of one pass; {@link Rewrite.finish} makes the new graph. Every change costs as much as the nodes
 * that it touches have inputs, so that a pass takes time in proportion to the graph.
 */
export class Rewrite {
  readonly #graph: KnownGraph;
  /** Nodes in order; undefined where one was taken away. */
  readonly #slots: (Node | undefined)[];
  readonly #slotOf = new Map<Node, number>();
  readonly #producers = new Map<ValueName, Node>();
  /** Nodes that use a value, and how often each does. */
  readonly #users = new Map<ValueName, Map<Node, number>>();
  readonly #outputs: ReadonlySet<ValueName>;
  readonly #infos: Map<ValueName, KnownInfo>;
  readonly #constants: Map<ValueName, Constant>;
  readonly #added = new Map<Constant, ValueName>();
  #changed = false;

  constructor(graph: KnownGraph) {
    this.#graph = graph;
    this.#slots = [...graph.nodes];
    this.#outputs = new Set(graph.outputs);
    this.#infos = new Map(graph.infos);
    this.#constants = new Map(graph.constants);
    for (const [slot, node] of graph.nodes.entries()) this.#enter(node, slot);
  }

  /** The nodes as they are when the loop comes to them, in order. Those around may be changed meanwhile. */
  *nodes(): Generator<Node> {
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const node = this.#slots[slot];
      if (node !== undefined) yield node;
    }
  }

  /** Whether a node is still part of the graph. */
  has(node: Node): boolean {
    return this.#slotOf.has(node);
  }

  /** Whether `a` is computed before `b`. */
  isBefore(a: Node, b: Node): boolean {
    return this.#slot(a) < this.#slot(b);
  }

  /** The node that makes a value; undefined for inputs and constants. */
  producer(value: ValueName | undefined): Node | undefined {
    return value === undefined ? undefined : this.#producers.get(value);
  }

  /** The node that makes a value, if it is of this operator. */
  madeBy<T extends OpType>(op: T, value: ValueName | undefined): Node<T> | undefined {
    const node = this.producer(value);
    return node !== undefined && isOp(node, op) ? node : undefined;
  }

  /** The nodes that use a value. */
  users(value: ValueName): readonly Node[] {
    return [...(this.#users.get(value)?.keys() ?? [])];
  }

  /** The one node that uses a value, once; undefined if there are more uses, or it is an output of the graph. */
  onlyUser(value: ValueName): Node | undefined {
    const users = this.#users.get(value);
    if (users?.size !== 1 || this.#outputs.has(value)) return undefined;
    for (const [node, times] of users) if (times === 1) return node;
    return undefined;
  }

  /** Whether nobody outside `nodes` sees a value. */
  isPrivate(value: ValueName, nodes: readonly Node[]): boolean {
    if (this.#outputs.has(value)) return false;
    for (const user of this.#users.get(value)?.keys() ?? []) if (!nodes.includes(user)) return false;
    return true;
  }

  isOutput(value: ValueName): boolean {
    return this.#outputs.has(value);
  }

  constant(value: ValueName | undefined): Constant | undefined {
    return value === undefined ? undefined : this.#constants.get(value);
  }

  info(value: ValueName | undefined): KnownInfo {
    const info = value === undefined ? undefined : this.#infos.get(value);
    if (info === undefined) throw new Error(`nothing is known of the value ${String(value)}`);
    return info;
  }

  /** Puts `next` in the place of `old`. */
  replace(old: Node, next: Node): void {
    const slot = this.#slot(old);
    this.#leave(old);
    this.#slots[slot] = next;
    this.#enter(next, slot);
    this.#changed = true;
  }

  /** Puts `next`, which does all their work, in the place of the last of `nodes`. */
  merge(nodes: readonly [...Node[], Node], next: Node): void {
    const last = nodes.reduce((latest, node) => (this.isBefore(latest, node) ? node : latest));
    for (const node of nodes) if (node !== last) this.remove(node);
    this.replace(last, next);
  }

  /** Takes a node away. */
  remove(node: Node): void {
    const slot = this.#slot(node);
    this.#leave(node);
    this.#slots[slot] = undefined;
    this.#changed = true;
  }

  /**
   * Takes away a node whose output is the same as the value `same`, which its users then use. An output of the graph
   * keeps its name: what makes `same` then makes it under that name. Does nothing and gives false where that cannot be:
   * where `same` is an input, a constant or itself an output.
   */
  bypass(node: Node, same: ValueName): boolean {
    const [value] = node.outputs;
    if (value === undefined || value === same) return false;
    if (this.#outputs.has(value)) {
      const maker = this.#producers.get(same);
      if (maker === undefined || this.#outputs.has(same)) return false;
      this.remove(node);
      this.#redirect(same, value);
      this.replace(maker, renamed(maker, "outputs", same, value));
      return true;
    }
    this.remove(node);
    this.#redirect(value, same);
    return true;
  }

  /** Lets all users of one value use another. */
  #redirect(from: ValueName, to: ValueName): void {
    for (const user of this.users(from)) this.replace(user, renamed(user, "inputs", from, to));
  }

  /** A name for a constant: the one that it was added under before, or a new one that begins with `hint`. */
  addConstant(hint: string, constant: Constant): ValueName {
    const known = this.#added.get(constant);
    if (known !== undefined) return known;
    const name = this.addValue(hint, { type: constant.type, shape: constant.shape });
    this.#constants.set(name, constant);
    this.#added.set(constant, name);
    return name;
  }

  /** A new name that begins with `hint`. */
  addValue(hint: string, info: KnownInfo): ValueName {
    let name = hint;
    for (let i = 2; this.#infos.has(name); i++) name = `${hint}.${i}`;
    this.#infos.set(name, info);
    this.#changed = true;
    return name;
  }

  /** The new graph; the old one if nothing was changed. */
  finish(): KnownGraph {
    if (!this.#changed) return this.#graph;
    const nodes = this.#slots.filter((node) => node !== undefined);
    return { ...this.#graph, nodes, constants: this.#constants, infos: this.#infos };
  }

  #slot(node: Node): number {
    const slot = this.#slotOf.get(node);
    if (slot === undefined) throw new Error(`${node.name} is no longer part of the graph`);
    return slot;
  }

  #enter(node: Node, slot: number): void {
    this.#slotOf.set(node, slot);
    for (const value of node.outputs) if (value !== undefined) this.#producers.set(value, node);
    for (const value of node.inputs) {
      if (value === undefined) continue;
      const users = this.#users.get(value) ?? new Map<Node, number>();
      users.set(node, (users.get(node) ?? 0) + 1);
      this.#users.set(value, users);
    }
  }

  #leave(node: Node): void {
    this.#slotOf.delete(node);
    for (const value of node.outputs) {
      // What replaces it may make the value already.
      if (value !== undefined && this.#producers.get(value) === node) this.#producers.delete(value);
    }
    for (const value of node.inputs) if (value !== undefined) this.#users.get(value)?.delete(node);
  }
}

/** Narrows a node to an operator. */
export function isOp<T extends OpType>(node: Node | undefined, op: T): node is Node & Node<T> {
  return node?.op === op;
}

function renamed(node: Node, side: "inputs" | "outputs", from: ValueName, to: ValueName): Node {
  return { ...node, [side]: node[side].map((value) => (value === from ? to : value)) };
}

/**
 * Networks as graphs: nodes that compute named values from named values. A graph is plain, immutable data; passes make new
 * ones of it, and the one that was loaded or written stays as it came.
 */
import type { Attributes, OpType } from "./attributes.ts";
import type { Constant, NumberType } from "./constant.ts";

/** Names a value inside one graph: an input, a constant, or what a node makes. Never empty. */
export type ValueName = string;

/** A size: known, or a symbol that stands for the same size wherever it occurs, or not known at all. */
export type Dim = number | string | undefined;

/** What is known of a value before anything runs. */
export interface ValueInfo {
  readonly type: NumberType;
  /** Undefined: not even the rank is known. */
  readonly shape: readonly Dim[] | undefined;
}

/** What is known of a value once the sizes of the inputs are. */
export interface KnownInfo {
  readonly type: NumberType;
  readonly shape: readonly number[];
  /** The value that tells, once it has run, how many rows of the first axis count; the rest is room. Absent: all count. */
  readonly rows?: ValueName;
}

/** One operator in a graph. */
export type Node<T extends OpType = OpType> = {
  readonly [K in T]: {
    /** Unique in the graph; for people and for `profile`. */
    readonly name: string;
    readonly op: K;
    /** Absent optional inputs are undefined. */
    readonly inputs: readonly (ValueName | undefined)[];
    /** Outputs that nobody wants are undefined; the first is there. */
    readonly outputs: readonly (ValueName | undefined)[];
    readonly attributes: Attributes[K];
  };
}[T];

/** A network. */
export interface Graph {
  readonly name: string;
  /** In the order in which they are declared. */
  readonly inputs: ReadonlyMap<ValueName, ValueInfo>;
  /** In their order. An output may also be an input or a constant. */
  readonly outputs: readonly ValueName[];
  readonly constants: ReadonlyMap<ValueName, Constant>;
  /** Each behind those whose values it needs. */
  readonly nodes: readonly Node[];
}

/**
 * A graph of which every size is known; `infos` has every value. Attributes are resolved: axes count from the start, pads
 * are found (`autoPad` is "NOTSET"), strides, dilations and perm are there.
 */
export interface KnownGraph extends Graph {
  readonly infos: ReadonlyMap<ValueName, KnownInfo>;
}

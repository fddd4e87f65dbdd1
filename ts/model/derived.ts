/**
 * Constants that plans make of others: folded weights, operands in another order. Each is the same object whenever it is
 * derived in the same way, so that a network planned for another size finds what it has uploaded.
 */
import type { Shape } from "../shape.ts";
import type { Constant } from "./constant.ts";

let lastId = 0;
const ids = new WeakMap<Constant, number>();
const memo = new WeakMap<Constant, Map<string, Constant<"float32">>>();

/** A number that stands for a constant: for keys of {@link derived}. */
export function identity(constant: Constant): number {
  let id = ids.get(constant);
  if (id === undefined) {
    id = ++lastId;
    ids.set(constant, id);
  }
  return id;
}

/**
 * The constant that `compute` makes of `source`. `key` tells how: two recipes of one source have different keys, and
 * name the {@link identity} of whatever else they need. Nothing is computed before someone reads `data`, and the numbers
 * are not kept: whoever needs them twice keeps them.
 */
export function derived(
  source: Constant,
  key: string,
  shape: Shape,
  compute: () => Float32Array<ArrayBuffer>,
): Constant<"float32"> {
  let made = memo.get(source);
  if (made === undefined) {
    made = new Map();
    memo.set(source, made);
  }
  let constant = made.get(key);
  if (constant === undefined) {
    constant = {
      type: "float32",
      shape,
      get data() {
        return compute();
      },
    };
    made.set(key, constant);
  }
  return constant;
}

/** Whether the numbers of a constant are made when they are read, and so belong to who reads them. */
export function isComputed(constant: Constant): boolean {
  return Object.getOwnPropertyDescriptor(constant, "data")?.get !== undefined;
}

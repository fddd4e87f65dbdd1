/** Constants that are computed when they are read: folded weights never lie in memory all at once. */
import { elementCount } from "../../shape.ts";
import { type Constant, numberBytes } from "../constant.ts";
import type { KnownInfo } from "../graph.ts";

/** Work of computing a constant once more, for those that are computed at each reading. */
const costs = new WeakMap<Constant, number>();

/** What smaller constants take, no one notices; 64 KiB. */
const SMALL = 65_536;

/** Elements that are touched when a constant's `data` is read: none for one that lies in memory. */
export function readingCost(constant: Constant | undefined): number {
  return constant === undefined ? 0 : (costs.get(constant) ?? 0);
}

/**
 * The one constant that `run` makes, of this type and shape. A small one is made at once; a large one anew at each reading
 * of `data`, so that it takes no memory before it is needed, nor longer: whoever reads it twice keeps it.
 */
export function recipe(info: KnownInfo, work: number, run: () => readonly Constant[]): Constant {
  const make = (): Constant => {
    const [constant] = run();
    if (constant === undefined) throw new RangeError("an evaluation without a result");
    return constant;
  };
  if (elementCount(info.shape) * numberBytes(info.type) <= SMALL) return make();
  return deferred(info, work, () => make().data);
}

/** The same numbers in another shape, shared with `source`. */
export function view(source: Constant, shape: readonly number[]): Constant {
  const cost = costs.get(source);
  if (cost === undefined) return { ...source, shape };
  return deferred({ type: source.type, shape }, cost, () => source.data);
}

function deferred({ type, shape }: KnownInfo, work: number, read: () => Constant["data"]): Constant {
  const constant = {
    type,
    shape,
    get data(): Constant["data"] {
      return read();
    },
  } as Constant;
  costs.set(constant, work);
  return constant;
}

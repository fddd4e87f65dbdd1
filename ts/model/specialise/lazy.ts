/** Constants that are computed when they are read: folded weights never lie in memory all at once. */
import { elementCount } from "../../shape.ts";
import { type Constant, numberBytes } from "../constant.ts";
import type { KnownInfo } from "../graph.ts";

/** How a constant is computed that does not lie in memory. */
interface Deferral {
  /** Elements touched at each reading. */
  readonly work: number;
  /** Deferred constants that one reading computes, one for the other. */
  readonly depth: number;
  readonly read: () => Constant["data"];
}

const deferrals = new WeakMap<Constant, Deferral>();

/** What smaller constants take, no one notices; 64 KiB. */
const SMALL = 65_536;

/** Longest chain of constants that one reading computes: each takes its part of the stack. */
const MAX_DEPTH = 64;

/** Elements that are touched when a constant's `data` is read: none for one that lies in memory. */
export function readingCost(constant: Constant | undefined): number {
  return constant === undefined ? 0 : (deferrals.get(constant)?.work ?? 0);
}

/**
 * The one constant that `run` makes of `inputs`, of this type and shape. A small one is made at once; a large one anew at
 * each reading of `data`, so that it takes no memory before it is needed, nor longer: whoever reads it twice keeps it.
 */
export function recipe(
  info: KnownInfo,
  inputs: readonly (Constant | undefined)[],
  work: number,
  run: () => readonly Constant[],
): Constant {
  const make = (): Constant => {
    const [constant] = run();
    if (constant === undefined) throw new RangeError("an evaluation without a result");
    return constant;
  };
  const depth = inputs.reduce((most, input) => Math.max(most, depthOf(input) + 1), 1);
  if (depth > MAX_DEPTH || elementCount(info.shape) * numberBytes(info.type) <= SMALL) return make();
  return deferred(info, { work, depth, read: () => make().data });
}

/** The same numbers in another shape, shared with `source`. */
export function view(source: Constant, shape: readonly number[]): Constant {
  const deferral = deferrals.get(source);
  return deferral === undefined ? { ...source, shape } : deferred({ type: source.type, shape }, deferral);
}

function depthOf(constant: Constant | undefined): number {
  return constant === undefined ? 0 : (deferrals.get(constant)?.depth ?? 0);
}

function deferred({ type, shape }: KnownInfo, deferral: Deferral): Constant {
  const constant = {
    type,
    shape,
    get data(): Constant["data"] {
      return deferral.read();
    },
  } as Constant;
  deferrals.set(constant, deferral);
  return constant;
}

/** The order of samples, and all else that chance decides about them: the same bits in every runtime. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Numbers drawn one after another. */
export type Random = ReturnType<typeof xoroshiro128plus>;

/** The numbers 0 to `size` - 1, shuffled (Fisher and Yates); another order for every seed and every epoch. */
export function shuffledOrder(size: number, seed: number, epoch: number): Int32Array {
  const order = inOrder(size);
  const random = randomOf(seed, epoch, SHUFFLE);
  for (let i = size - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    const moved = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = moved;
  }
  return order;
}

/** The numbers 0 to `size` - 1. */
export function inOrder(size: number): Int32Array {
  const order = new Int32Array(size);
  for (let i = 0; i < size; i++) order[i] = i;
  return order;
}

/** Apart from the numbers of samples, which count from 0. */
const SHUFFLE = -1;

/**
 * A generator that depends on three numbers and nothing else. Neighbouring numbers give unrelated draws: xoroshiro's first
 * ones would otherwise repeat its seed.
 */
export function randomOf(seed: number, epoch: number, subject: number): Random {
  return xoroshiro128plus(mixed(mixed(mixed(seed) ^ epoch) ^ subject));
}

/** MurmurHash3's finaliser (Appleby): each bit of the result depends on each of `key`'s 32. */
function mixed(key: number): number {
  let hash = (key | 0) + 0x9e3779b9;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Philox 4x32-10 (Salmon et al. 2011), in whole numbers of any size: the generator that Dropout counts with. */

const MASK = 2n ** 32n - 1n;

/** Four numbers below 2^32. */
export function philox(counter: readonly number[], key: readonly number[]): readonly number[] {
  let [a = 0n, b = 0n, c = 0n, d = 0n] = counter.map(BigInt);
  let [k0 = 0n, k1 = 0n] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const [p, q] = [a * 0xd2511f53n, c * 0xcd9e8d57n];
    [a, b, c, d] = [(q >> 32n) ^ b ^ k0, q & MASK, (p >> 32n) ^ d ^ k1, p & MASK];
    k0 = (k0 + 0x9e3779b9n) & MASK;
    k1 = (k1 + 0xbb67ae85n) & MASK;
  }
  return [a, b, c, d].map(Number);
}

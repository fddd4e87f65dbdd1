import { arrays, augment } from "../index.ts";
import { shuffledOrder } from "../order.ts";

/** FNV-1a (Fowler, Noll, Vo) of an array's bytes. */
function hash({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  let bits = 0x811c9dc5;
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) bits = Math.imul(bits ^ byte, 0x01000193);
  return (bits >>> 0).toString(16);
}

/** What must be the same bits in every runtime. */
export async function fingerprint(): Promise<{ readonly order: string; readonly pictures: string }> {
  const bytes = Uint8Array.from({ length: 20 * 11 * 9 * 3 }, (_, i) => (i * i * 31 + i) % 256);
  const plain = arrays({ x: { data: bytes, shape: [20, 11, 9, 3] }, y: new Uint8Array(20), mean: [0.1, 0.2, 0.3] });
  const changes = { flip: "both", shift: 2, rotate: 180, crop: 0.5, brightness: 0.3, seed: 5 } as const;
  const order = shuffledOrder(20, 7, 3);
  const { inputs } = await augment(plain, changes).batch(order, 3);
  return { order: hash(shuffledOrder(10_000, 7, 3)), pictures: hash(inputs) };
}

/** What Node 24 on x86-64 has. */
export const FINGERPRINT = { order: "dc91ed91", pictures: "4ff571d2" };

/** What a short training leaves, as one text: to tell whether two of them have the same bits. */
import type { Engine } from "lenslet";
import { adam } from "../optimiser.ts";
import { deep, pixels } from "./networks.ts";

/** Trains a network of all kinds of layers for two epochs, by the package as it is built; gives a hash of each weight. */
export async function trainedFingerprint(engine: Engine): Promise<Readonly<Record<string, string>>> {
  const network = deep();
  const { inputs, targets } = pixels(network, 20, 4);
  const [data = new Float32Array()] = inputs.values();
  using model = await engine.load(network);
  await model.fit({
    x: { data, shape: [20, 8, 8, 2] },
    y: { data: targets, shape: [20] },
    ...{ epochs: 2, batchSize: 6, optimizer: adam({ learningRate: 0.01 }), loss: "crossEntropy", shuffle: 7 },
  });
  return Object.fromEntries(Array.from(model.graph.constants, ([name, constant]) => [name, hash(constant.data)]));
}

/** FNV-1a of the bytes. */
function hash({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  let value = 0x811c9dc5;
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(16);
}

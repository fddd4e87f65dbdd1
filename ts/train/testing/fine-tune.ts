/** BlazeFace, which finds faces, taught to tell textures: the same in Node and in the page, by the package as it is built. */
import { dense, dropout, type Engine, extend, globalAvgPool2d } from "lenslet";
import { Random } from "../../test/oracle/random.ts";
import { adam } from "../optimiser.ts";

/** What is left of the network: the last features that both of its heads have in common. */
const FEATURES = "StatefulPartitionedCall/functional_1/re_lu_10/Relu:0";
const CLASSES = 3;
const SIZE = 128;

/** Pictures of stripes that lie, of stripes that stand, and of squares, each in colours and at a place of its own. */
function textures(count: number, seed: number): { x: Float32Array<ArrayBuffer>; y: Float32Array<ArrayBuffer> } {
  const random = new Random(seed);
  const x = new Float32Array(count * SIZE * SIZE * 3);
  const y = Float32Array.from({ length: count }, (_, i) => i % CLASSES);
  let to = 0;
  for (const label of y) {
    const [period, dx, dy] = [random.int(8, 20), random.int(0, 20), random.int(0, 20)];
    const colours = [0, 1].map(() => [0, 1, 2].map(() => 2 * random.next() - 1));
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < SIZE; column++) {
        const [v, u] = [Math.floor((row + dy) / period) % 2, Math.floor((column + dx) / period) % 2];
        const colour = colours[label === 0 ? v : label === 1 ? u : (u + v) % 2] ?? [];
        for (const value of colour) x[to++] = value + 0.2 * (random.next() - 0.5);
      }
    }
  }
  return { x, y };
}

/** Pictures and labels, as `fit` takes them. */
type Samples = Readonly<Record<"x" | "y", { readonly data: Float32Array<ArrayBuffer>; readonly shape: number[] }>>;

/** What fine-tuning came to. */
export interface FineTuned {
  /** Of pictures that were not trained on. */
  readonly accuracy: number;
  /** Frozen weights, and those of them that are no longer what the file has. */
  readonly frozen: number;
  readonly changed: readonly string[];
}

/** Freezes BlazeFace, gives it another head, trains that, and looks what came of all. */
export async function fineTune(engine: Engine, file: Uint8Array<ArrayBuffer>): Promise<FineTuned> {
  using faces = await engine.load(file.slice());
  const { constants } = faces.graph;
  const layers = [globalAvgPool2d(), dropout({ rate: 0.1 }), dense({ units: CLASSES })];
  using model = await engine.load(extend(faces.graph, { at: FEATURES, layers }));
  const frozen = [...constants.keys()].filter((name) => model.graph.constants.has(name));
  const samples = ({ x, y }: ReturnType<typeof textures>): Samples => ({
    x: { data: x, shape: [y.length, SIZE, SIZE, 3] },
    y: { data: y, shape: [y.length] },
  });
  await model.fit({
    ...samples(textures(36, 1)),
    ...{ epochs: 20, batchSize: 12, optimizer: adam({ learningRate: 0.03 }), loss: "crossEntropy" },
    freeze: (_, weight) => constants.has(weight),
  });
  const { metrics } = await model.evaluate({
    ...samples(textures(15, 2)),
    metrics: ["accuracy"],
    loss: "crossEntropy",
  });
  const changed = frozen.filter((name) => {
    const [before, after] = [constants.get(name)?.data, model.graph.constants.get(name)?.data];
    return before?.length !== after?.length || before?.some((value, i) => !Object.is(value, after?.[i]));
  });
  return { accuracy: metrics["accuracy"] ?? 0, frozen: frozen.length, changed };
}

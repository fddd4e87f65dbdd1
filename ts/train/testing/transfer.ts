/** EfficientNet-lite0 gets another head and learns to tell three classes apart, from pictures as they lie in memory. */
import { adam, dense, type Engine, extend, globalAvgPool2d, type Model } from "lenslet";
import { check, equal } from "../../test/conformance/case.ts";
import { Random } from "../../test/oracle/random.ts";
import { bitsOf } from "./tiny.ts";

/** The network's file, by its name in demo/models/fetch.ts. */
export const MODEL = "efficientnet-lite0";

/** Where it is cut: features of 14x14 places, 112 of each. */
const FEATURES = "/_blocks.10/Add_output_0";
/** Rows and columns of its pictures. */
const SIZE = 224;

/** Stripes that stand, lie, and cross: pictures `[n, size, size, 3]` of three classes. */
function stripes(n: number, size: number): { readonly data: Float32Array; readonly y: Uint8Array } {
  const random = new Random(5);
  const { data } = random.nd([n, size, size, 3], -0.2, 0.2);
  const y = Uint8Array.from({ length: n }, (_, i) => i % 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3) % (size * size);
    const [row, column] = [(Math.floor(pixel / size) >> 3) & 1, ((pixel % size) >> 3) & 1];
    const kind = y[Math.floor(i / (3 * size * size))];
    const on = kind === 0 ? column : kind === 1 ? row : row ^ column;
    data[i] = (data[i] ?? 0) + 1.2 * on - 0.6;
  }
  return { data, y };
}

/** Cuts, trains, and looks: the new head has learnt, and of the old weights no bit is another. */
export async function transfer(engine: Engine, trained: Model): Promise<void> {
  const head = [globalAvgPool2d(), dense({ units: 3, name: "head" })];
  const network = extend(trained.graph, { at: FEATURES, layers: head, layout: "NHWC" });
  using model = await engine.load(network);
  const n = 12;
  const { data, y } = stripes(n, SIZE);
  const before = bitsOf(model.graph);
  const x = { data, shape: [n, SIZE, SIZE, 3] };
  const isOld = (_: unknown, weight: string): boolean => trained.graph.constants.has(weight);
  const options = { x, y, loss: "crossEntropy", metrics: ["accuracy"], batchSize: 4 } as const;
  const { epochs } = await model.fit({ ...options, epochs: 6, optimizer: adam({ learningRate: 0.01 }), freeze: isOld });
  const scores = await model.evaluate(options);
  equal(scores.metrics, { accuracy: 1 }, "accuracy");
  check(scores.loss < 0.7 * (epochs[0]?.loss ?? 0), `the loss is ${scores.loss}, and was ${epochs[0]?.loss}`);
  const after = bitsOf(model.graph);
  const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
  equal(changed, ["head.weights", "head.bias"], "what was trained");
  using again = await engine.load(await model.save());
  const [a, b] = [await model.predict(x), await again.predict(x)];
  equal(b.data, a.data, "what the saved network computes");
}

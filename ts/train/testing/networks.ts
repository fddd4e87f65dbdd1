/** Small networks that have what networks have, and batches for them. */
import {
  add,
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  gelu,
  globalAvgPool2d,
  graph,
  maxPool2d,
  relu,
  sequential,
  softmax,
} from "../../model/layers/index.ts";
import type { Graph } from "../../model/graph.ts";
import { Random } from "../../test/oracle/random.ts";
import type { Batch } from "../trainer.ts";

/** Convolution, pool, dense: 12 by 12 grey pixels, three classes. */
export function small(): Graph {
  const layers = [
    conv2d({ filters: 4, size: 3, padding: "same", activation: "relu" }),
    maxPool2d({ size: 2 }),
    flatten(),
    dense({ units: 3 }),
    softmax(),
  ];
  return sequential(layers, { input: [12, 12, 1] });
}

/** Batch normalisation, a residual, a depthwise convolution, dropout: 8 by 8 pixels of two channels, four classes. */
export function deep(): Graph {
  return graph({ image: [8, 8, 2] }, ({ image }) => {
    const norm = (name: string): ReturnType<typeof batchNorm> => batchNorm({ name });
    const stem = relu()(
      norm("norm_a")(conv2d({ filters: 4, size: 3, padding: "same", bias: false, name: "stem" })(image)),
    );
    const inner = gelu()(
      norm("norm_b")(conv2d({ filters: 4, size: 3, padding: "same", groups: 4, name: "depthwise" })(stem)),
    );
    const block = relu()(add(stem, norm("norm_c")(conv2d({ filters: 4, size: 1, name: "point" })(inner))));
    const pooled = avgPool2d({ size: 2 })(dropout({ rate: 0.25 })(block));
    const features = globalAvgPool2d()(
      conv2d({ filters: 5, size: 3, stride: 2, padding: "same", name: "last" })(pooled),
    );
    return { logits: dense({ units: 4, name: "head" })(flatten()(features)) };
  });
}

/** Random pixels; classes that follow from which corner is the brightest, so that there is something to be learnt. */
export function pixels(network: Graph, size: number, classes: number, seed = 1): Batch {
  const random = new Random(seed);
  const [name = "", { shape = [] } = {}] = [...network.inputs][0] ?? [];
  const [h = 1, w = 1, c = 1] = shape.slice(1).map(Number);
  const data = random.nd([size, h, w, c], 0, 1).data;
  const targets = Float32Array.from({ length: size }, () => random.int(0, classes - 1));
  for (const [i, label] of targets.entries()) {
    const [top, left] = [label < 2 ? 0 : h / 2, label % 2 === 0 ? 0 : w / 2];
    for (let y = top; y < top + h / 2; y++)
      for (let x = left * c; x < (left + w / 2) * c; x++) data[(i * h + y) * w * c + x] = 1 + random.next();
  }
  return { inputs: new Map([[name, data]]), targets, size };
}

/** lenslet: `model.train`, with all that belongs to a step. */
import {
  add,
  batchNorm,
  conv2d,
  createEngine,
  type Dataset,
  dense,
  flatten,
  globalAvgPool2d,
  graph,
  maxPool2d,
  relu,
  sgd,
  type StepReport,
  type Value,
} from "lenslet";
import { clock } from "../clock.ts";
import type { Layer, Weights } from "./networks.ts";
import { median } from "../statistics.ts";
import { MOMENTUM, RATE, type Task, timedSteps, type Trained, type TrainingPeer } from "./runtime.ts";

/** Kernels of convolutions, dense layers and normalisations. */
const COUNTED = /^(conv|dense|batchNorm|movingStatistics)/;
/** Batches of an epoch: more than are ever asked for. */
const EPOCH = 2000;

export const lenslet: TrainingPeer = {
  name: "lenslet",
  async open({ build, clock: which }) {
    const engine = await createEngine({ build, training: true });
    const now = clock(which);
    return {
      about: `${engine.info.build} build, 1 thread`,
      close: () => engine.dispose(),
      async prepare(task): Promise<Trained> {
        const model = await engine.load(graphOf(task));
        const options = {
          dataset: sameBatch(task),
          batchSize: task.network.batchSize,
          optimizer: sgd({ learningRate: RATE, momentum: MOMENTUM }),
          loss: "crossEntropy",
          shuffle: false,
        } as const;
        const steps: AsyncIterator<StepReport> = model.train(options);
        return {
          async share(budget) {
            using profiled = await engine.load(graphOf(task));
            const shares: number[] = [];
            const end = now() + budget;
            let before = now();
            for await (const { kernels = [] } of profiled.train({ ...options, profile: true })) {
              const whole = now() - before;
              const counted = kernels.filter(({ kernel }) => COUNTED.test(kernel));
              shares.push(counted.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / whole);
              before = now();
              if (before > end) break;
            }
            return median(shares.slice(shares.length >> 1));
          },
          run: (count) =>
            timedSteps(count, now, async () => {
              const step = await steps.next();
              if (step.done === true) throw new Error("the epoch is over");
              return step.value.loss;
            }),
          async dispose() {
            await steps.return?.();
            model.dispose();
          },
        };
      },
    };
  },
};

/** The one batch, over and over. */
function sameBatch({ network: { input, classes, batchSize }, batch }: Task): Dataset {
  return {
    size: EPOCH * batchSize,
    inputShape: input,
    targetShape: [],
    classes: Array.from({ length: classes }, (_, label) => String(label)),
    batch: () => ({ inputs: batch.x, targets: batch.y }),
  };
}

function graphOf({ network, weights }: Task): ReturnType<typeof graph> {
  const rest = weights.values();
  const next = (): Weights => {
    const { value } = rest.next();
    if (value === undefined) throw new Error("a layer without weights");
    return value;
  };
  const applied = (layers: readonly Layer[], x: Value): Value => layers.reduce((y, layer) => one(layer, y), x);
  const one = (layer: Layer, x: Value): Value => {
    switch (layer.kind) {
      case "conv": {
        const { kind: _, ...options } = layer;
        return conv2d({ ...options, weights: { filter: next() } })(x);
      }
      case "dense":
        return dense({ units: layer.units, weights: { weights: next() } })(x);
      case "batchNorm":
        return batchNorm()(x);
      case "relu":
        return relu()(x);
      case "maxPool":
        return maxPool2d({ size: 2 })(x);
      case "globalAvgPool":
        return flatten()(globalAvgPool2d()(x));
      case "flatten":
        return flatten()(x);
      case "residual": {
        const body = applied(layer.body, x);
        return relu()(add(body, applied(layer.shortcut, x)));
      }
    }
  };
  return graph({ input: network.input }, ({ input }) => ({ logits: applied(network.layers, input) }));
}

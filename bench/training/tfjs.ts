/** TensorFlow.js on its CPU backend: plain JavaScript, and the one of its backends for CPUs that can train convolutions. */
import { clock } from "../clock.ts";
import type { Layer, Weights } from "./networks.ts";
import { MOMENTUM, RATE, type Task, timedSteps, type Trained, type TrainingPeer } from "./runtime.ts";

export const tfjsCpu: TrainingPeer = {
  name: "tfjs-cpu",
  async open({ clock: which }) {
    const tf = await import("@tensorflow/tfjs-core");
    await import("@tensorflow/tfjs-backend-cpu");
    const keras = await import("@tensorflow/tfjs-layers");
    if (!(await tf.setBackend("cpu"))) throw new Error("its cpu backend did not start");
    await tf.ready();
    const now = clock(which);
    return {
      about: "plain JavaScript, 1 thread",
      close: () => undefined,
      async prepare({ network, weights, batch }: Task): Promise<Trained> {
        const rest = weights.values();
        const make = (layer: Layer) => {
          switch (layer.kind) {
            case "conv": {
              const { filters, size: kernelSize, stride: strides, padding, bias: useBias } = layer;
              return keras.layers.conv2d({ filters, kernelSize, strides, padding, useBias });
            }
            case "dense":
              return keras.layers.dense({ units: layer.units });
            case "batchNorm":
              return keras.layers.batchNormalization({ epsilon: 1e-5 });
            case "relu":
              return keras.layers.reLU();
            case "maxPool":
              return keras.layers.maxPooling2d({ poolSize: 2 });
            case "globalAvgPool":
              return keras.layers.globalAveragePooling2d({});
            case "flatten":
              return keras.layers.flatten();
            case "residual":
              throw new Error("a block is no layer");
          }
        };
        type Value = ReturnType<typeof keras.input>;
        const applied = (layers: readonly Layer[], x: Value): Value => layers.reduce((y, layer) => one(layer, y), x);
        const one = (layer: Layer, x: Value): Value => {
          if (layer.kind === "residual") {
            const body = applied(layer.body, x);
            const sum = keras.layers.add().apply([body, applied(layer.shortcut, x)]) as Value;
            return keras.layers.reLU().apply(sum) as Value;
          }
          const made = make(layer);
          const y = made.apply(x) as Value;
          if (layer.kind === "conv" || layer.kind === "dense") {
            const [, ...biases] = made.getWeights();
            const { shape, data }: Weights = rest.next().value ?? { shape: [], data: new Float32Array() };
            made.setWeights([tf.tensor(data, [...shape]), ...biases.map((bias) => tf.zerosLike(bias))]);
          }
          return y;
        };
        const input = keras.input({ shape: [...network.input] });
        const model = keras.model({ inputs: input, outputs: applied(network.layers, input) });
        model.compile({
          optimizer: tf.train.momentum(RATE, MOMENTUM),
          loss: (wanted, logits) => tf.losses.softmaxCrossEntropy(wanted, logits),
        });
        const { batchSize, classes } = network;
        const x = tf.tensor(batch.x, [batchSize, ...network.input]);
        const y = tf.oneHot(tf.tensor1d(batch.y, "int32"), classes);
        return {
          run: (count) =>
            timedSteps(count, now, async () => {
              const loss = await model.trainOnBatch(x, y);
              return Array.isArray(loss) ? (loss[0] ?? Number.NaN) : loss;
            }),
          dispose() {
            model.dispose();
            x.dispose();
            y.dispose();
          },
        };
      },
    };
  },
};

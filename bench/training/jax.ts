/** jax-js on its WebAssembly backend, one step a jitted function; optax's momentum written out. */
import type { numpy } from "@jax-js/jax";
import { clock } from "../clock.ts";
import type { Floats } from "../work.ts";
import type { Layer, Weights } from "./networks.ts";
import { MOMENTUM, RATE, type Task, timedSteps, type Trained, type TrainingPeer } from "./runtime.ts";

type Value = numpy.Array;

export const jaxJs: TrainingPeer = {
  name: "jax-js",
  async open({ clock: which }) {
    const jax = await import("@jax-js/jax");
    const { numpy: np, lax, nn, tree } = jax;
    const devices = await jax.init();
    if (!devices.includes("wasm")) throw new Error("its wasm backend did not start");
    jax.defaultDevice("wasm");
    const now = clock(which);

    /** Every parameter is used once: its owner hands it over. */
    const forward = (parameters: readonly Value[], layers: readonly Layer[], image: Value): Value => {
      const rest = parameters.values();
      const next = (): Value => {
        const { value } = rest.next();
        if (value === undefined) throw new Error("a layer without parameters");
        return value;
      };
      const channels = (value: Value): Value => value.reshape([1, -1, 1, 1]);
      const one = (layer: Layer, x: Value): Value => {
        switch (layer.kind) {
          case "conv": {
            const { stride, padding } = layer;
            const y = lax.conv(x, next(), [stride, stride], padding === "same" ? "SAME" : "VALID");
            return layer.bias ? y.add(channels(next())) : y;
          }
          case "dense":
            return np.matmul(x, next()).add(next());
          case "batchNorm": {
            const centred = x.ref.sub(np.mean(x, [0, 2, 3], { keepdims: true }));
            const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
            const scaled = centred.div(np.sqrt(variance.add(1e-5))).mul(channels(next()));
            return scaled.add(channels(next()));
          }
          case "relu":
            return nn.relu(x);
          case "maxPool": {
            const [n = 0, c = 0, h = 0, w = 0] = x.shape;
            return np.max(x.reshape([n, c, h >> 1, 2, w >> 1, 2]), [3, 5]);
          }
          case "globalAvgPool":
            return np.mean(x, [2, 3]);
          case "flatten":
            return x.transpose([0, 2, 3, 1]).reshape([x.shape[0] ?? 0, -1]);
          case "residual": {
            const body = applied(layer.body, x.ref);
            return nn.relu(body.add(applied(layer.shortcut, x)));
          }
        }
      };
      const applied = (of: readonly Layer[], x: Value): Value => of.reduce((y, layer) => one(layer, y), x);
      return applied(layers, image);
    };

    return {
      about: "WebAssembly, 1 thread",
      close: () => undefined,
      async prepare({ network, weights, batch }: Task): Promise<Trained> {
        const loss = (parameters: Value[], x: Value, y: Value): Value => {
          const logits = nn.logSoftmax(forward(parameters, network.layers, x), -1);
          return np.mean(np.sum(logits.mul(y), -1)).mul(-1);
        };
        const step = jax.jit(
          (parameters: Value[], velocities: Value[], x: Value, y: Value): [Value, Value[], Value[]] => {
            const [value, gradients] = jax.valueAndGrad(loss)(tree.ref(parameters), x, y);
            const moved = velocities.map((velocity, i) => velocity.mul(MOMENTUM).add(gradients[i] ?? 0));
            const changed = parameters.map((parameter, i) => parameter.sub((moved[i] ?? np.zeros([])).ref.mul(RATE)));
            return [value, changed, moved];
          },
        );
        const [h, w, c] = network.input;
        const { batchSize, classes } = network;
        const x = np.array(batch.x).reshape([batchSize, h, w, c]).transpose([0, 3, 1, 2]);
        const y = np.array(oneHot(batch.y, classes)).reshape([batchSize, classes]);
        await jax.blockUntilReady([x, y]);
        let parameters = parametersOf(network.layers, weights).map(({ shape, data }) =>
          np.array(data).reshape([...shape]),
        );
        let velocities = parameters.map(({ shape }) => np.zeros(shape));
        return {
          run: (count) =>
            timedSteps(count, now, async () => {
              const [value, changed, moved] = step(parameters, velocities, x.ref, y.ref);
              [parameters, velocities] = [changed, moved];
              await jax.blockUntilReady(parameters);
              const [found = Number.NaN] = await value.data();
              return found;
            }),
          dispose() {
            for (const array of [...parameters, ...velocities, x, y]) array.dispose();
          },
        };
      },
    };
  },
};

/** All parameters in the order of use: filters `[outC, inC, kH, kW]`, biases and offsets 0, scales 1. */
function parametersOf(layers: readonly Layer[], weights: readonly Weights[]): readonly Weights[] {
  const rest = weights.values();
  const found: Weights[] = [];
  let channels = 0;
  const filled = (length: number, value: number): Weights => ({
    shape: [length],
    data: new Float32Array(length).fill(value),
  });
  const walk = (of: readonly Layer[]): void => {
    for (const layer of of) {
      if (layer.kind === "conv" || layer.kind === "dense") {
        const { value } = rest.next();
        if (value === undefined) throw new Error("a layer without weights");
        found.push(layer.kind === "conv" ? outermost(value) : value);
        channels = value.shape.at(-1) ?? 0;
        if (layer.kind === "dense" || layer.bias) found.push(filled(channels, 0));
      } else if (layer.kind === "batchNorm") found.push(filled(channels, 1), filled(channels, 0));
      else if (layer.kind === "residual") {
        walk(layer.body);
        walk(layer.shortcut);
      }
    }
  };
  walk(layers);
  return found;
}

/** A filter `[kH, kW, inC, outC]` as `[outC, inC, kH, kW]`. */
export function outermost({ shape: [kH = 0, kW = 0, inC = 0, outC = 0], data }: Weights): Weights {
  const turned = new Float32Array(data.length);
  const taps = kH * kW;
  for (let tap = 0; tap < taps; tap++) {
    for (let i = 0; i < inC; i++) {
      for (let o = 0; o < outC; o++) turned[(o * inC + i) * taps + tap] = data[(tap * inC + i) * outC + o] ?? 0;
    }
  }
  return { shape: [outC, inC, kH, kW], data: turned };
}

function oneHot(labels: Floats, classes: number): Floats {
  const rows = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) rows[row * classes + label] = 1;
  return rows;
}

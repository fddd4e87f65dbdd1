/**
 * ResNet-18 and MobileNetV2 of the usual layout with weights from a seed and batch normalisation kept: they classify
 * nothing, and take as long as those that do.
 */
import {
  add,
  batchNorm,
  conv2d,
  type Conv2dLayerOptions,
  dense,
  globalAvgPool2d,
  type Graph,
  graph,
  type Layer,
  maxPool2d,
  relu,
  activation,
  type Value,
} from "lenslet";

/** Statistics near what He's weights give, the last of a residual branch small, so that nothing grows or vanishes. */
function norm(name: string, channels: number, scale = 1): Layer {
  const wave = (amount: number, step: number): Float32Array =>
    Float32Array.from({ length: channels }, (_, index) => amount * Math.sin(step * (index + 1)));
  return batchNorm({
    name,
    weights: {
      scale: wave(0.2 * scale, 1.3).map((value) => scale + value),
      offset: wave(0.1, 2.1),
      mean: wave(0.1, 3.7),
      variance: wave(0.5, 0.7).map((value) => 1.5 + value),
    },
  });
}

/** A convolution without bias, as many rows and columns of padding as keep the size, and what normalises it. */
function convNorm(name: string, options: Conv2dLayerOptions, scale?: number): Layer {
  const [size] = [options.size].flat();
  const conv = conv2d({ padding: Math.floor((size ?? 1) / 2), bias: false, ...options, name });
  const normal = norm(`${name}.norm`, options.filters, scale);
  return (x) => normal(conv(x));
}

/** He et al. 2015, https://arxiv.org/abs/1512.03385 : 11.69 million parameters, 1.81 billion multiply-adds. */
export function resnet18(): Graph {
  return graph(
    { input: [224, 224, 3] },
    ({ input }) => {
      let x = relu()(convNorm("conv1", { filters: 64, size: 7, stride: 2 })(input));
      x = maxPool2d({ size: 3, stride: 2, padding: 1 })(x);
      for (const [stage, filters] of [64, 128, 256, 512].entries()) {
        for (const block of [0, 1]) {
          const stride = stage > 0 && block === 0 ? 2 : 1;
          x = residual(`layer${stage + 1}.${block}`, x, filters, stride);
        }
      }
      return { logits: dense({ name: "fc", units: 1000 })(globalAvgPool2d()(x)) };
    },
    { name: "resnet18", seed: 1 },
  );
}

function residual(name: string, x: Value, filters: number, stride: number): Value {
  let y = relu()(convNorm(`${name}.conv1`, { filters, size: 3, stride })(x));
  y = convNorm(`${name}.conv2`, { filters, size: 3 }, 0.5)(y);
  const same = stride === 1 && x.shape[2] === filters;
  return relu()(add(y, same ? x : convNorm(`${name}.shortcut`, { filters, size: 1, stride }, 0.7)(x)));
}

/** Sandler et al. 2018, https://arxiv.org/abs/1801.04381 : expansion, filters, repeats, stride. */
const MOBILENET_V2 = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** 3.50 million parameters, 0.30 billion multiply-adds. */
export function mobilenetV2(): Graph {
  return graph(
    { input: [224, 224, 3] },
    ({ input }) => {
      let x = relu6(convNorm("stem", { filters: 32, size: 3, stride: 2 })(input));
      let index = 0;
      for (const [expansion, filters, repeats, first] of MOBILENET_V2) {
        for (let repeat = 0; repeat < repeats; repeat++) {
          x = inverted(`block${index++}`, x, expansion, filters, repeat === 0 ? first : 1);
        }
      }
      x = relu6(convNorm("last", { filters: 1280, size: 1 }, 2)(x));
      return { logits: dense({ name: "fc", units: 1000 })(globalAvgPool2d()(x)) };
    },
    { name: "mobilenetv2", seed: 1 },
  );
}

function inverted(name: string, x: Value, expansion: number, filters: number, stride: number): Value {
  const channels = x.shape[2] ?? 1;
  const middle = channels * expansion;
  let y = x;
  if (expansion !== 1) y = relu6(convNorm(`${name}.expand`, { filters: middle, size: 1 }, 2)(y));
  y = relu6(convNorm(`${name}.depthwise`, { filters: middle, size: 3, stride, groups: middle }, 2)(y));
  y = convNorm(`${name}.project`, { filters, size: 1 }, 0.7)(y);
  return stride === 1 && channels === filters ? add(y, x) : y;
}

function relu6(x: Value): Value {
  return activation("relu6")(x);
}

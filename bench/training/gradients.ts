/** What convolutions' gradients take beside the forward pass, in networks of little else whose steps tell. */
import { batchNorm, conv2d, createEngine, flatten, globalAvgPool2d, graph, sgd } from "lenslet";
import type { BuildChoice } from "../peers/peer.ts";

/** One convolution in training. */
export interface GradientReport {
  readonly name: string;
  readonly batchSize: number;
  /** How the forward pass computes it. */
  readonly strategy: string;
  /** Milliseconds, a number a step. */
  readonly forward: readonly number[];
  /** Of the gradients of input and filter together. */
  readonly backward: readonly number[];
}

interface Convolution {
  readonly of: string;
  readonly batchSize: number;
  /** Rows and columns of the input. */
  readonly side: number;
  readonly channels: readonly [input: number, output: number];
  readonly size: number;
  readonly stride?: number;
  readonly padding?: "valid";
}

const resnet = { of: "ResNet", batchSize: 4 };
const resnet20 = { of: "ResNet-20", batchSize: 32, size: 3 };

const convolutions: readonly Convolution[] = [
  { of: "LeNet-5", batchSize: 64, side: 28, channels: [1, 6], size: 5 },
  { of: "LeNet-5", batchSize: 64, side: 14, channels: [6, 16], size: 5, padding: "valid" },
  { ...resnet, side: 224, channels: [3, 64], size: 7, stride: 2 },
  { ...resnet, side: 56, channels: [64, 64], size: 3 },
  { ...resnet, side: 56, channels: [64, 128], size: 3, stride: 2 },
  { ...resnet, side: 28, channels: [128, 128], size: 3 },
  { ...resnet, side: 28, channels: [128, 256], size: 3, stride: 2 },
  { ...resnet, side: 14, channels: [256, 256], size: 3 },
  { ...resnet, side: 14, channels: [256, 512], size: 3, stride: 2 },
  { ...resnet, side: 7, channels: [512, 512], size: 3 },
  { ...resnet, side: 56, channels: [64, 256], size: 1 },
  { ...resnet, side: 14, channels: [1024, 256], size: 1 },
  { ...resnet, side: 56, channels: [64, 128], size: 1, stride: 2 },
  { ...resnet20, side: 32, channels: [3, 16] },
  { ...resnet20, side: 32, channels: [16, 16] },
  { ...resnet20, side: 32, channels: [16, 32], stride: 2 },
  { ...resnet20, side: 16, channels: [32, 32] },
  { ...resnet20, side: 16, channels: [32, 64], stride: 2 },
  { ...resnet20, side: 8, channels: [64, 64] },
];

/** Steps before those that count. */
const WARM = 3;
/** Multiply-adds of a forward pass that all steps of a convolution together are worth: about a second with the gradients. */
const WORK = 8e9;
const FEWEST_STEPS = 15;
const MOST_STEPS = 200;

/** Trains every convolution for some steps. */
export async function measureGradients(
  { build }: { readonly build: BuildChoice },
  note: (line: string) => void,
): Promise<readonly GradientReport[]> {
  note("gradients");
  const engine = await createEngine({ build, training: true });
  const reports: GradientReport[] = [];
  for (const { of, batchSize, side, channels, size, stride = 1, padding = "same" } of convolutions) {
    const [inC, outC] = channels;
    const options = { size, stride, padding } as const;
    const outSide = Math.ceil((padding === "same" ? side : side - size + 1) / stride);
    const work = batchSize * outSide ** 2 * size ** 2 * inC * outC;
    const steps = WARM + Math.min(Math.max(Math.round(WORK / work), FEWEST_STEPS), MOST_STEPS);
    // The normalisation in front is trained, so that the input's gradient is wanted.
    const network = graph({ input: [side, side, inC] }, ({ input }) => ({
      means: flatten()(globalAvgPool2d()(conv2d({ filters: outC, ...options, bias: false })(batchNorm()(input)))),
    }));
    using model = await engine.load(network);
    const inputs = Float32Array.from({ length: batchSize * side * side * inC }, (_, i) => Math.sin(i));
    const targets = new Float32Array(batchSize * outC);
    const dataset = {
      size: batchSize * steps,
      inputShape: [side, side, inC],
      targetShape: [outC],
      batch: () => ({ inputs, targets }),
    };
    const forward: number[] = [];
    const backward: number[] = [];
    const training = {
      dataset,
      batchSize,
      loss: "meanSquaredError",
      optimizer: sgd({ learningRate: 1e-3 }),
      shuffle: false,
    } as const;
    for await (const { kernels = [] } of model.train({ ...training, profile: true })) {
      for (const { kernel, milliseconds } of kernels) {
        if (kernel === "conv2d") forward.push(milliseconds);
        if (kernel === "conv2dGrad") backward.push(milliseconds);
      }
    }
    using x = engine.tensor(inputs, [batchSize, side, side, inC]);
    using filter = engine.tensor(new Float32Array(size * size * inC * outC), [size, size, inC, outC]);
    const { strategy } = await engine.explain("conv2d", x, filter, { stride, padding });
    reports.push({
      name: `${of}: ${size}x${size}${stride > 1 ? ` s${stride}` : ""}, ${inC} -> ${outC}, ${side}x${side}`,
      batchSize,
      strategy,
      forward: forward.slice(WARM),
      backward: backward.slice(WARM),
    });
  }
  engine.dispose();
  return reports;
}

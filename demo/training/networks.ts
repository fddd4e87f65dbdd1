/** The two networks that are compared: they see the same pixels, and have as many parameters to learn with. */
import { batchNorm, conv2d, dense, flatten, type Graph, maxPool2d, relu, sequential, type Shape } from "lenslet";

/** Layers of the CNN whose feature maps are worth looking at, first to last. */
export const FEATURE_MAPS: readonly string[] = ["relu1", "relu2", "relu3"];

/** Where the CNN keeps the filters of its first layer: `[outC, inC, kH, kW]`. */
export const FIRST_FILTERS = "conv1.filter";

/** Where the flat network keeps the weights of its hidden units: `[pixels, units]`. */
export const FIRST_UNITS = "hidden.weights";

/**
 * A small convolutional network: three times convolution, batch normalisation, ReLU and max pool, each with fewer pixels and
 * more channels, then two dense layers that decide.
 */
export function convolutional(input: Shape, classes: number, seed: number): Graph {
  const block = (number: number, filters: number, size: number) => [
    // What a bias would add, the normalisation takes away again, and adds its own. It also makes up for filters of any size:
    // those that begin small soon look like what they learn.
    conv2d({ filters, size, padding: "same", bias: false, initialiser: "glorotUniform", name: `conv${number}` }),
    batchNorm({ name: `norm${number}` }),
    relu({ name: `relu${number}` }),
    maxPool2d({ size: 2 }),
  ];
  return sequential(
    [
      ...block(1, 16, 5),
      ...block(2, 32, 3),
      ...block(3, 64, 3),
      flatten(),
      dense({ units: 64, activation: "relu" }),
      dense({ units: classes }),
    ],
    { input, name: "CNN", seed },
  );
}

/** A flat network, which knows no rows and columns: one hidden layer, as wide as makes it have about `parameters`. */
export function fullyConnected(input: Shape, classes: number, parameters: number, seed: number): Graph {
  const inputs = input.reduce((product, size) => product * size, 1);
  // Each hidden unit has a weight for every input, one for every class, and a bias; each class has a bias.
  const units = Math.max(1, Math.round((parameters - classes) / (inputs + classes + 1)));
  return sequential([flatten(), dense({ units, activation: "relu", name: "hidden" }), dense({ units: classes })], {
    input,
    name: "flat",
    seed,
  });
}

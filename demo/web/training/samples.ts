import { data, type Dataset } from "lenslet";
import testImages from "../../training/fashion-mnist/t10k-images-idx3-ubyte.gz?url";
import testLabels from "../../training/fashion-mnist/t10k-labels-idx1-ubyte.gz?url";
import trainingImages from "../../training/fashion-mnist/train-images-idx3-ubyte.gz?url";
import trainingLabels from "../../training/fashion-mnist/train-labels-idx1-ubyte.gz?url";

/** What the clothes are called, by their numbers. */
const CLASSES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

/** Pictures to learn from, and pictures to be tested by. */
export interface Samples {
  readonly training: Dataset;
  readonly test: Dataset;
}

/** The part of Fashion-MNIST that comes with the page. */
export async function readSamples(): Promise<Samples> {
  const address = (path: string): URL => new URL(path, location.href);
  const [training, test] = await Promise.all([
    data.idx({ images: address(trainingImages), labels: address(trainingLabels), classes: CLASSES }),
    data.idx({ images: address(testImages), labels: address(testLabels), classes: CLASSES }),
  ]);
  return { training, test };
}

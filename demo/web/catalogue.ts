import { filters, type NdArray } from "lenslet";
import type { Kernel, Settings } from "./settings.ts";

/** A filter to choose. */
export interface Entry {
  readonly id: string;
  readonly label: string;
  /** What it does, in a sentence. */
  readonly note: string;
  /** Its kernels; filters of any size heed the one asked for. */
  kernels(size: number): readonly Kernel[];
}

/** The id of whatever the visitor types. */
export const OWN = "own";

const quarter = Math.PI / 4;

export const catalogue: readonly Entry[] = [
  entry(
    "edges",
    "Edges",
    "How steep brightness is, whatever the direction: Sobel X (shown) and Sobel Y, joined as √(x² + y²).",
    () => [filters.sobelX(), filters.sobelY()],
  ),
  entry("sobelX", "Sobel X", "Differences from left to right: upright edges.", () => [filters.sobelX()]),
  entry("sobelY", "Sobel Y", "Differences from top to bottom: level edges.", () => [filters.sobelY()]),
  entry("scharrX", "Scharr X", "As Sobel X, weighted to treat all directions more alike.", () => [filters.scharrX()]),
  entry("prewittX", "Prewitt X", "The plainest slope: right column less left column.", () => [filters.prewittX()]),
  entry("laplacian", "Laplacian", "A pixel against its neighbours: fine detail, in every direction at once.", () => [
    filters.laplacian(),
  ]),
  entry("gaussian", "Gaussian", "A weighted average, near pixels counting more: blur.", (size) => [
    filters.gaussian({ sigma: size / 4, size }),
  ]),
  entry("box", "Box", "A plain average of the neighbourhood.", (size) => [filters.box({ size })]),
  entry("sharpen", "Sharpen", "The pixel, and what sets it apart from its neighbours once more.", () => [
    filters.sharpen(),
  ]),
  entry("unsharp", "Unsharp", "The pixel, and its difference from a blurred copy.", (size) => [
    filters.unsharp({ sigma: size / 4, amount: 1.5, size }),
  ]),
  entry("emboss", "Emboss", "Slopes lit from the top left, over the picture itself.", () => [filters.emboss()]),
  entry("gabor", "Gabor", "Lines of one direction and one width, as the eye's first cells see them.", () => [gabor(0)]),
  entry("gabor45", "Gabor 45°", "The same, turned.", () => [gabor(quarter)]),
  entry("identity", "Identity", "Each pixel itself: nothing changes.", () => [filters.identity()]),
];

/** The entry of that id, or undefined for the visitor's own. */
export function entryOf(id: string): Entry | undefined {
  return catalogue.find((one) => one.id === id);
}

/** What the page opens with. */
export const opening: Settings = {
  filter: "sobelX",
  kernels: entryOf("sobelX")?.kernels(3) ?? [],
  colour: "grey",
  stride: 1,
  padding: "same",
  paddingPixels: 1,
  dilation: 1,
  bias: 0,
  activation: "identity",
  pool: "none",
  poolSize: 2,
  poolStride: 2,
  tone: "auto",
};

function entry(id: string, label: string, note: string, make: (size: number) => readonly NdArray[]): Entry {
  return { id, label, note, kernels: (size) => make(size).map(kernelOf) };
}

/** Less its mean, so that plain brightness is no answer. */
function gabor(theta: number): NdArray {
  const { data, shape } = filters.gabor({ size: 5, theta, wavelength: 4, sigma: 1.6 });
  const mean = Array.from(data).reduce((sum, weight) => sum + weight, 0) / data.length;
  return { data: Float32Array.from(data, (weight) => weight - mean), shape };
}

function kernelOf({ data, shape }: NdArray): Kernel {
  return { size: shape[0] ?? 0, weights: Array.from(data) };
}

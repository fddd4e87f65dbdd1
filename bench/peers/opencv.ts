/** OpenCV.js, for the filters of pictures. */
import { GAUSSIAN_SIGMA, isFilter, kernelOf, type Work } from "../work.ts";
import { floats, type Peer, type Prepared, type Runtime } from "./peer.ts";

export const opencv: Peer = {
  name: "opencv",
  kind: "wasm",
  hosts: ["node", "browser"],
  packageName: "@techstark/opencv-js",
  files: ["@techstark/opencv-js/dist/opencv.js"],
  wasm: undefined,
  async open(): Promise<Runtime> {
    const cv = await loadOpenCv();
    return {
      about: /General configuration for OpenCV (\S+)/.exec(cv.getBuildInformation())?.[1] ?? "wasm",
      close: () => {},
      async prepare(work: Work): Promise<Prepared | undefined> {
        if (!isFilter(work)) return undefined;
        const { layer, input } = work;
        const source = cv.matFromArray(layer.h, layer.w, cv.CV_32FC1, input);
        // OpenCV's own way: results go to a matrix that is there already.
        const [result, slopeX, slopeY] = [new cv.Mat(), new cv.Mat(), new cv.Mat()];
        const kernel = kernelOf(layer);
        const taps = kernel && cv.matFromArray(kernel.size, kernel.size, cv.CV_32FC1, kernel.taps);
        const nine = new cv.Size(9, 9);
        const half = new cv.Size(layer.w / 2, layer.h / 2);
        const centre = new cv.Point(-1, -1);
        const call = (): void => {
          if (layer.filter === "half") cv.resize(source, result, half, 0, 0, cv.INTER_LINEAR);
          else if (layer.filter === "sobel-x") cv.Sobel(source, result, cv.CV_32F, 1, 0, 3, 1, 0, cv.BORDER_CONSTANT);
          else if (layer.filter === "edges") {
            cv.Sobel(source, slopeX, cv.CV_32F, 1, 0, 3, 1, 0, cv.BORDER_REPLICATE);
            cv.Sobel(source, slopeY, cv.CV_32F, 0, 1, 3, 1, 0, cv.BORDER_REPLICATE);
            cv.magnitude(slopeX, slopeY, result);
          } else if (layer.filter === "gaussian") {
            cv.GaussianBlur(source, result, nine, GAUSSIAN_SIGMA, GAUSSIAN_SIGMA, cv.BORDER_CONSTANT);
          } else cv.filter2D(source, result, cv.CV_32F, taps, centre, 0, cv.BORDER_CONSTANT);
        };
        return {
          layout: "NHWC",
          compute() {
            call();
            return floats(result.data32F.slice());
          },
          keep: call,
          dispose() {
            for (const matrix of [source, result, slopeX, slopeY, taps]) matrix?.delete();
          },
        };
      },
    };
  },
};

/** What is used of OpenCV.js; its own types hide behind a global. */
export interface Matrix {
  readonly data: Uint8Array;
  readonly data32F: Float32Array;
  convertTo(to: Matrix, depth: number): void;
  delete(): void;
}
export interface OpenCv {
  readonly CV_8U: number;
  readonly CV_8UC4: number;
  readonly CV_32F: number;
  readonly CV_32FC1: number;
  readonly INTER_LINEAR: number;
  readonly BORDER_CONSTANT: number;
  readonly BORDER_REPLICATE: number;
  readonly COLOR_RGBA2GRAY: number;
  readonly COLOR_GRAY2RGBA: number;
  readonly Mat: new (rows?: number, columns?: number, type?: number) => Matrix;
  readonly Size: new (width: number, height: number) => object;
  readonly Point: new (x: number, y: number) => object;
  getBuildInformation(): string;
  matFromArray(rows: number, columns: number, type: number, data: ArrayLike<number>): Matrix;
  filter2D(
    from: Matrix,
    to: Matrix,
    depth: number,
    kernel: Matrix | undefined,
    anchor: object,
    delta: number,
    border: number,
  ): void;
  Sobel(
    from: Matrix,
    to: Matrix,
    depth: number,
    dx: number,
    dy: number,
    size: number,
    scale: number,
    delta: number,
    border: number,
  ): void;
  GaussianBlur(from: Matrix, to: Matrix, size: object, sigmaX: number, sigmaY: number, border: number): void;
  cvtColor(from: Matrix, to: Matrix, how: number): void;
  magnitude(x: Matrix, y: Matrix, to: Matrix): void;
  resize(from: Matrix, to: Matrix, size: object, fx: number, fy: number, how: number): void;
}

/** Its module is, by version, a promise, a thenable of itself (which `await` would never finish), or neither. */
export async function loadOpenCv(): Promise<OpenCv> {
  const { default: exported }: { default: unknown } = await import("@techstark/opencv-js");
  const module = (exported instanceof Promise ? await exported : exported) as OpenCv & {
    then?: unknown;
    onRuntimeInitialized?: () => void;
  };
  if (module.Mat === undefined) {
    await new Promise<void>((resolve) => {
      module.onRuntimeInitialized = resolve;
    });
  }
  delete module.then;
  return module;
}

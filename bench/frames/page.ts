/** What runs in the page: pictures after pictures, from RGBA bytes to their edges as RGBA bytes. */
import { createEngine, filters, image } from "lenslet";
import { loadOpenCv } from "../peers/opencv.ts";
import { type Bytes, fault, picture } from "./picture.ts";

/** Most pictures under way at once. */
const MAX_DEPTH = 2;

/** How long a number of pictures took. */
export interface FramesTimes {
  readonly ms: number;
  /** Tasks of more than 50 ms, in which the page answers nobody. */
  readonly longTasks: number;
}

/** Turns a picture, which it may take, into its edges. */
type Edges = (bytes: Bytes) => Promise<Bytes> | Bytes;

interface Contender {
  readonly edges: Edges;
  /** One for each of the pictures under way. */
  readonly pictures: Bytes[];
}

const KINDS = { worker: lensletIn(true), thread: lensletIn(false), opencv } as const;

/** Who computes. */
export type Kind = keyof typeof KINDS;

declare global {
  /** Gets ready, and checks an answer: why it is wrong, if it is. */
  var openFrames: (kind: Kind, height: number, width: number) => Promise<string | undefined>;
  /** Computes `count` pictures, so many of which are under way at once. */
  var runFrames: (kind: Kind, depth: number, count: number) => Promise<FramesTimes>;
}

const open = new Map<Kind, Contender>();

globalThis.openFrames = async (kind, height, width) => {
  const edges = await KINDS[kind](height, width);
  const source = picture(height, width);
  const pictures = Array.from({ length: MAX_DEPTH }, () => source.slice());
  open.set(kind, { edges, pictures });
  return fault(source, await edges(source.slice()), height, width, kind === "opencv");
};

globalThis.runFrames = async (kind, depth, count) => {
  const contender = open.get(kind);
  if (contender === undefined) throw new Error(`${kind} is not open`);
  const { edges, pictures } = contender;
  // What comes back is the next picture: there is a new buffer each time, as with a camera, but nobody has to fill it.
  const lane = async (place: number): Promise<void> => {
    for (let i = place; i < count; i += depth) {
      const bytes = pictures[place];
      if (bytes === undefined) throw new Error(`at most ${MAX_DEPTH} pictures can be under way`);
      pictures[place] = await edges(bytes);
      await pause();
    }
  };
  let longTasks = 0;
  const observer = new PerformanceObserver((list) => {
    longTasks += list.getEntries().length;
  });
  observer.observe({ type: "longtask" });
  const start = performance.now();
  await Promise.all(Array.from({ length: depth }, (_, place) => lane(place)));
  const ms = performance.now() - start;
  observer.disconnect();
  return { ms, longTasks };
};

/** Lets the page look after other things, without the 4 ms that a timer waits. */
function pause(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** The picture moves to the engine, and its edges move back. */
function lensletIn(worker: boolean): (height: number, width: number) => Promise<Edges> {
  return async (height, width) => {
    const engine = await createEngine({ worker });
    return async (data) => {
      const pixels = engine.scope(() => {
        const grey = image.toTensor(engine, { data, height, width }, { color: "grey", transfer: true });
        return { promise: image.toPixels(filters.edges(grey)) };
      });
      return (await pixels.promise).data as Bytes;
    };
  };
}

/** OpenCV's own way: in matrices that are there already. */
async function opencv(height: number, width: number): Promise<Edges> {
  const cv = await loadOpenCv();
  const source = new cv.Mat(height, width, cv.CV_8UC4);
  const [grey, x, y, magnitude, edges, rgba] = [
    new cv.Mat(),
    new cv.Mat(),
    new cv.Mat(),
    new cv.Mat(),
    new cv.Mat(),
    new cv.Mat(),
  ];
  return (bytes) => {
    source.data.set(bytes);
    cv.cvtColor(source, grey, cv.COLOR_RGBA2GRAY);
    cv.Sobel(grey, x, cv.CV_32F, 1, 0, 3, 1, 0, cv.BORDER_REPLICATE);
    cv.Sobel(grey, y, cv.CV_32F, 0, 1, 3, 1, 0, cv.BORDER_REPLICATE);
    cv.magnitude(x, y, magnitude);
    magnitude.convertTo(edges, cv.CV_8U);
    cv.cvtColor(edges, rgba, cv.COLOR_GRAY2RGBA);
    return new Uint8ClampedArray(rgba.data);
  };
}

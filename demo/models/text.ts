/**
 * Text in pictures, by the three networks of PP-OCR (https://arxiv.org/abs/2009.09941): one finds lines, one tells whether a
 * line stands on its head, one reads it. For lines that are level: others would have to be turned first.
 */
import { type Engine, type image, type Model, preprocess, type Tensor } from "lenslet";

/** The networks, and the characters that the last one knows. */
export interface TextModels {
  /** `ppocr-det` */
  readonly find: Model;
  /** `ppocr-cls` */
  readonly turn: Model;
  /** `ppocr-rec` */
  readonly read: Model;
  /** `ppocr-keys`, a character a line. */
  readonly characters: readonly string[];
}

/** A line of text, in pixels of the picture. */
export interface TextLine {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly text: string;
  /** How sure the network is, 0 to 1: the mean over the characters. */
  readonly score: number;
}

type Box = Pick<TextLine, "left" | "top" | "width" | "height">;

/** Above it, a pixel belongs to text. */
const THRESHOLD = 0.3;
/** The finder marks the middle of lines; they reach beyond by this part of area over circumference. */
const GROWTH = 1.6;
/** Lines and columns that the finder looks at are multiples of it. */
const STEP = 32;
const LARGEST = 960;
const HEIGHT = 48;

/** Reads the lines of a picture, from top to bottom. */
export async function readText(engine: Engine, models: TextModels, pixels: image.PixelSource): Promise<TextLine[]> {
  const lines: TextLine[] = [];
  for (const box of await findLines(engine, models.find, pixels)) {
    const upright = await turned(engine, models.turn, cut(pixels, box));
    const { text, score } = await readLine(engine, models, upright);
    if (text !== "") lines.push({ ...box, text, score });
  }
  return lines;
}

async function findLines(engine: Engine, model: Model, pixels: image.PixelSource): Promise<Box[]> {
  const scale = Math.min(1, LARGEST / Math.max(pixels.width, pixels.height));
  const fitted = (size: number): number => Math.max(Math.round((size * scale) / STEP), 1) * STEP;
  const [h, w] = [fitted(pixels.height), fitted(pixels.width)];
  const mean = [0.485, 0.456, 0.406].map((value) => 255 * value);
  const std = [0.229, 0.224, 0.225].map((value) => 255 * value);
  const input = preprocess({ size: [h, w], fit: "stretch", channels: "bgr", mean, std, layout: "NCHW" });
  const map = await only(model, input.tensor(engine, pixels));
  const [acrossX, acrossY] = [pixels.width / w, pixels.height / h];
  return patches(map, h, w)
    .map((patch) => {
      const grow = (GROWTH * patch.width * patch.height) / (2 * (patch.width + patch.height));
      const left = Math.max(Math.floor((patch.left - grow) * acrossX), 0);
      const top = Math.max(Math.floor((patch.top - grow) * acrossY), 0);
      const right = Math.min(Math.ceil((patch.left + patch.width + grow) * acrossX), pixels.width);
      const bottom = Math.min(Math.ceil((patch.top + patch.height + grow) * acrossY), pixels.height);
      return { left, top, width: right - left, height: bottom - top };
    })
    .toSorted((a, b) => a.top - b.top || a.left - b.left);
}

/** The boxes of connected pixels above the threshold, specks left out. */
function patches(map: Float32Array, h: number, w: number): Box[] {
  const seen = new Uint8Array(h * w);
  const boxes: Box[] = [];
  for (let start = 0; start < h * w; start++) {
    if (seen[start] === 1 || (map[start] ?? 0) <= THRESHOLD) continue;
    let [left, right, top, bottom] = [w, 0, h, 0];
    const rest = [start];
    seen[start] = 1;
    for (let at = rest.pop(); at !== undefined; at = rest.pop()) {
      const [x, y] = [at % w, Math.floor(at / w)];
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      for (const next of [x > 0 ? at - 1 : -1, x < w - 1 ? at + 1 : -1, at - w, at + w]) {
        if (next < 0 || next >= h * w || seen[next] === 1 || (map[next] ?? 0) <= THRESHOLD) continue;
        seen[next] = 1;
        rest.push(next);
      }
    }
    if (right - left >= 3 && bottom - top >= 3)
      boxes.push({ left, top, width: right - left + 1, height: bottom - top + 1 });
  }
  return boxes;
}

/** A line as it should stand. */
async function turned(engine: Engine, model: Model, line: image.PixelSource): Promise<image.PixelSource> {
  const input = preprocess({
    size: [HEIGHT, 192],
    fit: "stretch",
    channels: "bgr",
    mean: 127.5,
    std: 127.5,
    layout: "NCHW",
  });
  const [upright = 1, onItsHead = 0] = await only(model, input.tensor(engine, line));
  return onItsHead > 0.9 && onItsHead > upright ? overturned(line) : line;
}

async function readLine(
  engine: Engine,
  { read, characters }: TextModels,
  line: image.PixelSource,
): Promise<{ readonly text: string; readonly score: number }> {
  // Widths in steps: the model is planned for each that it sees.
  const w = Math.max(Math.round((HEIGHT * line.width) / line.height / STEP), 1) * STEP;
  const input = preprocess({
    size: [HEIGHT, w],
    fit: "stretch",
    channels: "bgr",
    mean: 127.5,
    std: 127.5,
    layout: "NCHW",
  });
  const scores = await only(read, input.tensor(engine, line));
  // Class 0 is "nothing new", the last one a space.
  const classes = characters.length + 2;
  let [text, sum, count, last] = ["", 0, 0, 0];
  for (let at = 0; at < scores.length; at += classes) {
    const column = scores.subarray(at, at + classes);
    const best = column.indexOf(Math.max(...column));
    if (best !== 0 && best !== last) {
      text += characters[best - 1] ?? " ";
      sum += column[best] ?? 0;
      count += 1;
    }
    last = best;
  }
  return { text: text.trim(), score: count === 0 ? 0 : sum / count };
}

/** The one output of a model for its one input, which is freed. */
async function only(model: Model, input: Tensor): Promise<Float32Array> {
  const [output] = Object.values(await model.run(input));
  input.dispose();
  if (output === undefined) throw new Error("the model has no output");
  const values = await output.data();
  output.dispose();
  return values;
}

function cut(pixels: image.PixelSource, { left, top, width, height }: Box): image.PixelSource {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let row = 0; row < height; row++) {
    const from = 4 * ((top + row) * pixels.width + left);
    data.set(pixels.data.subarray(from, from + 4 * width), 4 * row * width);
  }
  return { data, width, height };
}

/** Turned by half a turn. */
function overturned({ data, width, height }: image.PixelSource): image.PixelSource {
  const turned = new Uint8ClampedArray(data.length);
  for (let at = 0; at < data.length; at += 4) turned.set(data.subarray(at, at + 4), data.length - 4 - at);
  return { data: turned, width, height };
}

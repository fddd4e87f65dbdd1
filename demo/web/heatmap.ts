import { coverage } from "lenslet";
import { brush, element, make } from "./dom.ts";
import { paddingOf, type Settings } from "./settings.ts";

const COLUMNS = 9;
const ROWS = 6;
const CELL = 44;
/** Width of the whole picture in small. */
const WHOLE = 180;

type Colour = readonly [number, number, number];
const RAMP: readonly Colour[] = [
  [20, 38, 66],
  [16, 92, 112],
  [34, 150, 128],
  [140, 198, 94],
  [253, 232, 112],
];

/** How often each input pixel is read: the corner with its numbers, and the whole picture. */
export class CoverageMap {
  readonly #first = element("coverage-first", HTMLCanvasElement);
  readonly #last = element("coverage-last", HTMLCanvasElement);
  readonly #whole = element("coverage-whole", HTMLCanvasElement);
  readonly #legend = element("coverage-legend", HTMLElement);
  readonly #note = element("coverage-note", HTMLElement);
  #shown = "";

  /** Draws anew only if the geometry is another one: not for each frame of a camera. */
  show(settings: Settings, height: number, width: number): void {
    const { stride, dilation, kernels } = settings;
    const spec = {
      input: [height, width],
      kernel: kernels[0]?.size ?? 1,
      stride,
      dilation,
      padding: paddingOf(settings),
    } as const;
    const key = JSON.stringify(spec);
    if (key === this.#shown) return;
    this.#shown = key;

    const { counts } = coverage(spec);
    const tally = new Map<number, number>();
    for (const count of counts) tally.set(count, (tally.get(count) ?? 0) + 1);
    const most = Math.max(...tally.keys());
    drawWhole(this.#whole, { counts, height, width, most }, stride);
    drawCorner(this.#first, { counts, height, width, most }, 0, 0);
    drawCorner(this.#last, { counts, height, width, most }, Math.max(0, height - ROWS), Math.max(0, width - COLUMNS));
    this.#explain(counts, height, width, tally, most);
  }

  #explain(counts: Uint32Array, height: number, width: number, tally: ReadonlyMap<number, number>, most: number): void {
    const listed = [...tally.keys()].sort((a, b) => a - b);
    const shown =
      listed.length <= 8
        ? listed
        : [0, 1, 2, 3, 4, 5, 6, 7].map((i) => listed[Math.round((i * (listed.length - 1)) / 7)] ?? 0);
    this.#legend.replaceChildren(
      ...shown.map((count) => {
        const swatch = make("i");
        swatch.style.background = `rgb(${ramp(count, most).join(" ")})`;
        return make("span", { class: "swatch" }, swatch, String(count));
      }),
    );
    const at = (y: number, x: number) => counts[y * width + x] ?? 0;
    const middle = [height >> 1, width >> 1] as const;
    const never = tally.get(0) ?? 0;
    this.#note.textContent =
      `The corner is read ${times(at(0, 0))}, the middle of the upper edge ${times(at(0, middle[1]))}, ` +
      `the middle of the picture ${times(at(...middle))}.` +
      (never === 0 ? "" : ` ${share(never / counts.length)} of the pixels are never read.`);
  }
}

interface Counts {
  readonly counts: Uint32Array;
  readonly height: number;
  readonly width: number;
  readonly most: number;
}

/**
 * The whole input in small: means of square blocks. The pattern repeats with the stride; blocks of whole strides
 * keep it from making waves that are not there.
 */
function drawWhole(canvas: HTMLCanvasElement, { counts, height, width, most }: Counts, stride: number): void {
  const block = stride * Math.ceil(Math.max(1, width / WHOLE) / stride);
  const pixels = new ImageData(Math.ceil(width / block), Math.ceil(height / block));
  for (let at = 0, y = 0; y < height; y += block) {
    for (let x = 0; x < width; x += block, at += 4) {
      const bottom = Math.min(height, y + block);
      const right = Math.min(width, x + block);
      let sum = 0;
      for (let row = y; row < bottom; row++) {
        for (let column = x; column < right; column++) sum += counts[row * width + column] ?? 0;
      }
      pixels.data.set([...ramp(sum / ((bottom - y) * (right - x)), most), 255], at);
    }
  }
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  brush(canvas).putImageData(pixels, 0, 0);
}

/** A few pixels, each with its number. */
function drawCorner(
  canvas: HTMLCanvasElement,
  { counts, height, width, most }: Counts,
  top: number,
  left: number,
): void {
  const columns = Math.min(COLUMNS, width);
  const rows = Math.min(ROWS, height);
  canvas.width = columns * CELL;
  canvas.height = rows * CELL;
  const context = brush(canvas);
  context.font = `600 21px ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const count = counts[(top + y) * width + left + x] ?? 0;
      context.fillStyle = `rgb(${ramp(count, most).join(" ")})`;
      context.fillRect(x * CELL + 1, y * CELL + 1, CELL - 2, CELL - 2);
      context.fillStyle = count > most * 0.55 ? "rgb(10 20 30)" : "rgb(240 246 250)";
      context.fillText(String(count), (x + 0.5) * CELL, (y + 0.5) * CELL + 1);
    }
  }
}

function times(count: number): string {
  return count === 0 ? "never" : count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

function share(part: number): string {
  return part < 0.01 ? "Less than 1%" : `${Math.round(part * 100)}%`;
}

function ramp(count: number, most: number): Colour {
  const at = most === 0 ? 0 : (count / most) * (RAMP.length - 1);
  const low: Colour = RAMP[Math.floor(at)] ?? [0, 0, 0];
  const high = RAMP[Math.ceil(at)] ?? low;
  const part = at - Math.floor(at);
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] * (1 - part) + high[i] * part);
  return [mix(0), mix(1), mix(2)];
}

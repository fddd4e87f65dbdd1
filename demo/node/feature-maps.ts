import { type Engine, filters, type image, type NdArray, type Tensor } from "lenslet";
import { blank, put, weightColor } from "./sheet.ts";

const SIZE = 9;
const ANGLES = 8;
const LONGEST = 640;
/** Even filters answer to lines, odd ones to edges. */
const PHASES = [0, Math.PI / 2] as const;

/** The first layer of a small network: one filter a channel, in the layout [kH, kW, 1, outC]. */
const bank: readonly NdArray[] = PHASES.flatMap((phase) =>
  Array.from({ length: ANGLES }, (_, i) =>
    withoutMean(filters.gabor({ size: SIZE, theta: (i * Math.PI) / ANGLES, wavelength: 6, sigma: 2.4, phase })),
  ),
);

/**
 * What each filter of the bank finds in a grey picture, [1, h/2, w/2, 16], each map scaled to 0..1. Large pictures are
 * reduced first: sixteen maps of a camera's full size would be for nobody to look at.
 */
export function featureMaps(engine: Engine, grey: Tensor): Tensor {
  const [, h = 0, w = 0] = grey.shape;
  const scale = Math.min(1, LONGEST / Math.max(h, w));
  const small = engine.resize(grey, {
    size: [Math.max(SIZE, Math.round(h * scale)), Math.max(SIZE, Math.round(w * scale))],
  });
  const framed = engine.pad(small, { padding: SIZE >> 1, mode: "edge" });
  const layer = engine.conv2d(framed, stacked(bank), { activation: "relu" });
  const maps = engine.maxPool2d(layer, { size: 2 });
  return engine.div(maps, engine.max(engine.globalMaxPool2d(maps), 1e-6));
}

/** Lays the maps out in rows, each with its filter, magnified, in the corner. */
export function contactSheet(shape: readonly number[], values: Float32Array): image.Pixels {
  const [, h = 0, w = 0, count = 0] = shape;
  const gap = 8;
  const columns = ANGLES / 2;
  const rows = Math.ceil(count / columns);
  const sheet = blank(columns * (w + gap) + gap, rows * (h + gap) + gap);

  for (let map = 0; map < count; map++) {
    const left = gap + (map % columns) * (w + gap);
    const top = gap + Math.floor(map / columns) * (h + gap);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        // The root lifts the faint answers; most of a map is near zero.
        const grey = 255 * Math.sqrt(values[(y * w + x) * count + map] ?? 0);
        put(sheet, left + x, top + y, [grey, grey, grey]);
      }
    }
    const filter = bank[map];
    if (filter !== undefined) drawFilter(sheet, filter, left + 4, top + 4, Math.max(2, Math.floor(h / 50)));
  }
  return sheet;
}

/** The filter's weights as colours, the largest as bright as can be. */
function drawFilter(sheet: image.Pixels, { data }: NdArray, left: number, top: number, zoom: number): void {
  const largest = Math.max(...Array.from(data, Math.abs));
  for (let y = 0; y < SIZE * zoom; y++) {
    for (let x = 0; x < SIZE * zoom; x++) {
      const weight = data[Math.floor(y / zoom) * SIZE + Math.floor(x / zoom)] ?? 0;
      put(sheet, left + x, top + y, weightColor(weight / largest));
    }
  }
}

function stacked(filters: readonly NdArray[]): NdArray {
  const data = new Float32Array(SIZE * SIZE * filters.length);
  filters.forEach((filter, channel) => {
    for (let i = 0; i < SIZE * SIZE; i++) data[i * filters.length + channel] = filter.data[i] ?? 0;
  });
  return { data, shape: [SIZE, SIZE, 1, filters.length] };
}

/** A filter of sum zero does not answer to plain brightness. */
function withoutMean(filter: NdArray): NdArray {
  const data = Float32Array.from(filter.data);
  const mean = data.reduce((sum, weight) => sum + weight, 0) / data.length;
  return { data: data.map((weight) => weight - mean), shape: filter.shape };
}

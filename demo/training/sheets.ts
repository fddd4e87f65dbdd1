/** What a network has learnt, as pictures: its first filters before and after, and what they find in an image. */
import type { image } from "lenslet";
import { blank, put, weightColor } from "../node/sheet.ts";

/** Filters of one input channel: `[outC, 1, kH, kW]`. */
export interface FilterBank {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Feature maps of one image, or the image itself: `[1, c, h, w]`. */
export interface Maps {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const GAP = 4;
const TILE = 56;
const COLUMNS = 16;

/**
 * Filters in two rows of tiles, above as they began and below as they are; orange weights are positive, blue ones negative,
 * each filter's largest as bright as can be.
 */
export function filterSheet(before: FilterBank, after: FilterBank): image.Pixels {
  const [count = 0, , kH = 0, kW = 0] = before.shape;
  const columns = Math.min(count, COLUMNS);
  const rows = Math.ceil(count / columns);
  const [zoomY, zoomX] = [Math.max(1, Math.floor(TILE / kH)), Math.max(1, Math.floor(TILE / kW))];
  const [tileH, tileW] = [kH * zoomY + GAP, kW * zoomX + GAP];
  const half = rows * tileH + GAP;
  const sheet = blank(columns * tileW + GAP, 2 * half + 2 * GAP);
  for (const [part, { data }] of [before, after].entries()) {
    for (let filter = 0; filter < count; filter++) {
      const weights = data.subarray(filter * kH * kW, (filter + 1) * kH * kW);
      const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-12);
      const left = GAP + (filter % columns) * tileW;
      const top = GAP + Math.floor(filter / columns) * tileH + part * (half + 2 * GAP);
      for (let y = 0; y < kH * zoomY; y++) {
        for (let x = 0; x < kW * zoomX; x++) {
          const weight = weights[Math.floor(y / zoomY) * kW + Math.floor(x / zoomX)] ?? 0;
          put(sheet, left + x, top + y, weightColor(weight / largest));
        }
      }
    }
  }
  return sheet;
}

/** Feature maps, layer below layer, each map as large as the others and from black to its own brightest. */
export function mapSheet(layers: readonly Maps[]): image.Pixels {
  const rowsOf = ({ shape: [, count = 0] }: Maps): number => Math.ceil(count / COLUMNS);
  const rows = layers.reduce((sum, layer) => sum + rowsOf(layer), 0);
  const sheet = blank(COLUMNS * (TILE + GAP) + GAP, rows * (TILE + GAP) + (layers.length + 1) * GAP);
  let top = GAP;
  for (const layer of layers) {
    const [, count = 0, h = 0, w = 0] = layer.shape;
    for (let map = 0; map < count; map++) {
      const values = layer.data.subarray(map * h * w, (map + 1) * h * w);
      const largest = values.reduce((most, value) => Math.max(most, value), 1e-12);
      const [left, above] = [GAP + (map % COLUMNS) * (TILE + GAP), top + Math.floor(map / COLUMNS) * (TILE + GAP)];
      for (let y = 0; y < TILE; y++) {
        for (let x = 0; x < TILE; x++) {
          const value = values[Math.floor((y * h) / TILE) * w + Math.floor((x * w) / TILE)] ?? 0;
          const grey = 255 * Math.sqrt(Math.max(0, value / largest));
          put(sheet, left + x, above + y, [grey, grey, grey]);
        }
      }
    }
    top += rowsOf(layer) * (TILE + GAP) + GAP;
  }
  return sheet;
}

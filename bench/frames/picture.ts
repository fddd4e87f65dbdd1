/** A picture, and what its edges are. */

export type Bytes = Uint8ClampedArray<ArrayBuffer>;

/** RGBA noise, the same each time. Smoothed along the rows: of noise alone, nearly all edges would be white. */
export function picture(height: number, width: number): Bytes {
  const bytes = new Uint8ClampedArray(4 * height * width);
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = i % 4 === 3 ? 255 : 0.9 * (bytes[i - 4] ?? 128) + 0.1 * (state >>> 24);
  }
  return bytes;
}

/**
 * Why `edges` are not those of a picture, or `undefined` if they are: Sobel's magnitude of Rec. 601 luma, the nearest pixel
 * repeated beyond the border. A byte may be off by one; where luma is `rounded` to bytes first, by eight of its halves.
 */
export function fault(
  source: Bytes,
  edges: Bytes,
  height: number,
  width: number,
  rounded: boolean,
): string | undefined {
  if (edges.length !== source.length) return `${edges.length} bytes instead of ${source.length}`;
  const luma = (y: number, x: number): number => {
    const row = Math.min(Math.max(y, 0), height - 1);
    const at = 4 * (row * width + Math.min(Math.max(x, 0), width - 1));
    return 0.299 * (source[at] ?? 0) + 0.587 * (source[at + 1] ?? 0) + 0.114 * (source[at + 2] ?? 0);
  };
  const tolerance = rounded ? 6 : 1;
  // Every 97th pixel, and all of the first row.
  for (let i = 0; i < height * width; i += i < width ? 1 : 97) {
    const [y, x] = [Math.floor(i / width), i % width];
    const along = (dy: number, dx: number): number => luma(y + dy, x + dx) - luma(y - dy, x - dx);
    const slopeX = along(-1, 1) + 2 * along(0, 1) + along(1, 1);
    const slopeY = along(1, -1) + 2 * along(1, 0) + along(1, 1);
    const expected = Math.min(Math.hypot(slopeX, slopeY), 255);
    const pixel = edges.subarray(4 * i, 4 * i + 4);
    const isGrey = pixel[0] === pixel[1] && pixel[0] === pixel[2] && pixel[3] === 255;
    if (!isGrey || Math.abs((pixel[0] ?? 0) - expected) > tolerance)
      return `wrong answer: pixel ${y}, ${x} is ${pixel}, expected ${expected.toFixed(1)} ± ${tolerance}`;
  }
  return undefined;
}

import type { Kernel } from "./settings.ts";

/** A kernel is a square of weights; these make one from another. */

/** Larger: zeros around it. Smaller: its middle. */
export function resized({ size, weights }: Kernel, wanted: number): Kernel {
  const shift = (wanted - size) / 2;
  return square(wanted, (row, column) => {
    const y = row - shift;
    const x = column - shift;
    return y >= 0 && x >= 0 && y < size && x < size ? (weights[y * size + x] ?? 0) : 0;
  });
}

/** A quarter turn clockwise. */
export function turned({ size, weights }: Kernel): Kernel {
  return square(size, (row, column) => weights[(size - 1 - column) * size + row] ?? 0);
}

export function negated({ size, weights }: Kernel): Kernel {
  return { size, weights: weights.map((weight) => (weight === 0 ? 0 : -weight)) };
}

/** Scaled so that a plain area keeps its brightness; undefined where the weights cancel out. */
export function normalised(kernel: Kernel): Kernel | undefined {
  const sum = sumOf(kernel);
  if (!Number.isFinite(sum) || Math.abs(sum) < 1e-6) return undefined;
  return { size: kernel.size, weights: kernel.weights.map((weight) => weight / sum) };
}

export function sumOf({ weights }: Kernel): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** Reads what was typed into a cell: a number, or a fraction. NaN if it is neither. */
export function parseWeight(text: string): number {
  const tidy = text.trim().replace("−", "-").replace(",", ".");
  const [, top, bottom] = /^([^/]+)\/([^/]+)$/.exec(tidy) ?? [];
  if (top !== undefined && bottom !== undefined) {
    const value = Number(top) / Number(bottom);
    return Number.isFinite(value) ? value : Number.NaN;
  }
  return tidy === "" || !Number.isFinite(Number(tidy)) ? Number.NaN : Number(tidy);
}

/** A weight in at most five characters, with a true minus sign. */
export function showWeight(weight: number): string {
  const size = Math.abs(weight);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const text = Number(size.toFixed(digits)).toString().replace(/^0\./, ".");
  return weight < 0 && text !== "0" ? `−${text}` : text;
}

function square(size: number, weightAt: (row: number, column: number) => number): Kernel {
  return { size, weights: Array.from({ length: size * size }, (_, i) => weightAt(Math.floor(i / size), i % size)) };
}

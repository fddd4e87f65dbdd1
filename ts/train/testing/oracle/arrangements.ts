/** What moves, repeats or drops elements, by definition. */
import { at, sizeOf } from "../../../test/oracle/nd.ts";
import { flatOf, given, made, type Operator, places } from "./numbers.ts";
import { philox } from "./philox.ts";
/** What of each axis of a padded result comes from where; -1: from nowhere. */
function source(index: number, before: number, size: number, mode: number): number {
  const place = index - before;
  if (mode === 0) return place >= 0 && place < size ? place : -1;
  if (mode === 2) return Math.min(Math.max(place, 0), size - 1);
  if (mode === 3) return ((place % size) + size) % size;
  const period = Math.max(2 * (size - 1), 1);
  const within = ((place % period) + period) % period;
  return within < size ? within : period - within;
}

/** Operators of this file. */
export const arrangements: Readonly<Record<string, Operator>> = {
  transpose: ([x], [rank = 0, ...rest]) => {
    const [shape, perm] = [rest.slice(0, rank), rest.slice(rank)];
    const out = perm.map((axis) => at(shape, axis));
    return [
      made(sizeOf(out), (flat) => {
        const indices = places(flat, out);
        const from = shape.map((_, axis) => at(indices, perm.indexOf(axis)));
        return at(x ?? [], flatOf(from, shape));
      }),
    ];
  },
  concat: (inputs, [outer = 1, ...sizes]) => {
    const rows = Array.from({ length: outer }, (_, row) =>
      sizes.flatMap((size, i) => [...given(inputs, i).subarray(row * size, (row + 1) * size)]),
    );
    return [Float64Array.from(rows.flat())];
  },
  slice: ([x], [rank = 0, ...rest]) => {
    const [shape = [], starts = [], steps = [], out = []] = [0, 1, 2, 3].map((i) =>
      rest.slice(i * rank, (i + 1) * rank),
    );
    return [
      made(sizeOf(out), (flat) =>
        at(
          x ?? [],
          flatOf(
            places(flat, out).map((index, axis) => at(starts, axis) + index * at(steps, axis)),
            shape,
          ),
        ),
      ),
    ];
  },
  broadcastTo: ([x], [rank = 0, ...rest]) => {
    const [shape, out] = [rest.slice(0, rank), rest.slice(rank)];
    return [made(sizeOf(out), (flat) => at(x ?? [], flatOf(places(flat, out), shape)))];
  },
  pad: ([x], [mode = 0, fill = 0, rank = 0, ...rest]) => {
    const [shape = [], before = [], after = []] = [0, 1, 2].map((i) => rest.slice(i * rank, (i + 1) * rank));
    const out = shape.map((size, axis) => size + at(before, axis) + at(after, axis));
    return [
      made(sizeOf(out), (flat) => {
        const from = places(flat, out).map((index, axis) => source(index, at(before, axis), at(shape, axis), mode));
        return from.includes(-1) ? fill : at(x ?? [], flatOf(from, shape));
      }),
    ];
  },
  gather: ([x, indices], [outer = 1, size = 1, inner = 1, count = 1]) => [
    made(outer * count * inner, (flat) => {
      const [first, place, last] = [Math.floor(flat / (count * inner)), Math.floor(flat / inner) % count, flat % inner];
      const index = at(indices ?? [], place);
      return at(x ?? [], (first * size + (index < 0 ? index + size : index)) * inner + last);
    }),
  ],
  dropout: ([x, clock], [rate = 0, low = 0, high = 0, stream = 0]) => {
    const dropped = Math.floor(Math.fround(rate) * 2 ** 32);
    return [
      (x ?? new Float64Array()).map((value, i) => {
        const numbers = philox([Math.floor(i / 4), 0, stream, at(clock ?? [], 0)], [low, high]);
        return at(numbers, i % 4) < dropped ? 0 : value / (1 - Math.fround(rate));
      }),
    ];
  },
};

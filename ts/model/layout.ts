/**
 * The order in which a value's axes lie in memory. A graph speaks of axes as its operators do (ONNX: `[n, c, h, w]`);
 * in memory, images lie with their channels last, and a Transpose moves nothing but the order.
 *
 * An {@link Order} names the axes outermost first: `[0, 2, 3, 1]` is an NCHW value in NHWC. Axes of size 1 may stand
 * anywhere, since they move nothing.
 */
import { elementCount, type Shape } from "../shape.ts";

/** Axes of a value, outermost in memory first. */
export type Order = readonly number[];

/** Axes as the graph has them. */
export function plainOrder(rank: number): Order {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** Channels, axis 1, last: what the core wants of images. */
export function channelsLast(rank: number): Order {
  return rank < 3 ? plainOrder(rank) : [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}

/** Sizes in the order in which they lie in memory. */
export function physicalShape(shape: Shape, order: Order): Shape {
  return order.map((axis) => shape[axis] ?? 1);
}

/** Equal for two orders of a shape that are the same in memory. */
export function orderKey(shape: Shape, order: Order): string {
  return order.filter((axis) => shape[axis] !== 1).join();
}

/** Whether two orders of a shape are the same in memory. */
export function isSameOrder(shape: Shape, a: Order, b: Order): boolean {
  return orderKey(shape, a) === orderKey(shape, b);
}

/** A transpose of row-major data: axis i of the result is axis `perm[i]` of `shape`. */
export interface Move {
  readonly shape: Shape;
  readonly perm: readonly number[];
}

/** What moves a value from one order to another, in as few axes as can be. */
export function moveBetween(shape: Shape, from: Order, to: Order): Move {
  const source = from.filter((axis) => shape[axis] !== 1);
  const target = to.filter((axis) => shape[axis] !== 1);
  // Runs of axes that stay together move as one.
  const runs: number[][] = [];
  for (const axis of target) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && source.indexOf(axis) === source.indexOf(last) + 1) run.push(axis);
    else runs.push([axis]);
  }
  const place = (run: readonly number[]): number => source.indexOf(run[0] ?? -1);
  const sorted = runs.toSorted((a, b) => place(a) - place(b));
  return {
    shape: sorted.map((run) => elementCount(run.map((axis) => shape[axis] ?? 1))),
    perm: runs.map((run) => sorted.indexOf(run)),
  };
}

/** The order of what a Transpose makes of a value of `order`: nothing moves. */
export function transposedOrder(order: Order, perm: readonly number[]): Order {
  return order.map((axis) => perm.indexOf(axis));
}

/** The order of a value that has lost the axes for which `lost` says so. */
export function orderWithout(order: Order, lost: (axis: number) => boolean): Order {
  const kept = order.filter((axis) => !lost(axis));
  const sorted = kept.toSorted((a, b) => a - b);
  return kept.map((axis) => sorted.indexOf(axis));
}

/**
 * The order of what a Reshape makes of a value, if it can stay where it is: wherever axes are merged or split, they
 * must lie beside one another in memory as they do in the graph. Undefined if elements have to move.
 */
export function reshapedOrder(shape: Shape, order: Order, next: Shape): Order | undefined {
  const groups = matchingGroups(shape, next);
  const memory = order.filter((axis) => shape[axis] !== 1);
  const inMemory: number[] = [];
  for (let at = 0; at < memory.length; ) {
    const group = groups.find(({ from }) => from[0] === memory[at]);
    if (group === undefined || !group.from.every((axis, i) => memory[at + i] === axis)) return undefined;
    inMemory.push(...group.to);
    at += group.from.length;
  }
  const ones = next.flatMap((size, axis) => (size === 1 ? [axis] : []));
  return [...ones, ...inMemory];
}

/** Axes of two shapes that hold the same elements, in as small groups as can be; those of size 1 belong to none. */
function matchingGroups(
  shape: Shape,
  next: Shape,
): { readonly from: readonly number[]; readonly to: readonly number[] }[] {
  const left = plainOrder(shape.length).filter((axis) => shape[axis] !== 1);
  const right = plainOrder(next.length).filter((axis) => next[axis] !== 1);
  const groups: { from: number[]; to: number[] }[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const group = { from: [] as number[], to: [] as number[] };
    let [a, b] = [1, 1];
    do {
      const takeLeft = a <= b || j >= right.length;
      const axis = takeLeft ? left[i++] : right[j++];
      if (axis === undefined) break;
      (takeLeft ? group.from : group.to).push(axis);
      if (takeLeft) a *= shape[axis] ?? 1;
      else b *= next[axis] ?? 1;
    } while (a !== b);
    groups.push(group);
  }
  return groups;
}

/** The order of a value of `rank` axes once axes of size 1 stand before them, up to `target` axes in all. */
export function liftedOrder(order: Order, target: number): Order {
  const added = target - order.length;
  return [...plainOrder(added), ...order.map((axis) => axis + added)];
}

/** A shape with axes of size 1 before it, up to `rank` axes in all. */
export function liftedShape(shape: Shape, rank: number): Shape {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/**
 * Shapes that broadcast together, with as few axes as can be: neighbours of which each operand has both, or repeats along
 * both, are one. All of the same rank, before and after.
 */
export function collapse(shapes: readonly Shape[]): readonly Shape[] {
  const rank = shapes[0]?.length ?? 0;
  const merged: number[][] = shapes.map(() => []);
  let last = "";
  for (let axis = 0; axis < rank; axis++) {
    const sizes = shapes.map((shape) => shape[axis] ?? 1);
    const pattern = sizes.map((size) => (size === 1 ? "-" : "+")).join("");
    if (!pattern.includes("+")) continue;
    merged.forEach((shape, i) => {
      const size = sizes[i] ?? 1;
      if (pattern === last) shape.push((shape.pop() ?? 1) * size);
      else shape.push(size);
    });
    last = pattern;
  }
  return merged;
}

/** Row-major numbers of a shape with their axes in another order: axis i of the result is axis `perm[i]`. */
export function transposed(data: ArrayLike<number>, shape: Shape, perm: readonly number[]): Float32Array<ArrayBuffer> {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const result = new Float32Array(data.length);
  const sizes = perm.map((axis) => shape[axis] ?? 1);
  const steps = perm.map((axis) => strides[axis] ?? 1);
  const indices = sizes.map(() => 0);
  for (let i = 0, from = 0; i < result.length; i++) {
    result[i] = data[from] ?? 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const index = (indices[axis] ?? 0) + 1;
      from += steps[axis] ?? 0;
      if (index < (sizes[axis] ?? 1)) {
        indices[axis] = index;
        break;
      }
      from -= (steps[axis] ?? 0) * index;
      indices[axis] = 0;
    }
  }
  return result;
}
